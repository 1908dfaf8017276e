// SPDX-License-Identifier: Apache-2.0
#include "net/host/data_head.hh"

#include "core/base/check.hh"
#include "core/base/ones_complement.hh"

#include <algorithm>

namespace muster {

namespace {

constexpr std::size_t header_size = 20; // IPv4, without options
constexpr std::size_t udp_offset = header_size;
constexpr std::size_t data_offset = ipv4_udp_header_size;

void put_u16(MutableBytes to, std::size_t at, std::size_t value) noexcept {
    to[at] = static_cast<std::byte>(value >> 8U & 0xFFU);
    to[at + 1] = static_cast<std::byte>(value & 0xFFU);
}

std::uint16_t fold(std::uint32_t sum) noexcept {
    while (sum > 0xFFFFU) {
        sum = (sum & 0xFFFFU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(sum);
}

} // namespace

DataHead::DataHead(const EthernetHeader& link, const Ipv4UdpHeader& header,
                   Checksums checksums) noexcept
    : link_size_(link.size()), checksums_(checksums) {
    ByteWriter writer{bytes_};
    write_ethernet(writer, link);
    const MutableBytes packet =
        MutableBytes{bytes_}.subspan(link_size_, ipv4_udp_header_size + data_header_size);
    write_ipv4_udp_around(packet, header);
    put_u16(packet, data_offset, 3); // opcode: DATA
    for (const std::size_t each : {2U, 4U, 10U, 24U, 26U}) {
        put_u16(packet, each, 0); // what differs: sizes, identification, checksums
    }
    ip_sum_ = ones_complement_sum(packet.first(header_size));
    address_sum_ = ones_complement_sum(packet.subspan(12, 8)) + ip_protocol_udp;
    port_sum_ = ones_complement_sum(packet.subspan(udp_offset, 4)) + 3;
}

std::size_t DataHead::write(MutableBytes room, std::uint16_t identification, std::uint64_t block,
                            Bytes data, std::uint32_t data_sum) const noexcept {
    const std::size_t size = size_with(data.size());
    MUSTER_CHECK(std::max(size, ethernet_frame_min) <= room.size());
    const std::size_t packet_size = size - link_size_;
    const auto udp_size = static_cast<std::uint32_t>(packet_size - header_size);
    const auto number = static_cast<std::uint32_t>(block & 0xFFFFU);
    const MutableBytes packet = room.subspan(link_size_, packet_size);
    // A copy of constant size: without a tag data or padding goes over its last four octets.
    std::memcpy(room.data(), bytes_.data(), bytes_.size());
    if (!data.empty()) {
        std::memcpy(packet.data() + data_offset + data_header_size, data.data(), data.size());
    }
    put_u16(packet, 2, packet_size);
    put_u16(packet, 4, identification);
    put_u16(packet, udp_offset + 4, udp_size);
    put_u16(packet, data_offset + 2, number);
    const std::uint32_t pseudo = address_sum_ + udp_size;
    if (checksums_ == Checksums::by_port) {
        put_u16(packet, udp_offset + 6, fold(pseudo));
    } else {
        const auto ip_size = static_cast<std::uint32_t>(packet_size);
        put_u16(packet, 10, 0xFFFFU ^ fold(ip_sum_ + ip_size + identification));
        const std::uint32_t sum =
            0xFFFFU ^ fold(pseudo + port_sum_ + udp_size + number + fold(data_sum));
        put_u16(packet, udp_offset + 6, sum == 0 ? 0xFFFFU : sum); // RFC 768: 0 says "none"
    }
    if (size >= ethernet_frame_min) {
        return size;
    }
    std::fill(room.begin() + static_cast<std::ptrdiff_t>(size),
              room.begin() + static_cast<std::ptrdiff_t>(ethernet_frame_min), std::byte{0});
    return ethernet_frame_min;
}

} // namespace muster
