// SPDX-License-Identifier: Apache-2.0
// A UDP datagram as a machine's NIC sees it: an Ethernet frame with an IPv4 packet. The server's
// side is what ships (net/host); this is what it is compared with.
#pragma once

#include "net/wire/ethernet.hh"
#include "net/wire/ipv4_udp.hh"

#include <vector>

namespace muster::sim {

/// Writes a whole frame, without its check sequence; `link.type` is filled in.
void write_frame(std::vector<std::byte>& frame, const EthernetHeader& link,
                 const Ipv4UdpHeader& header, Bytes payload);

struct ReadFrame {
    EthernetHeader link;
    Ipv4UdpPacket packet; ///< borrows the frame
};
/// Nullopt: no IPv4 in it, or damaged.
[[nodiscard]] std::optional<ReadFrame> read_frame(Bytes frame) noexcept;

} // namespace muster::sim
