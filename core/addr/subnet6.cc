// SPDX-License-Identifier: Apache-2.0
#include "core/addr/subnet6.hh"

#include <algorithm>
#include <charconv>

namespace muster {

namespace {

/// Both halves as numbers.
struct Halves {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
};

Halves halves_of(const Ipv6Address& address) noexcept {
    Halves halves;
    for (std::size_t i = 0; i < 8; ++i) {
        halves.high = halves.high << 8U | address.octets[i];
        halves.low = halves.low << 8U | address.octets[i + 8];
    }
    return halves;
}

Ipv6Address address_of(const Halves& halves) noexcept {
    Ipv6Address address;
    for (std::size_t i = 0; i < 8; ++i) {
        const unsigned shift = 56U - 8U * static_cast<unsigned>(i);
        address.octets[i] = static_cast<std::uint8_t>(halves.high >> shift);
        address.octets[i + 8] = static_cast<std::uint8_t>(halves.low >> shift);
    }
    return address;
}

} // namespace

Ipv6Address advanced(Ipv6Address a, std::uint64_t n) noexcept {
    Halves halves = halves_of(a);
    halves.low += n;
    halves.high += halves.low < n ? 1U : 0U;
    return address_of(halves);
}

std::uint64_t distance(const Ipv6Address& from, const Ipv6Address& to) noexcept {
    const Halves a = halves_of(from);
    const Halves b = halves_of(to);
    const std::uint64_t low = b.low - a.low;
    const std::uint64_t high = b.high - a.high - (b.low < a.low ? 1U : 0U);
    return high == 0 ? low : UINT64_MAX;
}

std::uint64_t Range6::count() const noexcept {
    const std::uint64_t most = distance(first, last);
    return most == UINT64_MAX ? most : most + 1;
}

std::uint32_t index_in(const Range6& range, const Ipv6Address& address) noexcept {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(distance(range.first, address), UINT32_MAX));
}

std::optional<AddressRange> usable_part(const Subnet& subnet, const AddressRange& range,
                                        std::uint32_t limit) noexcept {
    if (range.last < range.first || !subnet.contains(range.first) || !subnet.contains(range.last)) {
        return std::nullopt;
    }
    std::uint64_t first = to_number(range.first);
    std::uint64_t last = to_number(range.last);
    if (subnet.prefix_length < 31) {
        first += range.first == subnet.network ? 1U : 0U;
        last -= range.last == subnet.broadcast() ? 1U : 0U;
    }
    last = std::min(last, first + limit - 1);
    if (last < first) {
        return std::nullopt;
    }
    return AddressRange{from_number(static_cast<std::uint32_t>(first)),
                        from_number(static_cast<std::uint32_t>(last))};
}

std::optional<Range6> usable_part(const Subnet6& subnet, const Range6& range,
                                  std::uint32_t limit) noexcept {
    if (range.last < range.first || !subnet.contains(range.first) || !subnet.contains(range.last)) {
        return std::nullopt;
    }
    Range6 part = range;
    if (subnet.prefix_length < 127 && part.first == subnet.network) { // RFC 6164: a /127 has none
        part.first = advanced(part.first, 1);
    }
    if (limit == 0 || part.last < part.first) {
        return std::nullopt;
    }
    if (distance(part.first, part.last) >= limit) {
        part.last = advanced(part.first, limit - 1);
    }
    return part;
}

std::optional<Subnet6> read_subnet6(std::string_view text) noexcept {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto network = read_ipv6_address(text.substr(0, slash));
    unsigned length = 0;
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), length);
    if (!network || error != std::errc{} || end != digits.end() || length > 128) {
        return std::nullopt;
    }
    const Subnet6 subnet{*network, static_cast<std::uint8_t>(length)};
    return subnet.contains(*network) ? std::optional{subnet} : std::nullopt;
}

std::optional<Range6> read_range6(std::string_view text) noexcept {
    const auto dash = text.find('-');
    const auto first = read_ipv6_address(text.substr(0, dash));
    const auto last =
        dash == std::string_view::npos ? first : read_ipv6_address(text.substr(dash + 1));
    if (!first || !last || *last < *first) {
        return std::nullopt;
    }
    return Range6{*first, *last};
}

std::string to_text(const Subnet6& subnet) {
    return to_text(subnet.network) + "/" + std::to_string(subnet.prefix_length);
}

} // namespace muster
