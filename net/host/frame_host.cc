// SPDX-License-Identifier: Apache-2.0
// Frames that arrive. What leaves is in frame_host_send.cc.
#include "net/host/frame_host.hh"

#include "net/wire/icmp_echo.hh"

namespace muster {

namespace {

constexpr Duration defend_interval = 10s; // RFC 5227 section 1.1: DEFEND_INTERVAL

Subnet subnet_on(const InterfaceInfo& interface) noexcept {
    Subnet subnet{.network = {}, .prefix_length = interface.prefix_length};
    subnet.network = from_number(to_number(interface.address) & subnet.mask_number());
    return subnet;
}

/// A service that is asked by broadcast: a machine without an address knows no other way.
bool is_asked_by_all(UdpService service) noexcept {
    return service == UdpService::dhcp || service == UdpService::pxe;
}

} // namespace

FrameHost::FrameHost(const FrameHostOptions& options)
    : options_(options),
      subnet_(subnet_on(options.interface)),
      neighbours_(options.limits.neighbours),
      held_(options.limits.held, static_cast<std::uint32_t>(frame_room())),
      own_(options.limits.own, static_cast<std::uint32_t>(frame_room())),
      scratch_(options.interface.mtu) {
    unresolved_.reserve(options.limits.unresolved);
}

FrameResult FrameHost::drop(FrameDrop reason) noexcept {
    metrics_.drops.add(reason);
    return shared();
}

FrameResult FrameHost::receive(Bytes frame, UdpChecksum checksum, Instant now) noexcept {
    metrics_.received.add();
    const auto read = read_ethernet(frame);
    if (!read) {
        metrics_.ethernet_errors.add(read.error());
        return shared();
    }
    const EthernetHeader& header = read->header;
    if (header.source == options_.interface.mac) {
        (void)drop(FrameDrop::own_frame);
        return {};
    }
    if (header.destination != options_.interface.mac && !is_group_address(header.destination)) {
        (void)drop(FrameDrop::other_station);
        return {};
    }
    if (is_group_address(header.source)) {
        (void)drop(FrameDrop::bad_source);
        return {};
    }
    if (header.vlan != options_.vlan) {
        return drop(FrameDrop::other_vlan);
    }
    switch (header.type) {
    case ethertype_arp:
        return on_arp(*read, now);
    case ethertype_ipv4:
        return on_ipv4(*read, checksum, now);
    default:
        return drop(FrameDrop::unknown_type);
    }
}

FrameResult FrameHost::on_arp(const EthernetFrame& frame, Instant now) noexcept {
    const auto message = read_arp(frame.payload);
    if (!message) {
        metrics_.arp_errors.add(message.error());
        return shared();
    }
    const Ipv4Address& own = options_.interface.address;
    const bool probe = message->sender.is_unspecified();
    if (is_group_address(message->sender_mac) ||
        (!probe && message->sender != own && !is_possible_source(message->sender))) {
        return drop(FrameDrop::bad_source);
    }
    if (message->sender == own) {
        metrics_.arp.add();
        metrics_.address_used.add();
        defend(now);
        return shared();
    }
    // RFC 826: who is known is updated by whatever it sends, who asks for us is learned. Of replies
    // only those to a question teach.
    const bool known =
        neighbours_.find(message->sender) != nullptr || find_unresolved(message->sender) != nullptr;
    const bool asks_for_us =
        message->operation == ArpMessage::Operation::request && message->target == own;
    if (!probe && on_link(message->sender) && (known || asks_for_us)) {
        neighbours_.hear_arp(message->sender, message->sender_mac, now);
        on_neighbour(message->sender, message->sender_mac);
    }
    if (message->operation == ArpMessage::Operation::reply) {
        metrics_.arp.add();
        FrameResult result = shared();
        if (!probe) {
            result.kind = FrameResult::Kind::conflict_answer;
            result.answer = {.address = message->sender, .mac = message->sender_mac};
        }
        return result;
    }
    if (message->target != own) {
        if (message->is_announcement()) {
            metrics_.arp.add();
            return shared();
        }
        return drop(FrameDrop::other_address);
    }
    metrics_.arp.add();
    if (!options_.kernel_beside) {
        send_arp(message->sender_mac, {.operation = ArpMessage::Operation::reply,
                                       .sender_mac = options_.interface.mac,
                                       .sender = own,
                                       .target_mac = message->sender_mac,
                                       .target = message->sender});
    }
    return shared();
}

/// RFC 5227 section 2.4 (b): one announcement, and no more of them than one in ten seconds.
void FrameHost::defend(Instant now) noexcept {
    if (!options_.kernel_beside && defended_ + defend_interval <= now) {
        defended_ = now;
        announce();
    }
}

void FrameHost::on_neighbour(const Ipv4Address& address, const MacAddress& mac) noexcept {
    if (Unresolved* const waited = find_unresolved(address)) {
        *waited = unresolved_.back();
        unresolved_.pop_back();
        metrics_.sent.add(held_.release(address, mac));
    }
}

bool FrameHost::is_broadcast(const Ipv4Address& address) const noexcept {
    return address == Ipv4Address::broadcast() ||
           (subnet_.prefix_length < 31 && address == subnet_.broadcast());
}

/// RFC 1122 section 3.2.1.3: what may stand as a source. Not this host's own, which is its alone.
bool FrameHost::is_possible_source(const Ipv4Address& address) const noexcept {
    return !is_broadcast(address) && !is_multicast(address) && address.octets[0] != 127 &&
           address != options_.interface.address;
}

FrameResult FrameHost::on_ipv4(const EthernetFrame& frame, UdpChecksum checksum,
                               Instant now) noexcept {
    const auto packet = read_ipv4(frame.payload);
    if (!packet) {
        metrics_.ip_errors.add(packet.error());
        return shared();
    }
    if (!is_possible_source(packet->source)) {
        return drop(FrameDrop::bad_source);
    }
    const bool for_host = packet->destination == options_.interface.address;
    if (packet->protocol == ip_protocol_igmp &&
        (for_host || is_multicast(packet->destination))) { // with options: Router Alert (RFC 2236)
        return on_igmp(*packet, now);
    }
    if (!for_host && !is_broadcast(packet->destination)) {
        return drop(FrameDrop::other_address);
    }
    if (!packet->options.empty()) {
        return drop(FrameDrop::ip_options);
    }
    switch (packet->protocol) {
    case ip_protocol_udp:
        return on_udp(frame, *packet, checksum, now);
    case ip_protocol_icmp:
        return on_icmp(frame, *packet);
    default:
        return drop(FrameDrop::unknown_protocol);
    }
}

FrameResult FrameHost::on_udp(const EthernetFrame& frame, const Ipv4Packet& packet,
                              UdpChecksum checksum, Instant now) noexcept {
    const auto datagram = read_udp(packet, checksum);
    if (!datagram) {
        metrics_.ip_errors.add(datagram.error());
        return shared();
    }
    const std::uint16_t port = datagram->header.destination_port;
    const UdpPortRange* const range = find_port(options_.ports, port);
    if (range == nullptr) {
        return drop(FrameDrop::unknown_port);
    }
    const Ipv4Address& source = packet.source;
    if (packet.destination != options_.interface.address && !is_asked_by_all(range->service)) {
        return drop(FrameDrop::broadcast_request);
    }
    if (source.is_unspecified() && range->service != UdpService::dhcp) {
        return drop(FrameDrop::no_source_address);
    }
    // Its answer goes the way that it came, without a question. Beyond the link that is the router
    // which brought it, unless the site names one.
    if (!source.is_unspecified() && (on_link(source) || options_.gateway.is_unspecified())) {
        neighbours_.hear_packet(source, frame.header.source, now, options_.limits.neighbour_valid);
        on_neighbour(source, frame.header.source);
    }
    metrics_.datagrams.add();
    return {.kind = FrameResult::Kind::datagram,
            .local_port = port,
            .datagram = {.service = range->service,
                         .socket = static_cast<std::uint8_t>(port - range->first),
                         .interface = options_.interface.index,
                         .source = {source, datagram->header.source_port},
                         .local = packet.destination,
                         .payload = datagram->payload}};
}

FrameResult FrameHost::on_icmp(const EthernetFrame& frame, const Ipv4Packet& packet) noexcept {
    const auto echo = read_icmp_echo(packet.payload);
    // RFC 1122 section 3.2.2.6: a request to everybody may be left alone, and is.
    if (!echo || packet.destination != options_.interface.address ||
        packet.source.is_unspecified()) {
        return drop(FrameDrop::icmp_other);
    }
    if (echo->reply) {
        if (echo->identifier != conflict_echo_mark || echo->sequence != conflict_echo_mark) {
            return drop(FrameDrop::icmp_other);
        }
        metrics_.echoes.add();
        FrameResult result{.kind = FrameResult::Kind::conflict_answer};
        result.answer.address = packet.source;
        return result;
    }
    if (options_.kernel_beside) {
        return drop(FrameDrop::icmp_other);
    }
    metrics_.echoes.add();
    IcmpEcho reply = *echo;
    reply.reply = true;
    const std::size_t size = write_icmp_echo(scratch_, reply);
    if (size == 0) { // more than the link carries
        metrics_.own_no_room.add();
        return {};
    }
    send_ipv4(frame.header.source, {.source = options_.interface.address,
                                    .destination = packet.source,
                                    .protocol = ip_protocol_icmp,
                                    .time_to_live = 64,
                                    .identification = ++identification_,
                                    .options = {},
                                    .payload = Bytes{scratch_}.first(size)});
    return {};
}

FrameResult FrameHost::on_igmp(const Ipv4Packet& packet, Instant now) noexcept {
    const auto message = read_igmp(packet.payload);
    if (!message) {
        return drop(FrameDrop::igmp_other);
    }
    metrics_.igmp.add();
    if (message->kind == IgmpMessage::Kind::query) {
        querier_.on_query(packet.source, options_.interface.address, now);
    }
    return shared();
}

} // namespace muster
