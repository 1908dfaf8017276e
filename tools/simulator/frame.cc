// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/frame.hh"

#include "core/base/byte_reader.hh"
#include "core/base/check.hh"

namespace muster::sim {
namespace {

constexpr std::uint16_t ethertype_ipv4 = 0x0800;

} // namespace

void write_frame(std::vector<std::byte>& frame, const FrameAddresses& link,
                 const Ipv4UdpHeader& header, Bytes payload) {
    frame.resize(ethernet_header_size + ipv4_udp_header_size + payload.size());
    ByteWriter writer{frame};
    writer.octets(link.destination.octets);
    writer.octets(link.source.octets);
    writer.u16(ethertype_ipv4);
    const std::size_t size =
        write_ipv4_udp(MutableBytes{frame}.subspan(ethernet_header_size), header, payload);
    MUSTER_CHECK(size + ethernet_header_size == frame.size());
}

std::optional<ReadFrame> read_frame(Bytes frame) noexcept {
    ByteReader reader{frame};
    const auto destination = reader.octets<6>();
    const auto source = reader.octets<6>();
    const auto type = reader.u16();
    if (!destination || !source || type != ethertype_ipv4) {
        return std::nullopt;
    }
    const auto packet = read_ipv4_udp(reader.rest());
    if (!packet) {
        return std::nullopt;
    }
    return ReadFrame{.link = {.source = {*source}, .destination = {*destination}},
                     .packet = *packet};
}

} // namespace muster::sim
