// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/frame.hh"

#include "core/base/check.hh"

#include <algorithm>

namespace muster::sim {

void write_frame(std::vector<std::byte>& frame, const EthernetHeader& link,
                 const Ipv4UdpHeader& header, Bytes payload) {
    const std::size_t size = link.size() + ipv4_udp_header_size + payload.size();
    frame.assign(std::max(size, ethernet_frame_min), std::byte{0});
    ByteWriter writer{frame};
    EthernetHeader ethernet = link;
    ethernet.type = ethertype_ipv4;
    write_ethernet(writer, ethernet);
    const std::size_t written =
        write_ipv4_udp(MutableBytes{frame}.subspan(link.size()), header, payload);
    MUSTER_CHECK(written + link.size() == size);
}

std::optional<ReadFrame> read_frame(Bytes frame) noexcept {
    const auto ethernet = read_ethernet(frame);
    if (!ethernet || ethernet->header.type != ethertype_ipv4) {
        return std::nullopt;
    }
    const auto packet = read_ipv4_udp(ethernet->payload);
    return packet ? std::optional{ReadFrame{ethernet->header, *packet}} : std::nullopt;
}

} // namespace muster::sim
