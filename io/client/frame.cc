// SPDX-License-Identifier: Apache-2.0
#include "io/client/frame.hh"

#include "core/base/byte_reader.hh"
#include "core/base/byte_writer.hh"
#include "core/base/ones_complement.hh"

#include <array>

namespace muster {
namespace {

constexpr std::uint16_t type_ipv4 = 0x0800;
constexpr std::uint16_t type_arp = 0x0806;
constexpr std::uint16_t type_ipv6 = 0x86DD;
constexpr std::uint16_t arp_request = 1; // RFC 826
constexpr std::uint16_t arp_reply = 2;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t protocol_icmpv6 = 58;
constexpr std::size_t ethernet_size = 14;
constexpr std::size_t ipv4_size = 20;
constexpr std::size_t ipv6_size = 40;
constexpr std::size_t udp_size = 8;

std::uint16_t checksum_of(std::uint32_t sum) noexcept {
    while (sum > 0xFFFFU) {
        sum = (sum & 0xFFFFU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(~sum & 0xFFFFU);
}

/// Checksum of a UDP or ICMPv6 message: over both addresses, its protocol and length, and itself.
std::uint16_t message_checksum(Bytes addresses, std::uint8_t protocol, Bytes message) noexcept {
    return checksum_of(ones_complement_sum(addresses) + protocol +
                       static_cast<std::uint16_t>(message.size()) + ones_complement_sum(message));
}

void write_ethernet(ByteWriter& writer, const MacAddress& destination, const MacAddress& source,
                    std::uint16_t type) noexcept {
    writer.octets(destination.octets);
    writer.octets(source.octets);
    writer.u16(type);
}

std::size_t write_udp(ByteWriter& writer, const ClientTx& datagram, Bytes payload) noexcept {
    const auto source =
        datagram.source.address == IpAddress{} ? Ipv4Address{} : datagram.source.address.v4();
    const auto destination = datagram.destination.address.v4();
    if (!source || !destination || payload.size() > UINT16_MAX - ipv4_size - udp_size) {
        return 0;
    }
    const auto message_size = static_cast<std::uint16_t>(udp_size + payload.size());
    writer.u8(0x45); // version 4, five words of header
    writer.u8(0);
    writer.u16(static_cast<std::uint16_t>(ipv4_size + message_size));
    writer.u16(0); // identification: never fragmented, RFC 6864 section 4.1
    writer.u16(0);
    writer.u8(64);
    writer.u8(protocol_udp);
    writer.u16(0); // checksum, below
    writer.octets(source->octets);
    writer.octets(destination->octets);
    writer.u16(datagram.source.port);
    writer.u16(datagram.destination.port);
    writer.u16(message_size);
    writer.u16(0); // checksum, below
    writer.put(payload);
    if (writer.overflow()) {
        return 0;
    }
    const Bytes packet = writer.written().subspan(ethernet_size);
    writer.patch_u16(ethernet_size + 10, checksum_of(ones_complement_sum(packet.first(ipv4_size))));
    const std::uint16_t sum =
        message_checksum(packet.subspan(12, 8), protocol_udp, packet.subspan(ipv4_size));
    // RFC 768: a sum of zero means "none was made", so it goes out as all ones.
    writer.patch_u16(ethernet_size + ipv4_size + 6, sum == 0 ? std::uint16_t{0xFFFF} : sum);
    return writer.size();
}

std::size_t write_icmpv6(ByteWriter& writer, const ClientTx& datagram, Bytes payload) noexcept {
    if (payload.size() < 4 || payload.size() > UINT16_MAX) {
        return 0; // type, code, checksum: an ICMPv6 message has these at least
    }
    writer.u32(0x6000'0000U); // version 6
    writer.u16(static_cast<std::uint16_t>(payload.size()));
    writer.u8(protocol_icmpv6);
    writer.u8(255); // RFC 4861 section 6.1: less means that a router forwarded it
    writer.octets(datagram.source.address.octets);
    writer.octets(datagram.destination.address.octets);
    writer.put(payload);
    writer.patch_u16(ethernet_size + ipv6_size + 2, 0);
    if (writer.overflow()) {
        return 0;
    }
    const Bytes packet = writer.written().subspan(ethernet_size);
    writer.patch_u16(
        ethernet_size + ipv6_size + 2,
        message_checksum(packet.subspan(8, 32), protocol_icmpv6, packet.subspan(ipv6_size)));
    return writer.size();
}

bool read_udp(Bytes packet, bool checksums, ClientRx& datagram) noexcept {
    if (packet.size() < ipv4_size) {
        return false;
    }
    const auto first = std::to_integer<std::uint8_t>(packet[0]);
    const std::size_t header_size = (first & 0x0FU) * std::size_t{4};
    ByteReader reader{packet.subspan(2)};
    const std::size_t total = *reader.u16();
    const bool skipped = reader.skip(2); // identification
    const std::uint16_t fragment = *reader.u16();
    if (first >> 4U != 4 || header_size < ipv4_size || total < header_size + udp_size ||
        total > packet.size() || !skipped || (fragment & 0x3FFFU) != 0 || !reader.skip(1) ||
        *reader.u8() != protocol_udp ||
        checksum_of(ones_complement_sum(packet.first(header_size))) != 0) {
        return false;
    }
    const Bytes addresses = packet.subspan(12, 8);
    ByteReader from{addresses};
    datagram.source.address = Ipv4Address{*from.octets<4>()};
    datagram.destination.address = Ipv4Address{*from.octets<4>()};
    const Bytes all = packet.first(total).subspan(header_size);
    ByteReader udp{all};
    datagram.source.port = *udp.u16();
    datagram.destination.port = *udp.u16();
    const std::size_t size = *udp.u16();
    const std::uint16_t sum = *udp.u16();
    if (size < udp_size || size > all.size()) {
        return false;
    }
    const Bytes message = all.first(size);
    if (checksums && sum != 0 && message_checksum(addresses, protocol_udp, message) != 0) {
        return false;
    }
    datagram.protocol = ClientProtocol::udp;
    datagram.payload = message.subspan(udp_size);
    return true;
}

bool read_icmpv6(Bytes packet, ClientRx& datagram) noexcept {
    if (packet.size() < ipv6_size + 4) {
        return false;
    }
    ByteReader reader{packet};
    const std::uint32_t version = *reader.u32() >> 28U;
    const std::size_t size = *reader.u16();
    const std::uint8_t next_header = *reader.u8();
    const std::uint8_t hops = *reader.u8();
    // RFC 4861 section 6.1: with fewer hops it crossed a router, so it is none of this link's.
    if (version != 6 || next_header != protocol_icmpv6 || hops != 255 || size < 4 ||
        size > packet.size() - ipv6_size) {
        return false;
    }
    datagram.source.address = Ipv6Address{*reader.octets<16>()};
    datagram.destination.address = Ipv6Address{*reader.octets<16>()};
    const Bytes message = packet.subspan(ipv6_size, size);
    if (message_checksum(packet.subspan(8, 32), protocol_icmpv6, message) != 0) {
        return false;
    }
    datagram.protocol = ClientProtocol::icmpv6;
    datagram.payload = message;
    return true;
}

std::size_t write_arp(MutableBytes out, std::uint16_t operation, const MacAddress& destination,
                      const MacAddress& target_mac, const ClientArp& message) noexcept {
    ByteWriter writer{out};
    write_ethernet(writer, destination, message.sender_mac, type_arp);
    writer.u16(1); // Ethernet
    writer.u16(type_ipv4);
    writer.u8(6);
    writer.u8(4);
    writer.u16(operation);
    writer.octets(message.sender_mac.octets);
    writer.octets(message.sender.octets);
    writer.octets(target_mac.octets);
    writer.octets(message.target.octets);
    return writer.overflow() ? 0 : writer.size();
}

std::optional<ClientArp> read_arp(Bytes frame, std::uint16_t operation) noexcept {
    constexpr std::array<std::uint8_t, 8> shape{0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4};
    ByteReader reader{frame};
    if (!reader.skip(12) || reader.octets<shape.size()>() != shape || reader.u16() != operation) {
        return std::nullopt;
    }
    const auto mac = reader.octets<6>();
    const auto sender = reader.octets<4>();
    const bool skipped = reader.skip(6);
    const auto target = reader.octets<4>();
    if (!mac || !sender || !skipped || !target) {
        return std::nullopt;
    }
    return ClientArp{.sender_mac = {*mac}, .sender = {*sender}, .target = {*target}};
}

} // namespace

std::size_t write_frame(MutableBytes out, const MacAddress& destination, const ClientTx& datagram,
                        Bytes payload) noexcept {
    ByteWriter writer{out};
    if (datagram.protocol == ClientProtocol::icmpv6) {
        write_ethernet(writer, destination, datagram.mac, type_ipv6);
        return write_icmpv6(writer, datagram, payload);
    }
    write_ethernet(writer, destination, datagram.mac, type_ipv4);
    return write_udp(writer, datagram, payload);
}

std::optional<MacAddress> group_mac(const IpAddress& destination) noexcept {
    const auto& octets = destination.octets;
    if (const auto v4 = destination.v4()) {
        if (*v4 == Ipv4Address::broadcast()) {
            return MacAddress::broadcast();
        }
        if (v4->octets[0] >> 4U == 0xE) {
            return MacAddress{{0x01, 0x00, 0x5E, static_cast<std::uint8_t>(v4->octets[1] & 0x7FU),
                               v4->octets[2], v4->octets[3]}};
        }
        return std::nullopt;
    }
    if (octets[0] == 0xFF) {
        return MacAddress{{0x33, 0x33, octets[12], octets[13], octets[14], octets[15]}};
    }
    return std::nullopt;
}

std::optional<ReceivedFrame> read_frame(Bytes frame, bool checksums) noexcept {
    ByteReader reader{frame};
    const auto destination = reader.octets<6>();
    const auto source = reader.octets<6>();
    const auto type = reader.u16();
    if (!destination || !source || !type) {
        return std::nullopt;
    }
    ReceivedFrame found{.destination = {*destination}, .source = {*source}};
    const bool read = *type == type_ipv4   ? read_udp(reader.rest(), checksums, found.datagram)
                      : *type == type_ipv6 ? read_icmpv6(reader.rest(), found.datagram)
                                           : false;
    return read ? std::optional{found} : std::nullopt;
}

std::size_t write_arp_request(MutableBytes out, const ClientArp& message) noexcept {
    return write_arp(out, arp_request, MacAddress::broadcast(), {}, message);
}

std::size_t write_arp_reply(MutableBytes out, const MacAddress& asker,
                            const ClientArp& message) noexcept {
    return write_arp(out, arp_reply, asker, asker, message);
}

std::optional<ClientArp> read_arp_request(Bytes frame) noexcept {
    return read_arp(frame, arp_request);
}

std::optional<ClientArp> read_arp_reply(Bytes frame) noexcept {
    return read_arp(frame, arp_reply);
}

} // namespace muster
