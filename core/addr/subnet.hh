// SPDX-License-Identifier: Apache-2.0
// Arithmetic on IPv4 addresses: subnets and ranges. The only place that has any.
#pragma once

#include "core/addr/ip_address.hh"

namespace muster {

/// The address as a number, for ordering and counting only.
constexpr std::uint32_t to_number(const Ipv4Address& a) noexcept {
    return static_cast<std::uint32_t>(a.octets[0]) << 24U |
           static_cast<std::uint32_t>(a.octets[1]) << 16U |
           static_cast<std::uint32_t>(a.octets[2]) << 8U | a.octets[3];
}
constexpr Ipv4Address from_number(std::uint32_t n) noexcept {
    return {{static_cast<std::uint8_t>(n >> 24U), static_cast<std::uint8_t>(n >> 16U),
             static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)}};
}

/// An IPv4 prefix such as 10.0.0.0/16.
struct Subnet {
    Ipv4Address network;
    std::uint8_t prefix_length = 32; ///< 0 .. 32

    friend constexpr bool operator==(const Subnet&, const Subnet&) = default;

    [[nodiscard]] constexpr std::uint32_t mask_number() const noexcept {
        return prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32U - prefix_length);
    }
    [[nodiscard]] constexpr Ipv4Address mask() const noexcept { return from_number(mask_number()); }
    [[nodiscard]] constexpr Ipv4Address broadcast() const noexcept {
        return from_number(to_number(network) | ~mask_number());
    }
    [[nodiscard]] constexpr bool contains(const Ipv4Address& a) const noexcept {
        return (to_number(a) & mask_number()) == to_number(network);
    }
};

/// Addresses `first` to `last`, both included.
struct AddressRange {
    Ipv4Address first;
    Ipv4Address last;

    friend constexpr bool operator==(const AddressRange&, const AddressRange&) = default;
    [[nodiscard]] constexpr bool contains(const Ipv4Address& a) const noexcept {
        return first <= a && a <= last;
    }
    /// How many addresses; a 64-bit number, since the whole space does not fit 32 bits.
    [[nodiscard]] constexpr std::uint64_t count() const noexcept {
        return std::uint64_t{to_number(last)} - to_number(first) + 1;
    }
};

/// Reads `10.0.0.0/16`; nullopt when malformed or when host bits are set.
[[nodiscard]] std::optional<Subnet> read_subnet(std::string_view text) noexcept;
/// Reads `10.0.1.0-10.0.255.250`, or one address; nullopt when malformed or reversed.
[[nodiscard]] std::optional<AddressRange> read_address_range(std::string_view text) noexcept;
[[nodiscard]] std::string to_text(const Subnet& subnet);

} // namespace muster
