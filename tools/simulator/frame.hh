// SPDX-License-Identifier: Apache-2.0
// A UDP datagram as a NIC sees it: an Ethernet frame with an IPv4 packet.
#pragma once

#include "core/addr/mac_address.hh"
#include "net/wire/ipv4_udp.hh"

#include <vector>

namespace muster::sim {

inline constexpr std::size_t ethernet_header_size = 14;

struct FrameAddresses {
    MacAddress source;
    MacAddress destination;
};

/// Writes a whole frame, without its check sequence.
void write_frame(std::vector<std::byte>& frame, const FrameAddresses& link,
                 const Ipv4UdpHeader& header, Bytes payload);

struct ReadFrame {
    FrameAddresses link;
    Ipv4UdpPacket packet; ///< borrows the frame
};
/// Nullopt: no IPv4 in it, or damaged.
[[nodiscard]] std::optional<ReadFrame> read_frame(Bytes frame) noexcept;

} // namespace muster::sim
