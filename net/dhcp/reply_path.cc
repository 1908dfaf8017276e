// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/reply_path.hh"

#include "net/wire/ipv4_udp.hh"

namespace muster {

ReplyPath choose_reply_path(const DhcpHeader& request, DhcpMessageType reply,
                            const Ipv4Address& yiaddr, const ReplyOrigin& origin) noexcept {
    ReplyPath path{.source = origin.source, .interface = origin.interface};
    if (!request.giaddr.is_unspecified()) {
        path.way = ReplyPath::Way::relay;
        path.destination = request.giaddr;
        path.port = dhcp_server_port;
    } else if (reply == DhcpMessageType::nak) {
        path.way = ReplyPath::Way::broadcast;
        path.destination = Ipv4Address::broadcast();
    } else if (!request.ciaddr.is_unspecified()) {
        path.way = ReplyPath::Way::unicast;
        path.destination = request.ciaddr;
    } else if ((request.flags & dhcp_broadcast_flag) != 0 || yiaddr.is_unspecified()) {
        path.way = ReplyPath::Way::broadcast;
        path.destination = Ipv4Address::broadcast();
    } else {
        path.way = ReplyPath::Way::link;
        path.destination = yiaddr;
        path.link_destination = request.mac();
    }
    return path;
}

void send_reply(const ReplyPath& path, Bytes message, std::uint16_t identification,
                Outbox& out) noexcept {
    TxDatagram datagram;
    datagram.service = UdpService::dhcp;
    datagram.interface = path.interface;
    datagram.destination = {path.destination, path.port};
    datagram.source = path.source;
    if (path.way == ReplyPath::Way::link) {
        std::array<std::byte, dhcp_message_size_max + ipv4_udp_header_size>
            packet; // NOLINT: filled
        const std::size_t size = write_ipv4_udp(packet,
                                                {.source = path.source,
                                                 .destination = path.destination,
                                                 .source_port = dhcp_server_port,
                                                 .destination_port = path.port,
                                                 .identification = identification},
                                                message);
        datagram.link = true;
        datagram.link_destination = path.link_destination;
        datagram.payload_offset = out.store(Bytes{packet}.first(size));
        datagram.payload_size = static_cast<std::uint32_t>(size);
    } else {
        datagram.payload_offset = out.store(message);
        datagram.payload_size = static_cast<std::uint32_t>(message.size());
    }
    out.datagrams.push_back(datagram);
}

} // namespace muster
