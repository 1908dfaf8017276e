// SPDX-License-Identifier: Apache-2.0
// IP addresses and endpoints. Held in network order; arithmetic lives in subnet.hh only.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

struct Ipv4Address {
    std::array<std::uint8_t, 4> octets{};

    friend constexpr auto operator<=>(const Ipv4Address&, const Ipv4Address&) = default;
    // As one word: octet by octet, comparing is a call of memcmp, several for each packet.
    friend constexpr bool operator==(const Ipv4Address& a, const Ipv4Address& b) noexcept {
        return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
    }
    template <class H>
    friend H AbslHashValue(H h, const Ipv4Address& a) {
        return H::combine(std::move(h), std::bit_cast<std::uint32_t>(a));
    }
    [[nodiscard]] constexpr bool is_unspecified() const noexcept { return *this == Ipv4Address{}; }
    static constexpr Ipv4Address broadcast() noexcept { return {{255, 255, 255, 255}}; }
};

struct Ipv6Address {
    std::array<std::uint8_t, 16> octets{};

    friend constexpr auto operator<=>(const Ipv6Address&, const Ipv6Address&) = default;
    template <class H>
    friend H AbslHashValue(H h, const Ipv6Address& a) {
        const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(a.octets);
        return H::combine(std::move(h), words[0], words[1]);
    }
    [[nodiscard]] constexpr bool is_unspecified() const noexcept { return *this == Ipv6Address{}; }
    /// fe80::/10 (RFC 4291 section 2.5.6).
    [[nodiscard]] constexpr bool is_link_local() const noexcept {
        return octets[0] == 0xFE && (octets[1] & 0xC0U) == 0x80U;
    }
    /// ff00::/8.
    [[nodiscard]] constexpr bool is_multicast() const noexcept { return octets[0] == 0xFF; }
};

/// An address of either family; IPv4 is held IPv4-mapped (RFC 4291 section 2.5.5.2).
struct IpAddress {
    std::array<std::uint8_t, 16> octets{};

    constexpr IpAddress() = default;
    constexpr IpAddress(const Ipv4Address& v4) noexcept // NOLINT: a wider type, nothing is lost
        : octets{0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0xFF,
                 0xFF,
                 v4.octets[0],
                 v4.octets[1],
                 v4.octets[2],
                 v4.octets[3]} {}
    constexpr IpAddress(const Ipv6Address& v6) noexcept : octets(v6.octets) {} // NOLINT: as above

    [[nodiscard]] constexpr bool is_v4() const noexcept {
        for (std::size_t i = 0; i < 10; ++i) {
            if (octets[i] != 0) {
                return false;
            }
        }
        return octets[10] == 0xFF && octets[11] == 0xFF;
    }
    [[nodiscard]] constexpr std::optional<Ipv4Address> v4() const noexcept {
        if (!is_v4()) {
            return std::nullopt;
        }
        return Ipv4Address{{octets[12], octets[13], octets[14], octets[15]}};
    }
    [[nodiscard]] constexpr Ipv6Address v6() const noexcept { return {octets}; }

    friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;
    friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) noexcept {
        return a.words() == b.words();
    }
    template <class H>
    friend H AbslHashValue(H h, const IpAddress& a) {
        return H::combine(std::move(h), a.words()[0], a.words()[1]);
    }

private:
    [[nodiscard]] constexpr std::array<std::uint64_t, 2> words() const noexcept {
        return std::bit_cast<std::array<std::uint64_t, 2>>(octets);
    }
};

/// An address and a UDP or TCP port (host order).
struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;

    friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
    template <class H>
    friend H AbslHashValue(H h, const Endpoint& e) {
        return H::combine(std::move(h), e.address, e.port);
    }
};

/// Dotted quad, four decimal parts without leading zeros; nullopt for anything else.
[[nodiscard]] std::optional<Ipv4Address> read_ipv4_address(std::string_view text) noexcept;
/// The text forms of RFC 4291 section 2.2 without a zone; nullopt for anything else.
[[nodiscard]] std::optional<Ipv6Address> read_ipv6_address(std::string_view text) noexcept;
[[nodiscard]] std::string to_text(const Ipv4Address& address);
[[nodiscard]] std::string to_text(const Ipv6Address& address);
/// RFC 5952 text of either family, IPv4 as a dotted quad.
[[nodiscard]] std::string to_text(const IpAddress& address);

/// The same, held in place.
class AddressText {
public:
    explicit AddressText(const IpAddress& address) noexcept;
    [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

private:
    void put(char c) noexcept { text_[size_++] = c; }
    void put_number(unsigned number, unsigned base) noexcept;

    std::array<char, 40> text_{}; ///< eight groups of four digits, and seven colons
    std::size_t size_ = 0;
};

} // namespace muster
