// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/packet_owner.hh"

#include "net/wire/ipv4_udp.hh"

#include <algorithm>

namespace muster {
namespace {

// RFC 2131 section 2.
constexpr std::size_t hlen_offset = 2;
constexpr std::size_t chaddr_offset = 28;

template <std::size_t size>
bool stands_at(Bytes payload, std::size_t at, const std::array<std::uint8_t, size>& octets) {
    return payload.size() >= at + size &&
           std::ranges::equal(payload.subspan(at, size), octets, {}, std::to_integer<std::uint8_t>);
}

template <std::size_t size>
bool stands_in(Bytes payload, const std::array<std::uint8_t, size>& octets) {
    return !std::ranges::search(payload, octets, {}, std::to_integer<std::uint8_t>).empty();
}

bool is_from_one_of(Bytes message, const std::vector<MacAddress>& macs) {
    return message.size() > hlen_offset && message[hlen_offset] == std::byte{6} &&
           std::ranges::any_of(macs, [&](const MacAddress& mac) {
               return stands_at(message, chaddr_offset, mac.octets);
           });
}

} // namespace

bool is_wanted(const PacketRecord& packet, const PacketsWanted& wanted) noexcept {
    if (packet.at < wanted.since) {
        return false;
    }
    switch (packet.service) {
    case UdpService::dhcp:
    case UdpService::pxe:
        return is_from_one_of(packet.whole && packet.payload.size() > ipv4_udp_header_size
                                  ? packet.payload.subspan(ipv4_udp_header_size)
                                  : packet.payload,
                              wanted.macs);
    case UdpService::dhcp6:
        return (wanted.uuid && stands_in(packet.payload, *wanted.uuid)) ||
               std::ranges::any_of(wanted.macs, [&](const MacAddress& mac) {
                   return stands_in(packet.payload, mac.octets);
               });
    case UdpService::tftp:
    case UdpService::tftp_transfer:
        return std::ranges::find(wanted.addresses, packet.peer.address) != wanted.addresses.end();
    case UdpService::icmpv6:
        return false;
    }
    __builtin_unreachable();
}

} // namespace muster
