// SPDX-License-Identifier: Apache-2.0
#include "net/wire/ipv4_udp.hh"

#include "core/base/byte_reader.hh"
#include "core/base/ones_complement.hh"

#include <cstring>

namespace muster {

namespace {

constexpr std::size_t ipv4_header_size = 20;
constexpr std::size_t ipv4_header_size_max = 60;
constexpr std::size_t udp_header_size = 8;
constexpr std::size_t ipv4_checksum_offset = 10;
constexpr std::size_t udp_checksum_offset = ipv4_header_size + 6;
/// More fragments, or an offset other than 0.
constexpr std::uint16_t fragment_mask = 0x3FFF;

std::uint32_t sum_words(Bytes bytes, std::uint32_t sum) noexcept {
    std::uint32_t folded = sum + ones_complement_sum(bytes);
    while (folded > 0xFFFFU) {
        folded = (folded & 0xFFFFU) + (folded >> 16U);
    }
    return folded;
}

/// The address as two words of a sum.
constexpr std::uint32_t to_sum(const Ipv4Address& address) noexcept {
    const auto& o = address.octets;
    return (std::uint32_t{o[0]} << 8U | o[1]) + (std::uint32_t{o[2]} << 8U | o[3]);
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
    if (!payload.empty()) {
        std::memcpy(out.data() + ipv4_udp_header_size, payload.data(), payload.size());
    }
    write_ipv4_udp_around(out.first(size), header);
    return size;
}

void write_ipv4_udp_around(MutableBytes packet, const Ipv4UdpHeader& header,
                           Checksums checksums) noexcept {
    const auto udp_size = static_cast<std::uint16_t>(packet.size() - ipv4_header_size);
    ByteWriter writer{packet};
    writer.u8(0x45); // version 4, five words of header
    writer.u8(0);
    writer.u16(static_cast<std::uint16_t>(packet.size()));
    writer.u16(header.identification);
    writer.u16(0); // no DF: some ROMs answer ICMP badly
    writer.u8(header.time_to_live);
    writer.u8(ip_protocol_udp);
    writer.u16(0); // checksum, below
    writer.octets(header.source.octets);
    writer.octets(header.destination.octets);
    writer.u16(header.source_port);
    writer.u16(header.destination_port);
    writer.u16(udp_size);
    writer.u16(0); // checksum, below
    // Pseudo header: both addresses, the protocol, the UDP length.
    const std::uint32_t pseudo =
        sum_words(packet.subspan(12, 8), std::uint32_t{ip_protocol_udp} + udp_size);
    if (checksums == Checksums::by_port) {
        writer.patch_u16(udp_checksum_offset, static_cast<std::uint16_t>(pseudo));
        return;
    }
    writer.patch_u16(ipv4_checksum_offset, internet_checksum(packet.first(ipv4_header_size)));
    const std::uint16_t sum = internet_checksum(packet.subspan(ipv4_header_size), pseudo);
    writer.patch_u16(udp_checksum_offset, sum == 0 ? std::uint16_t{0xFFFF} : sum);
}

std::size_t write_ipv4(MutableBytes out, const Ipv4Packet& packet) noexcept {
    const std::size_t header_size = ipv4_header_size + packet.options.size();
    const std::size_t size = header_size + packet.payload.size();
    if (header_size > ipv4_header_size_max || header_size % 4 != 0 || size > UINT16_MAX ||
        size > out.size()) {
        return 0;
    }
    ByteWriter writer{out};
    writer.u8(static_cast<std::uint8_t>(0x40U | header_size / 4));
    writer.u8(0);
    writer.u16(static_cast<std::uint16_t>(size));
    writer.u16(packet.identification);
    writer.u16(0);
    writer.u8(packet.time_to_live);
    writer.u8(packet.protocol);
    writer.u16(0); // checksum, below
    writer.octets(packet.source.octets);
    writer.octets(packet.destination.octets);
    writer.put(packet.options);
    writer.patch_u16(ipv4_checksum_offset, internet_checksum(writer.written()));
    writer.put(packet.payload);
    return writer.size();
}

Result<Ipv4Packet, Ipv4UdpError> read_ipv4(Bytes packet) noexcept {
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
    Ipv4Packet read;
    ByteReader fields{packet.subspan(4, ipv4_header_size - 4)}; // all takes below are within
    read.identification = fields.u16().value_or(0);
    const std::uint16_t fragment = fields.u16().value_or(0);
    read.time_to_live = fields.u8().value_or(0);
    read.protocol = fields.u8().value_or(0);
    (void)fields.skip(2); // its checksum, verified above
    read.source.octets = fields.octets<4>().value_or(std::array<std::uint8_t, 4>{});
    read.destination.octets = fields.octets<4>().value_or(std::array<std::uint8_t, 4>{});
    if ((fragment & fragment_mask) != 0) {
        return refused(Ipv4UdpError::fragment);
    }
    read.options = packet.subspan(ipv4_header_size, header_size - ipv4_header_size);
    read.payload = packet.subspan(header_size);
    return read;
}

Result<Ipv4UdpPacket, Ipv4UdpError> read_udp(const Ipv4Packet& packet,
                                             UdpChecksum checksum) noexcept {
    const auto refused = [](Ipv4UdpError error) {
        return std::unexpected(error);
    };
    if (packet.protocol != ip_protocol_udp) {
        return refused(Ipv4UdpError::not_udp);
    }
    ByteReader udp{packet.payload};
    const auto source_port = udp.u16();
    const auto destination_port = udp.u16();
    const auto length = udp.u16();
    const auto sum = udp.u16();
    if (!source_port || !destination_port || !length || !sum) {
        return refused(Ipv4UdpError::truncated);
    }
    if (*length < udp_header_size || *length > packet.payload.size()) {
        return refused(Ipv4UdpError::bad_udp_length);
    }
    const Bytes datagram = packet.payload.first(*length);
    if (checksum == UdpChecksum::verify && *sum != 0) {
        const std::uint32_t addresses =
            to_sum(packet.source) + to_sum(packet.destination); // of the pseudo header
        if (internet_checksum(datagram, addresses + ip_protocol_udp + *length) != 0) {
            return refused(Ipv4UdpError::bad_udp_checksum);
        }
    }
    return Ipv4UdpPacket{.header = {.source = packet.source,
                                    .destination = packet.destination,
                                    .source_port = *source_port,
                                    .destination_port = *destination_port,
                                    .identification = packet.identification,
                                    .time_to_live = packet.time_to_live},
                         .payload = datagram.subspan(udp_header_size)};
}

Result<Ipv4UdpPacket, Ipv4UdpError> read_ipv4_udp(Bytes packet) noexcept {
    const auto read = read_ipv4(packet);
    return read ? read_udp(*read) : std::unexpected(read.error());
}

} // namespace muster
