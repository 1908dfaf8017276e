// SPDX-License-Identifier: Apache-2.0
// IPv4 and UDP headers with their checksums, for packets that pass by the kernel's IP.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/base/byte_writer.hh"
#include "core/base/result.hh"

#include <string_view>

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

/// Every way a packet can be refused.
#define MUSTER_IPV4_UDP_ERRORS(X)                                                                  \
    X(truncated, "shorter than its headers say")                                                   \
    X(not_ipv4, "another version, or a header below five words (RFC 791 section 3.1)")             \
    X(bad_header_checksum, "the IPv4 header was damaged")                                          \
    X(fragment, "a part of a larger packet, which nobody here puts together")                      \
    X(not_udp, "another protocol than UDP")                                                        \
    X(bad_udp_length, "the UDP length is below its header or beyond the packet (RFC 768)")         \
    X(bad_udp_checksum, "the UDP datagram was damaged")

enum class Ipv4UdpError : std::uint8_t {
#define X(name, text) name,
    MUSTER_IPV4_UDP_ERRORS(X)
#undef X
};

constexpr std::string_view describe(Ipv4UdpError error) noexcept {
    switch (error) {
#define X(name, text)                                                                              \
    case Ipv4UdpError::name:                                                                       \
        return text;
        MUSTER_IPV4_UDP_ERRORS(X)
#undef X
    }
    __builtin_unreachable();
}

struct Ipv4UdpPacket {
    Ipv4UdpHeader header;
    Bytes payload; ///< borrows the packet
};

/// Reads a whole IPv4 packet that carries UDP, options of the IPv4 header skipped. Bytes behind
/// its total length (Ethernet padding) are left alone; a UDP checksum of 0 is none.
///
/// Errors:  see MUSTER_IPV4_UDP_ERRORS
/// Source:  RFC 791 section 3.1; RFC 768
[[nodiscard]] Result<Ipv4UdpPacket, Ipv4UdpError> read_ipv4_udp(Bytes packet) noexcept;

} // namespace muster
