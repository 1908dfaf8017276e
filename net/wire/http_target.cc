// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_target.hh"

#include "net/wire/http_text.hh"

#include <algorithm>

namespace muster {
namespace {

bool may_stand_in_target(char c) noexcept {
    return static_cast<unsigned char>(c) > ' ' && c != '\x7F' && c != '#';
}

/// The path and query of an absolute form; the target itself when it has none. Empty: bad.
std::string_view without_authority(std::string_view target) noexcept {
    constexpr std::string_view schemes[] = {"http://", "https://"};
    for (const std::string_view scheme : schemes) {
        if (target.size() > scheme.size() &&
            equal_ignoring_case(target.substr(0, scheme.size()), scheme)) {
            const auto end = target.find_first_of("/?", scheme.size());
            if (end == scheme.size()) {
                return {}; // no host
            }
            return end == std::string_view::npos ? std::string_view{"/"} : target.substr(end);
        }
    }
    return target;
}

Result<std::string, HttpError> decode_path(std::string_view raw) {
    std::string path;
    path.reserve(raw.size() + 1);
    if (raw.empty()) {
        path = "/"; // http://host?query
    }
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] != '%') {
            path += raw[i];
            continue;
        }
        const auto high = i + 1 < raw.size() ? hex_value(raw[i + 1]) : std::nullopt;
        const auto low = i + 2 < raw.size() ? hex_value(raw[i + 2]) : std::nullopt;
        if (!high || !low) {
            return std::unexpected(HttpError::bad_escape);
        }
        const auto decoded = static_cast<char>(*high * 16 + *low);
        if (decoded == '\0') {
            return std::unexpected(HttpError::nul_in_path);
        }
        path += decoded;
        i += 2;
    }
    return path;
}

} // namespace

Result<HttpTarget, HttpError> read_http_target(std::string_view target) {
    if (!std::ranges::all_of(target, may_stand_in_target)) {
        return std::unexpected(HttpError::bad_target);
    }
    const std::string_view origin = without_authority(target);
    if (origin.empty() || (origin.front() != '/' && origin.front() != '?') ||
        target.front() == '?') {
        return std::unexpected(HttpError::bad_target);
    }
    const auto mark = origin.find('?');
    MUSTER_TRY(path, decode_path(origin.substr(0, mark)));
    return HttpTarget{.path = std::move(path),
                      .query = mark == std::string_view::npos ? std::string_view{}
                                                              : origin.substr(mark + 1)};
}

} // namespace muster
