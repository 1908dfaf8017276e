// SPDX-License-Identifier: Apache-2.0
#include "net/client/boot_url.hh"

#include <charconv>

namespace muster {
namespace {

constexpr std::uint16_t tftp_port = 69;
constexpr std::uint16_t http_port = 80;
constexpr std::string_view tftp_scheme = "tftp://";
constexpr std::string_view http_scheme = "http://";

} // namespace

BootUrl tftp_url(const Ipv4Address& server, std::string_view name) {
    return {.scheme = BootUrl::Scheme::tftp,
            .server = {server, tftp_port},
            .host = to_text(server),
            .path = std::string{name}};
}

std::optional<BootUrl> read_boot_url(std::string_view text) {
    BootUrl url;
    if (text.starts_with(http_scheme)) {
        url.scheme = BootUrl::Scheme::http;
    } else if (!text.starts_with(tftp_scheme)) {
        return std::nullopt;
    }
    const bool http = url.scheme == BootUrl::Scheme::http;
    text.remove_prefix(http_scheme.size()); // both are of one length
    static_assert(http_scheme.size() == tftp_scheme.size());
    const std::size_t slash = std::min(text.find('/'), text.size());
    url.host = text.substr(0, slash);
    const std::string_view path = text.substr(slash);
    const std::size_t colon = url.host.find(':');
    const auto address = read_ipv4_address(std::string_view{url.host}.substr(0, colon));
    if (!address) {
        return std::nullopt;
    }
    url.server = {*address, http ? http_port : tftp_port};
    if (colon != std::string::npos) {
        const char* const end = url.host.data() + url.host.size();
        const auto [rest, error] =
            std::from_chars(url.host.data() + colon + 1, end, url.server.port);
        if (error != std::errc{} || rest != end || url.server.port == 0) {
            return std::nullopt;
        }
    }
    if (http) {
        url.path = path.empty() ? "/" : path;
    } else {
        url.path = path.substr(path.empty() ? 0 : 1);
    }
    return url;
}

std::optional<BootUrl> resolve_boot_url(const BootUrl& base, std::string_view text) {
    if (text.find("://") != std::string_view::npos) {
        return read_boot_url(text);
    }
    if (text.empty()) {
        return std::nullopt;
    }
    BootUrl url = base;
    url.path = text.front() == '/' ? std::string{text}
                                   : std::string{folder_of(base.path)} + std::string{text};
    return url;
}

std::string_view folder_of(std::string_view path) noexcept {
    path = path.substr(0, path.find('?'));
    const std::size_t slash = path.find_last_of("/\\");
    return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash + 1);
}

std::string to_text(const BootUrl& url) {
    const bool http = url.scheme == BootUrl::Scheme::http;
    std::string text{http ? http_scheme : tftp_scheme};
    text += url.host;
    if (!url.path.starts_with('/')) {
        text += '/';
    }
    return text + url.path;
}

} // namespace muster
