// SPDX-License-Identifier: Apache-2.0
// IPv4 and UDP headers with their checksums, for packets that go out past the kernel's IP.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/base/byte_writer.hh"

namespace muster {

inline constexpr std::size_t ipv4_udp_header_size = 28;

/// The Internet checksum over `bytes`, started from `sum` (the folded sum of a pseudo header).
/// Source: RFC 1071 section 1.
[[nodiscard]] std::uint16_t internet_checksum(Bytes bytes, std::uint32_t sum = 0) noexcept;

struct Ipv4UdpHeader {
    Ipv4Address source;
    Ipv4Address destination;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint16_t identification = 0; ///< DF is clear, so it should differ from packet to packet
};

/// Writes a whole IPv4 packet that carries `payload` in UDP.
///
/// Returns: its size, 0 when it does not fit `out` or an IPv4 packet.
/// Source:  RFC 791 section 3.1; RFC 768. A UDP checksum that comes out as 0 is sent as 0xFFFF.
[[nodiscard]] std::size_t write_ipv4_udp(MutableBytes out, const Ipv4UdpHeader& header,
                                         Bytes payload) noexcept;

} // namespace muster
