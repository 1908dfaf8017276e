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
    std::uint8_t time_to_live = 64;
};

/// Writes a whole IPv4 packet that carries `payload` in UDP.
///
/// Returns: its size, 0 when it does not fit `out` or an IPv4 packet.
/// Source:  RFC 791 section 3.1; RFC 768. A UDP checksum that comes out as 0 is sent as 0xFFFF.
[[nodiscard]] std::size_t write_ipv4_udp(MutableBytes out, const Ipv4UdpHeader& header,
                                         Bytes payload) noexcept;

/// Who computes the checksums of a packet that leaves. `by_port`: the IPv4 header has 0 for its,
/// and UDP the folded sum of its pseudo header, not complemented, as network cards want it.
enum class Checksums : std::uint8_t { written, by_port };

/// The same around a payload that lies at ipv4_udp_header_size in `packet` already and ends it.
/// `packet` is at most 65,535 bytes.
void write_ipv4_udp_around(MutableBytes packet, const Ipv4UdpHeader& header,
                           Checksums checksums = Checksums::written) noexcept;

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

inline constexpr std::uint8_t ip_protocol_icmp = 1;
inline constexpr std::uint8_t ip_protocol_igmp = 2;
inline constexpr std::uint8_t ip_protocol_udp = 17;

struct Ipv4Packet {
    Ipv4Address source;
    Ipv4Address destination;
    std::uint8_t protocol = 0;
    std::uint8_t time_to_live = 0;
    std::uint16_t identification = 0;
    Bytes options; ///< of the IPv4 header, padding and all; mostly empty
    Bytes payload; ///< both borrow the packet
};

/// Reads a whole IPv4 packet of any protocol; fragments are refused. Bytes behind its total length
/// (Ethernet padding) are left alone.
///
/// Errors:  truncated, not_ipv4, bad_header_checksum, fragment
/// Source:  RFC 791 section 3.1
[[nodiscard]] Result<Ipv4Packet, Ipv4UdpError> read_ipv4(Bytes packet) noexcept;

/// Writes a packet, its options as they are (RFC 791 wants whole words of them).
///
/// Returns: its size, 0 when it does not fit `out` or an IPv4 packet.
[[nodiscard]] std::size_t write_ipv4(MutableBytes out, const Ipv4Packet& packet) noexcept;

struct Ipv4UdpPacket {
    Ipv4UdpHeader header;
    Bytes payload; ///< borrows the packet
};

/// Whether a UDP checksum is looked at. A virtual device leaves it to hardware that it does not
/// have, and real hardware says that it has looked.
enum class UdpChecksum : std::uint8_t { verify, trust };

/// Reads the datagram of a packet. A UDP checksum of 0 is none.
///
/// Errors:  not_udp, truncated, bad_udp_length, bad_udp_checksum
/// Source:  RFC 768
[[nodiscard]] Result<Ipv4UdpPacket, Ipv4UdpError>
read_udp(const Ipv4Packet& packet, UdpChecksum checksum = UdpChecksum::verify) noexcept;

/// Reads a whole IPv4 packet that carries UDP, options of the IPv4 header skipped. Bytes behind
/// its total length (Ethernet padding) are left alone; a UDP checksum of 0 is none.
///
/// Errors:  see MUSTER_IPV4_UDP_ERRORS
/// Source:  RFC 791 section 3.1; RFC 768
[[nodiscard]] Result<Ipv4UdpPacket, Ipv4UdpError> read_ipv4_udp(Bytes packet) noexcept;

} // namespace muster
