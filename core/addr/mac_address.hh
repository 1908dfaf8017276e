// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

/// An Ethernet address, in the order of the wire.
struct MacAddress {
    std::array<std::uint8_t, 6> octets{};

    /// The octets as one number, the first one highest.
    [[nodiscard]] constexpr std::uint64_t number() const noexcept {
        std::uint64_t all = 0;
        for (const std::uint8_t octet : octets) {
            all = all << 8U | octet;
        }
        return all;
    }
    friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
    // As one number: octet by octet, comparing is a call of memcmp, several for each packet.
    friend constexpr bool operator==(const MacAddress& a, const MacAddress& b) noexcept {
        return a.number() == b.number();
    }
    template <class H>
    friend H AbslHashValue(H h, const MacAddress& mac) {
        return H::combine(std::move(h), mac.number());
    }
    [[nodiscard]] constexpr bool is_zero() const noexcept { return *this == MacAddress{}; }
    static constexpr MacAddress broadcast() noexcept {
        return {{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}};
    }
};

/// Reads `52:54:00:0a:0b:0c`, also with `-` or without separators, in either case; nullopt when
/// the text is anything else.
[[nodiscard]] std::optional<MacAddress> read_mac_address(std::string_view text) noexcept;

/// `52:54:00:0a:0b:0c`; `separator` 0 means none.
[[nodiscard]] std::string to_text(const MacAddress& mac, char separator = ':');

} // namespace muster
