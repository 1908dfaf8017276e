// SPDX-License-Identifier: Apache-2.0
// Reads captures (classic pcap, Ethernet) for tests: what real clients sent, frame by frame. Not
// a parser for hostile input: a malformed file throws, an unknown protocol is left out.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/base/bytes.hh"
#include "core/base/time.hh"

#include <string>
#include <vector>

namespace muster::test {

/// One captured Ethernet frame.
struct Frame {
    UnixTime at;     ///< when, to the millisecond
    Duration offset; ///< since the first frame of the capture, to the microsecond or better
    MacAddress source;
    MacAddress destination;
    std::uint16_t ethertype = 0;
    std::vector<std::byte> payload; ///< behind the Ethernet header, as far as captured
    bool cut = false;               ///< the frame was longer than what was captured
};

/// What an IPv4 or IPv6 frame carries; fragments other than the first and extension headers are
/// not understood and left out.
struct IpPacket {
    Frame frame;
    IpAddress source;
    IpAddress destination;
    std::uint8_t protocol = 0; ///< 6 TCP, 17 UDP, 58 ICMPv6
    std::vector<std::byte> payload;
};

struct UdpPacket {
    Frame frame;
    Endpoint source;
    Endpoint destination;
    std::vector<std::byte> payload;
};

/// All frames of the file, in order. Throws std::runtime_error when it is not such a capture.
[[nodiscard]] std::vector<Frame> read_pcap(const std::string& path);

[[nodiscard]] std::optional<IpPacket> ip_packet(const Frame& frame);
[[nodiscard]] std::optional<UdpPacket> udp_packet(const Frame& frame);

/// The UDP packets of a capture, in order.
[[nodiscard]] std::vector<UdpPacket> read_udp_packets(const std::string& path);

/// The path of a file below tests/data/captures, found by the MUSTER_SOURCE that Meson sets.
[[nodiscard]] std::string capture_path(const std::string& name);
/// The names of all captures, sorted; throws when there is none.
[[nodiscard]] std::vector<std::string> capture_names();

} // namespace muster::test
