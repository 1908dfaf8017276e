// SPDX-License-Identifier: Apache-2.0
// Frames that leave, and the questions for whose they are.
#include "core/base/check.hh"
#include "net/host/frame_host.hh"
#include "net/wire/icmp_echo.hh"

#include <algorithm>
#include <array>

namespace muster {

namespace {

constexpr std::uint8_t time_to_live = 64;
constexpr Ipv4Address all_hosts{{224, 0, 0, 1}};
/// RFC 2113: routers look at the packet although it is not theirs.
constexpr std::array<std::uint8_t, 4> router_alert{0x94, 4, 0, 0};

/// A short frame ends in zeros (IEEE 802.3 clause 4.2.3.3). Returns: its size then.
std::size_t pad(MutableBytes room, std::size_t size) noexcept {
    const std::size_t padded = std::min(std::max(size, ethernet_frame_min), room.size());
    std::fill(room.begin() + static_cast<std::ptrdiff_t>(size),
              room.begin() + static_cast<std::ptrdiff_t>(padded), std::byte{0});
    return padded;
}

} // namespace

std::size_t FrameHost::lose(FrameTxDrop reason) noexcept {
    metrics_.tx_drops.add(reason);
    return 0;
}

std::size_t FrameHost::write(MutableBytes room, const TxDatagram& datagram, Bytes payload,
                             Instant now) noexcept {
    if (datagram.link) {
        if (payload.size() > options_.interface.mtu) {
            return lose(FrameTxDrop::too_large);
        }
        ByteWriter writer{room};
        write_ethernet(writer, header_to(datagram.link_destination, ethertype_ipv4));
        writer.put(payload);
        MUSTER_CHECK(!writer.overflow());
        metrics_.sent.add();
        return pad(room, writer.size());
    }
    const auto port = port_of(options_.ports, datagram.service, datagram.socket);
    if (!port) {
        return lose(FrameTxDrop::no_port);
    }
    return write_udp(room, {datagram.destination, datagram.source, *port}, {}, payload, now);
}

std::size_t FrameHost::write_block(MutableBytes room, const TxBlocks& blocks, std::uint64_t block,
                                   Bytes data, Instant now) noexcept {
    const auto port = port_of(options_.ports, blocks.service, blocks.socket);
    if (!port) {
        return lose(FrameTxDrop::no_port);
    }
    // Opcode 3 (DATA), then the block number modulo 65536 (RFC 1350 section 5).
    const std::array<std::byte, 4> head{std::byte{0}, std::byte{3},
                                        static_cast<std::byte>(block >> 8U & 0xFFU),
                                        static_cast<std::byte>(block & 0xFFU)};
    return write_udp(room, {blocks.destination, blocks.source, *port}, head, data, now);
}

std::size_t FrameHost::write_udp(MutableBytes room, const Addresses& addresses, Bytes head,
                                 Bytes data, Instant now) noexcept {
    const auto destination = addresses.destination.address.v4();
    if (!destination) {
        return lose(FrameTxDrop::not_ipv4);
    }
    if (ipv4_udp_header_size + head.size() + data.size() > options_.interface.mtu) {
        return lose(FrameTxDrop::too_large);
    }
    if (const auto mac = link_of(*destination, now)) {
        metrics_.sent.add();
        return write_packet(room, *mac, addresses, head, data, options_.checksums);
    }
    const auto next_hop = next_hop_of(*destination);
    if (!next_hop) {
        return lose(FrameTxDrop::no_route);
    }
    hold(*next_hop, addresses, head, data, now);
    return 0;
}

std::optional<DataHead> FrameHost::head_of(const TxBlocks& blocks, Instant now) noexcept {
    const auto port = port_of(options_.ports, blocks.service, blocks.socket);
    const auto destination = blocks.destination.address.v4();
    const auto mac = port && destination ? link_of(*destination, now) : std::nullopt;
    if (!mac) {
        return std::nullopt;
    }
    return DataHead{header_to(*mac, ethertype_ipv4),
                    udp_header({blocks.destination, blocks.source, *port}), options_.checksums};
}

std::size_t FrameHost::write_block(MutableBytes room, const DataHead& head, std::uint64_t block,
                                   Bytes data, std::uint32_t data_sum) noexcept {
    if (ipv4_udp_header_size + DataHead::data_header_size + data.size() > options_.interface.mtu) {
        return lose(FrameTxDrop::too_large);
    }
    metrics_.sent.add();
    return head.write(room, ++identification_, block, data, data_sum);
}

std::size_t FrameHost::write_packet(MutableBytes room, const MacAddress& destination,
                                    const Addresses& addresses, Bytes head, Bytes data,
                                    Checksums checksums) noexcept {
    const EthernetHeader header = header_to(destination, ethertype_ipv4);
    const std::size_t packet_size = ipv4_udp_header_size + head.size() + data.size();
    MUSTER_CHECK(header.size() + packet_size <= room.size());
    ByteWriter writer{room};
    write_ethernet(writer, header);
    const MutableBytes packet = room.subspan(header.size(), packet_size);
    ByteWriter payload{packet.subspan(ipv4_udp_header_size)};
    payload.put(head);
    payload.put(data);
    Ipv4UdpHeader around = udp_header(addresses);
    around.identification = ++identification_;
    write_ipv4_udp_around(packet, around, checksums);
    return pad(room, header.size() + packet_size);
}

Ipv4UdpHeader FrameHost::udp_header(const Addresses& addresses) const noexcept {
    const Ipv4Address to = addresses.destination.address.v4().value_or(Ipv4Address{});
    return {.source = addresses.source.v4().value_or(options_.interface.address),
            .destination = to,
            .source_port = addresses.source_port,
            .destination_port = addresses.destination.port,
            .time_to_live = is_multicast(to) ? options_.multicast_ttl : time_to_live};
}

std::optional<MacAddress> FrameHost::link_of(const Ipv4Address& destination, Instant now) noexcept {
    if (is_multicast(destination)) {
        return multicast_mac(destination);
    }
    if (is_broadcast(destination)) {
        return MacAddress::broadcast();
    }
    const auto next_hop = next_hop_of(destination);
    return next_hop ? find_mac(*next_hop, now) : std::nullopt;
}

std::optional<Ipv4Address> FrameHost::next_hop_of(const Ipv4Address& address) const noexcept {
    if (on_link(address)) {
        return address;
    }
    if (!options_.gateway.is_unspecified()) {
        return options_.gateway;
    }
    return neighbours_.find(address) != nullptr ? std::optional{address} : std::nullopt;
}

std::optional<MacAddress> FrameHost::neighbour(const Ipv4Address& address) const noexcept {
    const Neighbour* const known = neighbours_.find(address);
    return known != nullptr ? std::optional{known->mac} : std::nullopt;
}

/// RFC 1122 section 2.3.2.1: what was not confirmed for a while is asked for, by unicast at first,
/// and given up when nobody answers.
std::optional<MacAddress> FrameHost::find_mac(const Ipv4Address& next_hop, Instant now) noexcept {
    Neighbour* const known = neighbours_.find(next_hop);
    if (known == nullptr) {
        return std::nullopt;
    }
    const FrameHostLimits& limits = options_.limits;
    // Beyond the link nobody answers ARP: the way is known by what comes along it.
    if (known->heard + limits.neighbour_valid >= now || !on_link(next_hop) ||
        known->asked_at + limits.arp_interval > now) {
        return known->mac;
    }
    if (known->asks >= limits.arp_attempts) {
        neighbours_.forget(next_hop);
        return std::nullopt;
    }
    ++known->asks;
    known->asked_at = now;
    request(known->mac, next_hop);
    return known->mac;
}

FrameHost::Unresolved* FrameHost::find_unresolved(const Ipv4Address& address) noexcept {
    const auto found = std::find_if(unresolved_.begin(), unresolved_.end(),
                                    [&](const Unresolved& one) { return one.address == address; });
    return found == unresolved_.end() ? nullptr : &*found;
}

void FrameHost::hold(const Ipv4Address& next_hop, const Addresses& addresses, Bytes head,
                     Bytes data, Instant now) noexcept {
    if (find_unresolved(next_hop) == nullptr) {
        if (unresolved_.size() == options_.limits.unresolved) {
            (void)lose(FrameTxDrop::no_room);
            return;
        }
        unresolved_.push_back({.address = next_hop, .due = now + options_.limits.arp_interval});
        request(MacAddress::broadcast(), next_hop);
    }
    const MutableBytes room = held_.room();
    if (room.empty() || held_.held(next_hop) >= options_.limits.held_each) {
        (void)lose(FrameTxDrop::no_room);
        return;
    }
    // It leaves among the frames of this host itself, of which the port computes nothing.
    held_.hold(write_packet(room, MacAddress{}, addresses, head, data, Checksums::written),
               next_hop);
}

void FrameHost::announce() noexcept {
    const Ipv4Address& own = options_.interface.address;
    send_arp(MacAddress::broadcast(), {.operation = ArpMessage::Operation::request,
                                       .sender_mac = options_.interface.mac,
                                       .sender = own,
                                       .target_mac = {},
                                       .target = own});
}

void FrameHost::request(const MacAddress& destination, const Ipv4Address& address) noexcept {
    send_arp(destination, {.operation = ArpMessage::Operation::request,
                           .sender_mac = options_.interface.mac,
                           .sender = options_.interface.address,
                           .target_mac = {},
                           .target = address});
}

void FrameHost::send_arp(const MacAddress& destination, const ArpMessage& message) noexcept {
    const MutableBytes room = own_.room();
    if (room.empty()) {
        metrics_.own_no_room.add();
        return;
    }
    ByteWriter writer{room};
    write_ethernet(writer, header_to(destination, ethertype_arp));
    write_arp(writer, message);
    own_.send(pad(room, writer.size()));
    metrics_.own_sent.add();
}

void FrameHost::send_ipv4(const MacAddress& destination, const Ipv4Packet& packet) noexcept {
    const MutableBytes room = own_.room();
    const EthernetHeader header = header_to(destination, ethertype_ipv4);
    const std::size_t size =
        room.empty() ? 0 : write_ipv4(room.subspan(header.size(), options_.interface.mtu), packet);
    if (size == 0) {
        metrics_.own_no_room.add();
        return;
    }
    ByteWriter writer{room};
    write_ethernet(writer, header);
    own_.send(pad(room, header.size() + size));
    metrics_.own_sent.add();
}

void FrameHost::ask(const ConflictProbe& probe, Instant now) noexcept {
    if (probe.interface == options_.interface.index) {
        send_arp(MacAddress::broadcast(), {.operation = ArpMessage::Operation::request,
                                           .sender_mac = options_.interface.mac,
                                           .sender = {},
                                           .target_mac = {},
                                           .target = probe.address});
        return;
    }
    const auto next_hop = next_hop_of(probe.address);
    const auto mac = next_hop ? find_mac(*next_hop, now) : std::nullopt;
    if (probe.interface != 0 || !mac) { // not asked: it counts as free, as if it were silent
        (void)lose(FrameTxDrop::no_route);
        return;
    }
    std::array<std::byte, 8> echo{};
    const std::size_t size = write_icmp_echo(
        echo, {.identifier = conflict_echo_mark, .sequence = conflict_echo_mark, .data = {}});
    send_ipv4(*mac, {.source = options_.interface.address,
                     .destination = probe.address,
                     .protocol = ip_protocol_icmp,
                     .time_to_live = time_to_live,
                     .identification = ++identification_,
                     .options = {},
                     .payload = Bytes{echo}.first(size)});
}

std::size_t FrameHost::next_frame(MutableBytes room) noexcept {
    const std::size_t size = own_.next(room);
    return size != 0 ? size : held_.next(room);
}

void FrameHost::expire(Instant now) noexcept {
    for (std::size_t i = 0; i < unresolved_.size();) {
        Unresolved& one = unresolved_[i];
        if (one.due > now) {
            ++i;
        } else if (one.asks < options_.limits.arp_attempts) {
            ++one.asks;
            one.due = now + options_.limits.arp_interval;
            request(MacAddress::broadcast(), one.address);
            ++i;
        } else {
            metrics_.tx_drops.add(FrameTxDrop::unresolved, held_.drop(one.address));
            one = unresolved_.back();
            unresolved_.pop_back();
        }
    }
    if (querier_.expire(now)) {
        std::array<std::byte, igmp_message_size> query{};
        const std::size_t size = write_igmp_query(query, IgmpQuerier::response_interval);
        send_ipv4(multicast_mac(all_hosts), {.source = options_.interface.address,
                                             .destination = all_hosts,
                                             .protocol = ip_protocol_igmp,
                                             .time_to_live = 1,
                                             .identification = ++identification_,
                                             .options = std::as_bytes(std::span{router_alert}),
                                             .payload = Bytes{query}.first(size)});
    }
}

Instant FrameHost::next_deadline() const noexcept {
    Instant next = querier_.next_deadline();
    for (const Unresolved& one : unresolved_) {
        next = std::min(next, one.due);
    }
    return next;
}

} // namespace muster
