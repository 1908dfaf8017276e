// SPDX-License-Identifier: Apache-2.0
#include "core/addr/ip_address.hh"

#include <algorithm>
#include <charconv>

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

std::optional<Ipv6Address> read_ipv6_address(std::string_view text) noexcept {
    Ipv6Address address;
    std::size_t filled = 0;         // octets written
    std::optional<std::size_t> gap; // where `::` stands
    std::size_t at = 0;
    if (text.starts_with("::")) {
        gap = 0;
        at = 2;
    }
    while (at < text.size()) {
        const std::string_view rest = text.substr(at);
        const auto colon = rest.find(':');
        if (colon == std::string_view::npos && rest.find('.') != std::string_view::npos) {
            const auto tail = read_ipv4_address(rest); // x:x:x:x:x:x:d.d.d.d
            if (!tail || filled > address.octets.size() - 4) {
                return std::nullopt;
            }
            for (const std::uint8_t octet : tail->octets) {
                address.octets[filled++] = octet;
            }
            break;
        }
        const std::string_view digits = rest.substr(0, colon);
        unsigned group = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), group, 16);
        if (error != std::errc{} || end != digits.data() + digits.size() || digits.size() > 4 ||
            filled == address.octets.size()) {
            return std::nullopt;
        }
        address.octets[filled++] = static_cast<std::uint8_t>(group >> 8U);
        address.octets[filled++] = static_cast<std::uint8_t>(group & 0xFFU);
        if (colon == std::string_view::npos) {
            break;
        }
        at += colon + 1;
        if (at == text.size()) {
            return std::nullopt; // ends in a single colon
        }
        if (text[at] == ':') {
            if (gap) {
                return std::nullopt;
            }
            gap = filled;
            ++at;
        }
    }
    if (!gap) {
        return filled == address.octets.size() ? std::optional{address} : std::nullopt;
    }
    if (filled > address.octets.size() - 2) {
        return std::nullopt; // `::` stands for one group of zeros at least
    }
    // What stands behind the gap moves to the end.
    const auto from = address.octets.begin() + static_cast<std::ptrdiff_t>(*gap);
    const auto behind = address.octets.begin() + static_cast<std::ptrdiff_t>(filled);
    std::rotate(from, behind, address.octets.end());
    return address;
}

std::string to_text(const Ipv6Address& address) {
    return to_text(IpAddress{address});
}

std::string to_text(const Ipv4Address& address) {
    return to_text(IpAddress{address});
}

std::string to_text(const IpAddress& address) {
    return std::string{AddressText{address}.view()};
}

void AddressText::put_number(unsigned number, unsigned base) noexcept {
    std::array<char, 5> digits{};
    std::size_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    while (count > 0) {
        put(digits[--count]);
    }
}

AddressText::AddressText(const IpAddress& address) noexcept {
    if (address.is_v4()) {
        for (std::size_t i = 12; i < address.octets.size(); ++i) {
            if (i > 12) {
                put('.');
            }
            put_number(address.octets[i], 10);
        }
        return;
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
    for (std::size_t i = 0; i < 8; ++i) {
        if (i == best) {
            put(':');
            put(':');
            i += best_count - 1;
            continue;
        }
        if (size_ > 0 && text_[size_ - 1] != ':') {
            put(':');
        }
        put_number(groups[i], 16);
    }
}

} // namespace muster
