// SPDX-License-Identifier: Apache-2.0
#include "net/client/boot_installer_texts.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

std::string_view without_slashes(std::string_view text) noexcept {
    while (text.ends_with('/')) {
        text.remove_suffix(1);
    }
    return text;
}

} // namespace

std::string command_line_value(std::string_view cmdline, std::string_view key) {
    while (!cmdline.empty()) {
        const std::size_t end = std::min(cmdline.find(' '), cmdline.size());
        const std::string_view word = cmdline.substr(0, end);
        if (word.starts_with(key)) {
            return std::string{without_slashes(word.substr(key.size()))};
        }
        cmdline.remove_prefix(std::min(end + 1, cmdline.size()));
    }
    return {};
}

std::string order_value(std::string_view text, std::string_view key) {
    const std::string start = std::string{key} + "=\"";
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        if (line.starts_with(start)) {
            line.remove_prefix(start.size());
            return std::string{line.substr(0, line.find('"'))};
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return {};
}

std::string url_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string report_url_of(std::string_view text) {
    constexpr std::string_view name = "/installed";
    const std::size_t end = text.find(name);
    const std::size_t begin = text.substr(0, end).rfind("http://");
    return end == std::string_view::npos || begin == std::string_view::npos
               ? std::string{}
               : std::string{text.substr(begin, end - begin)};
}

} // namespace muster
