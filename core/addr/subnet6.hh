// SPDX-License-Identifier: Apache-2.0
// Arithmetic on IPv6 addresses: prefixes and ranges.
#pragma once

#include "core/addr/subnet.hh"

namespace muster {

/// An IPv6 prefix such as fd00:79::/64.
struct Subnet6 {
    Ipv6Address network;
    std::uint8_t prefix_length = 128; ///< 0 .. 128

    friend constexpr bool operator==(const Subnet6&, const Subnet6&) = default;

    [[nodiscard]] constexpr bool contains(const Ipv6Address& a) const noexcept {
        return masked(a) == network;
    }
    /// `a` with everything behind the prefix zero.
    [[nodiscard]] constexpr Ipv6Address masked(Ipv6Address a) const noexcept {
        for (std::size_t i = 0; i < a.octets.size(); ++i) {
            const int bits = static_cast<int>(prefix_length) - static_cast<int>(i) * 8;
            const unsigned mask = bits >= 8 ? 0xFFU : bits <= 0 ? 0U : 0xFF00U >> bits;
            a.octets[i] = static_cast<std::uint8_t>(a.octets[i] & mask);
        }
        return a;
    }
};

/// Addresses `first` to `last`, both included.
struct Range6 {
    Ipv6Address first;
    Ipv6Address last;

    friend constexpr bool operator==(const Range6&, const Range6&) = default;
    [[nodiscard]] constexpr bool contains(const Ipv6Address& a) const noexcept {
        return first <= a && a <= last;
    }
    /// How many addresses; UINT64_MAX stands for that many and more.
    [[nodiscard]] std::uint64_t count() const noexcept;
};

/// The address `n` behind `a`, modulo 2^128.
[[nodiscard]] Ipv6Address advanced(Ipv6Address a, std::uint64_t n) noexcept;
/// How far `to` is behind `from`, which is no greater; UINT64_MAX stands for that far and farther.
[[nodiscard]] std::uint64_t distance(const Ipv6Address& from, const Ipv6Address& to) noexcept;

// What a table of leases asks of a range, in both families.

[[nodiscard]] constexpr Ipv4Address address_at(const AddressRange& range,
                                               std::uint32_t index) noexcept {
    return from_number(to_number(range.first) + index);
}
[[nodiscard]] inline Ipv6Address address_at(const Range6& range, std::uint32_t index) noexcept {
    return advanced(range.first, index);
}
/// The place of an address that the range contains; no more than UINT32_MAX.
[[nodiscard]] constexpr std::uint32_t index_in(const AddressRange& range,
                                               const Ipv4Address& address) noexcept {
    return to_number(address) - to_number(range.first);
}
[[nodiscard]] std::uint32_t index_in(const Range6& range, const Ipv6Address& address) noexcept;
/// The part of a pool that machines can have, from its first address and no more than `limit`:
/// not the subnet's own two addresses (RFC 1122 section 3.2.1.3); of an IPv6 prefix, not the
/// anycast address of its routers (RFC 4291 section 2.6.1).
[[nodiscard]] std::optional<AddressRange>
usable_part(const Subnet& subnet, const AddressRange& range, std::uint32_t limit) noexcept;
[[nodiscard]] std::optional<Range6> usable_part(const Subnet6& subnet, const Range6& range,
                                                std::uint32_t limit) noexcept;

/// Reads `fd00:79::/64`; nullopt when malformed or when host bits are set.
[[nodiscard]] std::optional<Subnet6> read_subnet6(std::string_view text) noexcept;
/// Reads `fd00:79::100-fd00:79::1ff`, or one address; nullopt when malformed or reversed.
[[nodiscard]] std::optional<Range6> read_range6(std::string_view text) noexcept;
[[nodiscard]] std::string to_text(const Subnet6& subnet);

} // namespace muster
