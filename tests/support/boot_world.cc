// SPDX-License-Identifier: Apache-2.0
#include "tests/support/boot_world.hh"

#include "net/wire/tftp_packet.hh"

namespace muster::test {
namespace {

std::vector<std::byte> copy(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

} // namespace

void BootWorld::from_clients() {
    ClientOutbox effects;
    std::swap(effects, client_out);
    notes.insert(notes.end(), effects.notes.begin(), effects.notes.end());
    for (const ClientTx& datagram : effects.datagrams) {
        const auto payload = copy(effects.payload(datagram));
        RxDatagram rx;
        rx.interface = interface_index;
        rx.source = datagram.source;
        rx.local = server_ip;
        if (datagram.protocol == ClientProtocol::icmpv6) {
            rx.service = UdpService::icmpv6;
            rx.local = datagram.destination.address;
        } else if (datagram.destination.port == 67) {
            rx.service = UdpService::dhcp;
        } else if (datagram.destination.port == 4011) {
            rx.service = UdpService::pxe;
        } else if (datagram.destination.port == 69) {
            rx.service = UdpService::tftp;
            if (const auto request = read_tftp_request(payload)) {
                requests.push_back("TFTP " + std::string{request->name});
            }
        } else {
            rx.service = UdpService::tftp_transfer;
            rx.socket = static_cast<std::uint8_t>(datagram.destination.port - transfer_port);
        }
        if (deaf) {
            continue;
        }
        later([this, rx, payload]() mutable {
            rx.payload = payload;
            engine.receive(rx, now, out_);
            from_server();
        });
    }
    for (const ClientConnect& connect : effects.connects) {
        auto c = std::make_shared<Connection>();
        c->client = connect.stream;
        c->server = {next_stream_++, 1};
        connections_.push_back(c);
        const Endpoint peer{connect.source, static_cast<std::uint16_t>(40'000 + c->server.slot)};
        later([this, c, peer, to = connect.destination] {
            engine.on_stream_open(c->server, peer, to, now, out_);
            from_server();
            later([this, c] {
                if (c->client_open) {
                    fleet.on_stream_open(c->client, now, client_out);
                    from_clients();
                }
            });
        });
    }
    for (const ClientStreamOrder& order : effects.stream_orders) {
        const auto at = std::ranges::find_if(connections_, [&](const auto& c) {
            return c->client == order.stream && c->client_open;
        });
        if (at == connections_.end()) {
            continue;
        }
        const auto c = *at;
        if (order.kind == ClientStreamOrder::Kind::send) {
            const auto bytes = copy(effects.payload(order));
            const std::string_view text = as_text(bytes);
            requests.emplace_back(text.substr(0, text.find(" HTTP/")));
            later([this, c, bytes] {
                if (c->server_open) {
                    engine.on_stream_data(c->server, bytes, now, out_);
                    from_server();
                }
            });
        } else if (order.kind == ClientStreamOrder::Kind::close) {
            c->client_open = false;
            later([this, c] {
                if (std::exchange(c->server_open, false)) {
                    engine.on_stream_closed(c->server, now, out_);
                    from_server();
                }
            });
        }
    }
}

void BootWorld::from_server() {
    while (!out_.empty()) {
        Outbox effects;
        std::swap(effects, out_);
        for (const OpenRequest& request : effects.opens) {
            engine.on_content(request.ticket, open(request), now, out_);
        }
        for (const TxDatagram& datagram : effects.datagrams) {
            const auto payload = copy(effects.payload(datagram));
            if (datagram.link) {
                const Bytes packet{payload};
                const auto at = [&](std::size_t i) {
                    return std::to_integer<std::uint8_t>(packet[i]);
                };
                const auto port = [&](std::size_t i) {
                    return static_cast<std::uint16_t>(at(i) << 8U | at(i + 1));
                };
                const Endpoint source{Ipv4Address{{at(12), at(13), at(14), at(15)}}, port(20)};
                const Endpoint destination{Ipv4Address{{at(16), at(17), at(18), at(19)}}, port(22)};
                to_clients(source, destination, copy(packet.subspan(ipv4_udp_header_size)),
                           ClientProtocol::udp, datagram.link_destination);
                continue;
            }
            Endpoint source{server_ip, 0};
            switch (datagram.service) {
            case UdpService::dhcp:
                source.port = 67;
                break;
            case UdpService::pxe:
                source.port = 4011;
                break;
            case UdpService::tftp:
                source.port = 69;
                break;
            case UdpService::tftp_transfer:
                source.port = static_cast<std::uint16_t>(transfer_port + datagram.socket);
                break;
            case UdpService::dhcp6:
                source = {datagram.source, 547};
                break;
            case UdpService::icmpv6:
                source.address = datagram.source;
                break;
            }
            const bool icmpv6 = datagram.service == UdpService::icmpv6;
            to_clients(source, datagram.destination, payload,
                       icmpv6 ? ClientProtocol::icmpv6 : ClientProtocol::udp);
        }
        for (const TxBlocks& blocks : effects.blocks) {
            const bool single = blocks.service == UdpService::tftp;
            const Endpoint source{
                server_ip, static_cast<std::uint16_t>(single ? 69 : transfer_port + blocks.socket)};
            for (std::uint64_t n = 0; n < blocks.count; ++n) {
                const std::uint64_t block = blocks.first_block + n;
                const Bytes whole = blocks.content->bytes;
                const std::uint64_t offset = (block - 1) * blocks.blksize;
                const std::size_t size =
                    std::min<std::size_t>(blocks.blksize, whole.size() - offset);
                std::vector<std::byte> packet{std::byte{0}, std::byte{3},
                                              static_cast<std::byte>(block >> 8U),
                                              static_cast<std::byte>(block)};
                const Bytes part = whole.subspan(offset, size);
                packet.insert(packet.end(), part.begin(), part.end());
                to_clients(source, blocks.destination, packet, ClientProtocol::udp);
            }
        }
        for (const StreamSend& send : effects.stream_sends) {
            auto bytes = copy(effects.head(send));
            if (send.content) {
                const Bytes part = send.content->bytes.subspan(send.offset, send.size);
                bytes.insert(bytes.end(), part.begin(), part.end());
            }
            const auto at = std::ranges::find_if(
                connections_, [&](const auto& c) { return c->server == send.stream; });
            const auto c = *at;
            // In pieces, as fast as the wire is.
            constexpr std::size_t piece = 10'000;
            Duration after{};
            for (std::size_t sent = 0; sent < bytes.size(); sent += piece) {
                const auto part =
                    copy(Bytes{bytes}.subspan(sent, std::min(piece, bytes.size() - sent)));
                if (stream_rate != 0) {
                    after += std::chrono::nanoseconds{part.size() * 1'000'000'000 / stream_rate};
                }
                later(
                    [this, c, part] {
                        if (c->client_open) {
                            fleet.on_stream_data(c->client, part, now, client_out);
                            from_clients();
                        }
                        if (c->server_open) {
                            engine.on_stream_progress(c->server, part.size(), now, out_);
                            from_server();
                        }
                    },
                    after);
            }
            later(
                [this, c, close = send.close_after] {
                    if (c->server_open) {
                        engine.on_stream_sent(c->server, now, out_);
                        if (close) {
                            c->server_open = false;
                            engine.on_stream_closed(c->server, now, out_);
                        }
                        from_server();
                    }
                    if (close && std::exchange(c->client_open, false)) {
                        fleet.on_stream_closed(c->client, now, client_out);
                        from_clients();
                    }
                },
                after);
        }
        for (const StreamOrder& order : effects.stream_orders) {
            const auto at = std::ranges::find_if(
                connections_, [&](const auto& c) { return c->server == order.stream; });
            if (order.kind != StreamOrder::Kind::close || at == connections_.end()) {
                continue;
            }
            later([this, c = *at] {
                if (std::exchange(c->server_open, false)) {
                    engine.on_stream_closed(c->server, now, out_);
                    from_server();
                }
                if (std::exchange(c->client_open, false)) {
                    fleet.on_stream_closed(c->client, now, client_out);
                    from_clients();
                }
            });
        }
        if (!effects.messages.empty()) {
            for (WorkerMessage& message : effects.messages) {
                control->on_message(WorkerId{0}, std::move(message), now);
            }
            later([this] { step_control(); });
        }
    }
}

void BootWorld::to_clients(const Endpoint& source, const Endpoint& destination,
                           const std::vector<std::byte>& payload, ClientProtocol protocol,
                           std::optional<MacAddress> link) {
    later([this, source, destination, payload, protocol, link] {
        const ClientRx rx{
            .protocol = protocol, .source = source, .destination = destination, .payload = payload};
        const auto v4 = destination.address.v4();
        MacAddress to = link.value_or(MacAddress{});
        if ((v4 && *v4 == Ipv4Address::broadcast()) || destination.address.octets[0] == 0xFF) {
            to = MacAddress::broadcast();
        } else if (protocol == ClientProtocol::icmpv6) {
            const auto& a = destination.address.octets; // made of the MAC address, RFC 4291
            to = {{static_cast<std::uint8_t>(a[8] ^ 2U), a[9], a[10], a[13], a[14], a[15]}};
        }
        (void)fleet.receive_frame(to, rx, now, client_out);
        from_clients();
    });
}

} // namespace muster::test
