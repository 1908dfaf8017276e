// SPDX-License-Identifier: Apache-2.0
#include "net/wire/pcap.hh"

#include "net/wire/ipv4_udp.hh"

#include <algorithm>
#include <vector>

namespace muster {
namespace {

constexpr std::uint32_t pcap_magic = 0xA1B2C3D4; ///< times are in microseconds
constexpr std::uint32_t link_type_raw = 101;
constexpr std::size_t packet_size_max = 65'535;
constexpr std::size_t ipv6_header_size = 40; ///< RFC 8200 section 3
constexpr std::size_t pcap_udp_header_size = 8;

/// The format knows its writer's order of bytes by the magic: here always the lowest first.
void append_u32(std::string& file, std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        file.push_back(static_cast<char>(value >> shift & 0xFFU));
    }
}
void append_u16(std::string& file, std::uint16_t value) {
    file.push_back(static_cast<char>(value & 0xFFU));
    file.push_back(static_cast<char>(value >> 8U));
}

std::uint32_t sum_of(const Ipv6Address& address) noexcept {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < address.octets.size(); i += 2) {
        sum += static_cast<std::uint32_t>(address.octets[i] << 8U | address.octets[i + 1]);
    }
    return sum;
}

/// RFC 8200 sections 3 and 8.1.
std::size_t write_ipv6_udp(MutableBytes out, const Endpoint& source, const Endpoint& destination,
                           Bytes payload) noexcept {
    const auto size = static_cast<std::uint16_t>(pcap_udp_header_size + payload.size());
    ByteWriter writer{out};
    writer.u32(0x6000'0000); // version 6, no class, no flow
    writer.u16(size);
    writer.u8(ip_protocol_udp);
    writer.u8(64);
    writer.octets(source.address.v6().octets);
    writer.octets(destination.address.v6().octets);
    writer.u16(source.port);
    writer.u16(destination.port);
    writer.u16(size);
    writer.u16(0);
    writer.put(payload);
    const std::uint16_t checksum = internet_checksum(
        writer.written().subspan(ipv6_header_size),
        sum_of(source.address.v6()) + sum_of(destination.address.v6()) + size + ip_protocol_udp);
    writer.patch_u16(ipv6_header_size + 6, checksum == 0 ? std::uint16_t{0xFFFF} : checksum);
    return writer.size();
}

} // namespace

void append_pcap_header(std::string& file) {
    append_u32(file, pcap_magic);
    append_u16(file, 2);
    append_u16(file, 4);
    append_u32(file, 0); // times are UTC
    append_u32(file, 0);
    append_u32(file, packet_size_max);
    append_u32(file, link_type_raw);
}

void append_pcap_packet(std::string& file, UnixTime at, Bytes packet) {
    const auto size = static_cast<std::uint32_t>(std::min(packet.size(), packet_size_max));
    append_u32(file, static_cast<std::uint32_t>(at.ms / 1000));
    append_u32(file, static_cast<std::uint32_t>(at.ms % 1000 * 1000));
    append_u32(file, size);
    append_u32(file, static_cast<std::uint32_t>(packet.size()));
    file += as_text(packet.first(size));
}

void append_pcap_udp(std::string& file, UnixTime at, const Endpoint& source,
                     const Endpoint& destination, Bytes payload) {
    payload = payload.first(
        std::min(payload.size(), packet_size_max - ipv6_header_size - pcap_udp_header_size));
    std::vector<std::byte> packet(ipv6_header_size + pcap_udp_header_size + payload.size());
    const IpAddress none;
    const auto v4_of = [&](const IpAddress& address) {
        return address == none ? std::optional{Ipv4Address{}} : address.v4();
    };
    const auto from = v4_of(source.address);
    const auto to = v4_of(destination.address);
    const std::size_t size = from && to ? write_ipv4_udp(packet,
                                                         {.source = *from,
                                                          .destination = *to,
                                                          .source_port = source.port,
                                                          .destination_port = destination.port},
                                                         payload)
                                        : write_ipv6_udp(packet, source, destination, payload);
    append_pcap_packet(file, at, Bytes{packet}.first(size));
}

} // namespace muster
