// SPDX-License-Identifier: Apache-2.0
#include "net/wire/arp.hh"

#include "core/base/byte_reader.hh"

namespace muster {

namespace {

/// Ethernet, IPv4, and the sizes of their addresses.
constexpr std::array<std::uint8_t, 6> arp_shape{0, 1, 0x08, 0x00, 6, 4};

} // namespace

Result<ArpMessage, ArpError> read_arp(Bytes message) noexcept {
    if (message.size() < arp_message_size) {
        return std::unexpected(ArpError::truncated_arp);
    }
    ByteReader reader{message}; // all takes below are within
    const auto shape = reader.octets<arp_shape.size()>();
    const std::uint16_t operation = reader.u16().value_or(0);
    if (shape != arp_shape || operation < 1 || operation > 2) {
        return std::unexpected(ArpError::foreign_arp);
    }
    ArpMessage read;
    read.operation = static_cast<ArpMessage::Operation>(operation);
    read.sender_mac.octets = reader.octets<6>().value_or(MacAddress{}.octets);
    read.sender.octets = reader.octets<4>().value_or(Ipv4Address{}.octets);
    read.target_mac.octets = reader.octets<6>().value_or(MacAddress{}.octets);
    read.target.octets = reader.octets<4>().value_or(Ipv4Address{}.octets);
    return read;
}

void write_arp(ByteWriter& writer, const ArpMessage& message) noexcept {
    writer.octets(arp_shape);
    writer.u16(static_cast<std::uint16_t>(message.operation));
    writer.octets(message.sender_mac.octets);
    writer.octets(message.sender.octets);
    writer.octets(message.target_mac.octets);
    writer.octets(message.target.octets);
}

} // namespace muster
