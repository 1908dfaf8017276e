// SPDX-License-Identifier: Apache-2.0
#include "core/content/media_type.hh"

#include <array>
#include <utility>

namespace muster {

std::string_view media_type(std::string_view name) noexcept {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 20> types{{
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
        {".squashfs", "application/octet-stream"},
    }};
    for (const auto& [suffix, type] : types) {
        if (name.ends_with(suffix)) {
            return type;
        }
    }
    return "application/octet-stream";
}

} // namespace muster
