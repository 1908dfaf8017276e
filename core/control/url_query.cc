// SPDX-License-Identifier: Apache-2.0
#include "core/control/url_query.hh"

#include <charconv>

namespace muster {
namespace {

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string decoded(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out += ' ';
        } else if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                   hex_value(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// Bytes of the UTF-8 character at the front; 0 when there is none (RFC 3629 section 4).
std::size_t character_size(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto tail = [&](std::size_t i) {
        return (byte(i) & 0xC0U) == 0x80U;
    };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return tail(1) ? 2 : 0;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        const unsigned least = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned most = first == 0xED ? 0x9F : 0xBF; // no surrogates
        return byte(1) >= least && byte(1) <= most && tail(2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const unsigned least = first == 0xF0 ? 0x90 : 0x80;
        const unsigned most = first == 0xF4 ? 0x8F : 0xBF;
        return byte(1) >= least && byte(1) <= most && tail(2) && tail(3) ? 4 : 0;
    }
    return 0;
}

} // namespace

void UrlQuery::read(std::string_view text) {
    while (!text.empty() && pairs_.size() < query_pairs_max) {
        const std::string_view pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(pair.size() + 1, text.size()));
        if (pair.empty()) {
            continue;
        }
        const auto equals = pair.find('=');
        const bool has_value = equals != std::string_view::npos;
        pairs_.emplace_back(decoded(pair.substr(0, equals)),
                            has_value ? decoded(pair.substr(equals + 1)) : std::string{});
    }
}

const std::string* UrlQuery::find(std::string_view name) const noexcept {
    for (const auto& [key, value] : pairs_) {
        if (key == name) {
            return &value;
        }
    }
    return nullptr;
}

std::optional<std::uint64_t> read_count(std::string_view text) noexcept {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (text.empty() || error != std::errc{} || rest != end) {
        return std::nullopt;
    }
    return number;
}

std::string clean_line(std::string_view text, std::size_t size_max) {
    std::string out;
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        if (out.size() + std::max<std::size_t>(size, 1) > size_max) {
            break;
        }
        const auto first = static_cast<unsigned char>(text.front());
        if (size == 0 || first < 0x20 || first == 0x7F) {
            out += '?';
        } else {
            out += text.substr(0, size);
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return out;
}

} // namespace muster
