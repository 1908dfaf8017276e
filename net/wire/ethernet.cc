// SPDX-License-Identifier: Apache-2.0
#include "net/wire/ethernet.hh"

#include "core/base/byte_reader.hh"

namespace muster {

namespace {

constexpr std::uint16_t ethertype_vlan = 0x8100;
constexpr std::uint16_t ethertype_service_vlan = 0x88A8; // IEEE 802.1ad
constexpr std::uint16_t vlan_id_mask = 0x0FFF;

} // namespace

Result<EthernetFrame, EthernetError> read_ethernet(Bytes frame) noexcept {
    ByteReader reader{frame};
    const auto destination = reader.octets<6>();
    const auto source = reader.octets<6>();
    auto type = reader.u16();
    if (!destination || !source || !type) {
        return std::unexpected(EthernetError::truncated_frame);
    }
    EthernetFrame read{.header = {.destination = {*destination}, .source = {*source}},
                       .payload = {}};
    if (*type == ethertype_vlan) {
        const auto tag = reader.u16();
        type = reader.u16();
        if (!tag || !type) {
            return std::unexpected(EthernetError::truncated_frame);
        }
        read.header.vlan = *tag & vlan_id_mask;
    }
    if (*type == ethertype_vlan || *type == ethertype_service_vlan) {
        return std::unexpected(EthernetError::nested_vlan);
    }
    read.header.type = *type;
    read.payload = reader.rest();
    return read;
}

void write_ethernet(ByteWriter& writer, const EthernetHeader& header) noexcept {
    writer.octets(header.destination.octets);
    writer.octets(header.source.octets);
    if (header.vlan != 0) {
        writer.u16(ethertype_vlan);
        writer.u16(header.vlan);
    }
    writer.u16(header.type);
}

} // namespace muster
