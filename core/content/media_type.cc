// SPDX-License-Identifier: Apache-2.0
#include "core/content/media_type.hh"

#include <array>
#include <cstddef>
#include <utility>

namespace muster {
namespace {

constexpr char to_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool ends_with_ignoring_case(std::string_view name, std::string_view suffix) noexcept {
    name.remove_prefix(name.size() - suffix.size());
    for (std::size_t i = 0; i < suffix.size(); ++i) {
        if (to_lower(name[i]) != suffix[i]) {
            return false;
        }
    }
    return true;
}

} // namespace

std::string_view media_type(std::string_view name) noexcept {
    static constexpr auto types = std::to_array<std::pair<std::string_view, std::string_view>>({
        {".efi", "application/efi"},
        {".iso", "application/vnd.efi-iso"},
        {".img", "application/vnd.efi-img"},
        {".ipxe", "text/plain"},
        {".cfg", "text/plain"},
        {".conf", "text/plain"},
        {".ks", "text/plain"},
        {".txt", "text/plain"},
        {".sh", "text/plain"},
        {".yaml", "text/plain"},
        {".xml", "application/xml"},
        {".json", "application/json"},
        {".html", "text/html"},
        {".deb", "application/vnd.debian.binary-package"},
        {".rpm", "application/x-rpm"},
        {".gz", "application/gzip"},
        {".xz", "application/x-xz"},
        {".zst", "application/zstd"},
        {".tar", "application/x-tar"},
        {".bz2", "application/x-bzip2"},
        {".log", "text/plain"},
        {".list", "text/plain"},
        {".yml", "text/plain"},
        {".md", "text/plain"},
        {".htm", "text/html"},
        {".css", "text/css"},
        {".js", "text/javascript"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
    });
    for (const auto& [suffix, type] : types) {
        // Firmware and people on Windows write BOOTX64.EFI.
        if (name.size() > suffix.size() && ends_with_ignoring_case(name, suffix)) {
            return type;
        }
    }
    return "application/octet-stream";
}

} // namespace muster
