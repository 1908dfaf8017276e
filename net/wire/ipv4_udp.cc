// SPDX-License-Identifier: Apache-2.0
#include "net/wire/ipv4_udp.hh"

#include "core/base/byte_reader.hh"

#include <bit>
#include <cstring>

namespace muster {

namespace {

constexpr std::size_t ipv4_header_size = 20;
constexpr std::size_t udp_header_size = 8;
constexpr std::size_t ipv4_checksum_offset = 10;
constexpr std::size_t udp_checksum_offset = ipv4_header_size + 6;
constexpr std::uint8_t protocol_udp = 17;
/// More fragments, or an offset other than 0.
constexpr std::uint16_t fragment_mask = 0x3FFF;
constexpr std::uint8_t time_to_live = 64;

/// Sum of the 16-bit words, an odd last octet padded with zero; 16 bits wide when folded.
///
/// Added up four octets at a time in the machine's own order and swapped once at the end, which
/// comes to the same (RFC 1071 section 2(B)): word by word it was a sixth of a DHCP exchange.
std::uint32_t sum_words(Bytes bytes, std::uint32_t sum) noexcept {
    std::uint64_t total = 0;
    while (bytes.size() >= sizeof(std::uint32_t)) {
        std::uint32_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof word);
        total += word;
        bytes = bytes.subspan(sizeof word);
    }
    if (!bytes.empty()) {
        std::uint32_t word = 0;
        std::memcpy(&word, bytes.data(), bytes.size());
        total += word;
    }
    while (total > 0xFFFFU) {
        total = (total & 0xFFFFU) + (total >> 16U);
    }
    if constexpr (std::endian::native == std::endian::little) {
        total = ((total & 0xFFU) << 8U) | (total >> 8U);
    }
    std::uint32_t folded = sum + static_cast<std::uint32_t>(total);
    while (folded > 0xFFFFU) {
        folded = (folded & 0xFFFFU) + (folded >> 16U);
    }
    return folded;
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

Result<Ipv4UdpPacket, Ipv4UdpError> read_ipv4_udp(Bytes packet) noexcept {
    const auto refused = [](Ipv4UdpError error) {
        return std::unexpected(error);
    };
    ByteReader reader{packet};
    const auto version_and_size = reader.u8();
    const auto service = reader.u8();
    const auto total = reader.u16();
    if (!version_and_size || !service || !total) {
        return refused(Ipv4UdpError::truncated);
    }
    const std::size_t header_size = std::size_t{4} * (*version_and_size & 0x0FU);
    if (*version_and_size >> 4U != 4 || header_size < ipv4_header_size) {
        return refused(Ipv4UdpError::not_ipv4);
    }
    if (*total > packet.size() || header_size > *total) {
        return refused(Ipv4UdpError::truncated);
    }
    packet = packet.first(*total);
    if (internet_checksum(packet.first(header_size)) != 0) {
        return refused(Ipv4UdpError::bad_header_checksum);
    }
    Ipv4UdpPacket read;
    ByteReader fields{packet.subspan(4, ipv4_header_size - 4)}; // all takes below are within
    read.header.identification = fields.u16().value_or(0);
    const std::uint16_t fragment = fields.u16().value_or(0);
    (void)fields.skip(1); // time to live
    const std::uint8_t protocol = fields.u8().value_or(0);
    (void)fields.skip(2); // its checksum, verified above
    read.header.source.octets = fields.octets<4>().value_or(std::array<std::uint8_t, 4>{});
    read.header.destination.octets = fields.octets<4>().value_or(std::array<std::uint8_t, 4>{});
    if ((fragment & fragment_mask) != 0) {
        return refused(Ipv4UdpError::fragment);
    }
    if (protocol != protocol_udp) {
        return refused(Ipv4UdpError::not_udp);
    }
    ByteReader udp{packet.subspan(header_size)};
    const auto source_port = udp.u16();
    const auto destination_port = udp.u16();
    const auto length = udp.u16();
    const auto checksum = udp.u16();
    if (!source_port || !destination_port || !length || !checksum) {
        return refused(Ipv4UdpError::truncated);
    }
    if (*length < udp_header_size || *length > packet.size() - header_size) {
        return refused(Ipv4UdpError::bad_udp_length);
    }
    const Bytes datagram = packet.subspan(header_size, *length);
    const std::uint32_t pseudo =
        sum_words(packet.subspan(12, 8), std::uint32_t{protocol_udp} + *length);
    if (*checksum != 0 && internet_checksum(datagram, pseudo) != 0) {
        return refused(Ipv4UdpError::bad_udp_checksum);
    }
    read.header.source_port = *source_port;
    read.header.destination_port = *destination_port;
    read.payload = datagram.subspan(udp_header_size);
    return read;
}

} // namespace muster
