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

    friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
    template <class H>
    friend H AbslHashValue(H h, const MacAddress& mac) {
        return H::combine(std::move(h), mac.octets);
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
