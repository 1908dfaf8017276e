// SPDX-License-Identifier: Apache-2.0
#include "net/wire/ipv4_udp.hh"

#include "core/base/byte_reader.hh"

namespace muster {

namespace {

constexpr std::size_t ipv4_header_size = 20;
constexpr std::size_t udp_header_size = 8;
constexpr std::size_t ipv4_checksum_offset = 10;
constexpr std::size_t udp_checksum_offset = ipv4_header_size + 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t time_to_live = 64;

/// Sum of the 16-bit words, an odd last octet padded with zero.
std::uint32_t sum_words(Bytes bytes, std::uint32_t sum) noexcept {
    ByteReader reader{bytes};
    while (const auto word = reader.u16()) {
        sum += *word;
        sum = (sum & 0xFFFFU) + (sum >> 16U);
    }
    if (const auto last = reader.u8()) {
        sum += static_cast<std::uint32_t>(*last) << 8U;
    }
    return (sum & 0xFFFFU) + (sum >> 16U);
}

} // namespace

std::uint16_t internet_checksum(Bytes bytes, std::uint32_t sum) noexcept {
    return static_cast<std::uint16_t>(~sum_words(bytes, sum) & 0xFFFFU);
}

std::size_t write_ipv4_udp(MutableBytes out, const Ipv4UdpHeader& header, Bytes payload) noexcept {
    const std::size_t size = ipv4_udp_header_size + payload.size();
    if (size > UINT16_MAX || size > out.size()) {
        return 0;
    }
    const auto udp_size = static_cast<std::uint16_t>(udp_header_size + payload.size());
    ByteWriter writer{out};
    writer.u8(0x45); // version 4, five words of header
    writer.u8(0);
    writer.u16(static_cast<std::uint16_t>(size));
    writer.u16(header.identification);
    writer.u16(0); // no DF: some ROMs answer ICMP badly
    writer.u8(time_to_live);
    writer.u8(protocol_udp);
    writer.u16(0); // checksum, below
    writer.octets(header.source.octets);
    writer.octets(header.destination.octets);
    writer.u16(header.source_port);
    writer.u16(header.destination_port);
    writer.u16(udp_size);
    writer.u16(0); // checksum, below
    writer.put(payload);
    const Bytes packet = writer.written();
    writer.patch_u16(ipv4_checksum_offset, internet_checksum(packet.first(ipv4_header_size)));
    // Pseudo header: both addresses, the protocol, the UDP length.
    const std::uint32_t pseudo = sum_words(packet.subspan(12, 8), protocol_udp + udp_size);
    const std::uint16_t sum = internet_checksum(packet.subspan(ipv4_header_size), pseudo);
    writer.patch_u16(udp_checksum_offset, sum == 0 ? std::uint16_t{0xFFFF} : sum);
    return size;
}

} // namespace muster
