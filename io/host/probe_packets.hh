// SPDX-License-Identifier: Apache-2.0
// The bytes of a question whether somebody has an address: ARP probe and ICMP echo.
#pragma once

#include "core/base/byte_reader.hh"
#include "core/port/conflict_probe.hh"

#include <array>
#include <optional>

namespace muster {

/// An ARP probe for `probe.address` from its interface: sender address 0.0.0.0, so that no
/// neighbour learns anything. Source: RFC 826; RFC 5227 section 2.1.1.
[[nodiscard]] inline std::array<std::byte, 28>
write_conflict_arp(const ConflictProbe& probe) noexcept {
    std::array<std::byte, 28> packet{}; // Ethernet, IPv4, lengths, then operation 1: request
    constexpr std::array<std::uint8_t, 8> head{0, 1, 8, 0, 6, 4, 0, 1};
    std::size_t at = 0;
    for (const std::uint8_t octet : head) {
        packet[at++] = std::byte{octet};
    }
    for (const std::uint8_t octet : probe.link_source.octets) {
        packet[at++] = std::byte{octet};
    }
    at = 24; // sender protocol address and target hardware address stay zero
    for (const std::uint8_t octet : probe.address.octets) {
        packet[at++] = std::byte{octet};
    }
    return packet;
}

/// The sender of an ARP reply; nullopt for anything else. Borrows nothing. Source: RFC 826.
[[nodiscard]] inline std::optional<ConflictAnswer> read_conflict_arp(Bytes packet) noexcept {
    ByteReader reader{packet};
    if (reader.u16() != 1 || reader.u16() != 0x0800 || reader.u8() != 6 || reader.u8() != 4 ||
        reader.u16() != 2) {
        return std::nullopt;
    }
    const auto mac = reader.octets<6>();
    const auto address = reader.octets<4>();
    if (!mac || !address) {
        return std::nullopt;
    }
    return ConflictAnswer{.address = Ipv4Address{*address}, .mac = MacAddress{*mac}};
}

/// An ICMP echo request with our mark in it. Source: RFC 792 (Echo); RFC 1071 (its checksum).
[[nodiscard]] inline std::array<std::byte, 16> write_conflict_echo(std::uint16_t mark) noexcept {
    std::array<std::byte, 16> packet{};
    packet[0] = std::byte{8};
    packet[4] = packet[6] = static_cast<std::byte>(mark >> 8U);
    packet[5] = packet[7] = static_cast<std::byte>(mark & 0xFFU);
    const std::uint32_t sum = 0x0800U + 2U * mark;
    const std::uint32_t folded = (sum & 0xFFFFU) + (sum >> 16U);
    const std::uint32_t checksum = ~((folded & 0xFFFFU) + (folded >> 16U)) & 0xFFFFU;
    packet[2] = static_cast<std::byte>(checksum >> 8U);
    packet[3] = static_cast<std::byte>(checksum & 0xFFU);
    return packet;
}

/// The sender of an echo reply with our mark, out of a whole IPv4 packet as a raw socket brings
/// it; nullopt for anything else.
[[nodiscard]] inline std::optional<ConflictAnswer> read_conflict_echo(Bytes packet,
                                                                      std::uint16_t mark) noexcept {
    if (packet.size() < 20) {
        return std::nullopt;
    }
    const std::size_t header = (std::to_integer<std::size_t>(packet[0]) & 0xFU) * 4;
    ByteReader source{packet.subspan(12, 4)};
    const auto address = source.octets<4>();
    if (header < 20 || packet.size() < header) {
        return std::nullopt;
    }
    ByteReader icmp{packet.subspan(header)};
    if (icmp.u8() != 0 || icmp.u8() != 0 || !icmp.skip(2) || icmp.u16() != mark ||
        icmp.u16() != mark || !address) {
        return std::nullopt;
    }
    return ConflictAnswer{.address = Ipv4Address{*address}};
}

} // namespace muster
