// SPDX-License-Identifier: Apache-2.0
#include "core/addr/ip_address.hh"

#include <cstdio>

namespace muster {

std::optional<Ipv4Address> read_ipv4_address(std::string_view text) noexcept {
    Ipv4Address address;
    std::size_t at = 0;
    for (std::size_t part = 0; part < 4; ++part) {
        if (part > 0 && (at >= text.size() || text[at++] != '.')) {
            return std::nullopt;
        }
        const std::size_t start = at;
        unsigned value = 0;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9' && at - start < 3) {
            value = value * 10 + static_cast<unsigned>(text[at++] - '0');
        }
        const bool leading_zero = at - start > 1 && text[start] == '0';
        if (at == start || value > 255 || leading_zero) {
            return std::nullopt;
        }
        address.octets[part] = static_cast<std::uint8_t>(value);
    }
    return at == text.size() ? std::optional{address} : std::nullopt;
}

std::string to_text(const Ipv4Address& address) {
    std::string text;
    for (const std::uint8_t octet : address.octets) {
        if (!text.empty()) {
            text += '.';
        }
        text += std::to_string(octet);
    }
    return text;
}

std::string to_text(const IpAddress& address) {
    if (const auto v4 = address.v4()) {
        return to_text(*v4);
    }
    // RFC 5952 section 4.2: the longest run of two or more zero groups becomes `::`.
    std::array<unsigned, 8> groups{};
    for (std::size_t i = 0; i < 8; ++i) {
        groups[i] = static_cast<unsigned>(address.octets[2 * i]) << 8U | address.octets[2 * i + 1];
    }
    std::size_t best = 8;
    std::size_t best_count = 1;
    for (std::size_t i = 0; i < 8; ++i) {
        std::size_t count = 0;
        while (i + count < 8 && groups[i + count] == 0) {
            ++count;
        }
        if (count > best_count) {
            best = i;
            best_count = count;
        }
    }
    std::string text;
    for (std::size_t i = 0; i < 8; ++i) {
        if (i == best) {
            text += "::";
            i += best_count - 1;
            continue;
        }
        if (!text.empty() && text.back() != ':') {
            text += ':';
        }
        std::array<char, 8> group{};
        std::snprintf(group.data(), group.size(), "%x", groups[i]);
        text += group.data();
    }
    return text;
}

} // namespace muster
