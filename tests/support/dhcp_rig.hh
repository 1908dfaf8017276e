// SPDX-License-Identifier: Apache-2.0
// A DHCP server with a site, an outbox and a clock, and messages made for it by name. For tests:
// what goes wrong here throws or fails the test.
#pragma once

#include "core/base/byte_reader.hh"
#include "net/dhcp/dhcp_server.hh"
#include "net/wire/ipv4_udp.hh"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace muster::test {

inline Ipv4Address ip(std::string_view text) {
    return read_ipv4_address(text).value();
}

/// A machine's link address, by number.
inline MacAddress machine_mac(std::uint32_t n) {
    return {{0x52, 0x54, static_cast<std::uint8_t>(n >> 24U), static_cast<std::uint8_t>(n >> 16U),
             static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)}};
}

inline std::vector<std::byte> octets(std::initializer_list<unsigned> values) {
    std::vector<std::byte> bytes;
    for (const unsigned value : values) {
        bytes.push_back(static_cast<std::byte>(value));
    }
    return bytes;
}

inline std::vector<std::byte> text_octets(std::string_view text) {
    const Bytes bytes = as_bytes(text);
    return {bytes.begin(), bytes.end()};
}

inline std::vector<std::byte> address_octets(const Ipv4Address& a) {
    return octets({a.octets[0], a.octets[1], a.octets[2], a.octets[3]});
}

/// A message under construction: fields first, then options in the order given.
class ClientMessage {
public:
    ClientMessage(DhcpMessageType type, const MacAddress& mac, std::uint32_t xid = 0x1234) {
        header.xid = xid;
        header.set_mac(mac);
        with(DhcpOptionCode::message_type, octets({static_cast<unsigned>(type)}));
    }
    ClientMessage& with(DhcpOptionCode code, std::vector<std::byte> value) {
        options.emplace_back(code, std::move(value));
        return *this;
    }
    ClientMessage& with(DhcpOptionCode code, std::string_view text) {
        return with(code, text_octets(text));
    }
    ClientMessage& with(DhcpOptionCode code, const Ipv4Address& address) {
        return with(code, address_octets(address));
    }
    /// `PXEClient:Arch:000NN:…` with 93, 94 and 97, as ROMs send it.
    ClientMessage& pxe(unsigned arch, std::string_view name = "PXEClient") {
        with(DhcpOptionCode::client_architecture, octets({arch >> 8U, arch & 0xFFU}));
        with(DhcpOptionCode::client_machine, std::vector(17, std::byte{0}));
        with(DhcpOptionCode::parameter_request_list, octets({1, 3, 6, 12, 43, 60, 66, 67, 97}));
        const std::string digits = std::to_string(arch);
        return with(DhcpOptionCode::vendor_class,
                    std::string{name} + ":Arch:" + std::string(5 - digits.size(), '0') + digits +
                        ":UNDI:003000");
    }

    [[nodiscard]] std::vector<std::byte> bytes() const {
        std::vector<std::byte> buffer(dhcp_message_size_max);
        DhcpWriter writer{buffer, header, buffer.size()};
        for (const auto& [code, value] : options) {
            if (!writer.option(code, value)) {
                throw std::length_error("a test message is too long");
            }
        }
        buffer.resize(writer.finish());
        return buffer;
    }

    DhcpHeader header;
    std::vector<std::pair<DhcpOptionCode, std::vector<std::byte>>> options;
};

/// A reply as it left: the effect, and the message read back.
struct Reply {
    TxDatagram datagram;
    std::vector<std::byte> bytes;         ///< the DHCP message
    std::unique_ptr<DhcpMessage> message; ///< borrows `bytes`
    Endpoint source;                      ///< of a link packet: its own headers'
    Endpoint destination;

    [[nodiscard]] DhcpMessageType type() const { return message->type; }
    [[nodiscard]] Ipv4Address yiaddr() const { return message->header.yiaddr; }
    [[nodiscard]] bool has(DhcpOptionCode code) const { return message->has(code); }
    [[nodiscard]] std::string text(DhcpOptionCode code) const {
        const auto value = message->find(code);
        return value ? std::string{as_text(*value)} : std::string{"(absent)"};
    }
    [[nodiscard]] std::uint32_t seconds(DhcpOptionCode code) const {
        const auto value = message->find(code);
        return value ? ByteReader{*value}.u32().value_or(0) : 0;
    }
};

/// Takes a whole IPv4 packet apart and checks both its checksums.
inline std::vector<std::byte> open_packet(Bytes packet, Reply& reply) {
    if (packet.size() < ipv4_udp_header_size || internet_checksum(packet.first(20)) != 0) {
        throw std::runtime_error("the IPv4 header's checksum is wrong");
    }
    ByteReader reader{packet.subspan(12)};
    reply.source.address = Ipv4Address{reader.octets<4>().value()};
    reply.destination.address = Ipv4Address{reader.octets<4>().value()};
    std::uint32_t pseudo = 17 + static_cast<std::uint32_t>(packet.size() - 20);
    for (ByteReader words{packet.subspan(12, 8)}; !words.empty();) {
        pseudo += words.u16().value();
    }
    pseudo = (pseudo & 0xFFFFU) + (pseudo >> 16U);
    if (internet_checksum(packet.subspan(20), pseudo) != 0) {
        throw std::runtime_error("the UDP checksum is wrong");
    }
    reply.source.port = reader.u16().value();
    reply.destination.port = reader.u16().value();
    const Bytes payload = packet.subspan(ipv4_udp_header_size);
    return {payload.begin(), payload.end()};
}

/// The server on interface 7 (10.79.0.1/24), pool 10.79.0.100-199, unknown machines installed.
class DhcpRig {
public:
    explicit DhcpRig(DhcpLimits limits = {.leases_max = 1024, .commits_max = 64}) : server(limits) {
        InterfaceInfo interface;
        interface.index = 7;
        interface.name = "rack0";
        interface.mac = {{2, 0, 0, 0, 0, 7}};
        interface.address = ip("10.79.0.1");
        const std::vector interfaces{interface};
        server.on_interfaces(interfaces);
        SubnetPlan subnet;
        subnet.subnet = read_subnet("10.79.0.0/24").value();
        subnet.pools = {read_address_range("10.79.0.100-10.79.0.199").value()};
        subnet.router = ip("10.79.0.254");
        snapshot.dhcp.subnets = {subnet};
        snapshot.dhcp.unknown_action = BootAction::install;
        publish();
    }
    /// Publishes what `snapshot` is now.
    void publish() { server.on_snapshot(std::make_shared<const Snapshot>(snapshot), now); }
    void advance(Duration by) {
        now.steady = now.steady + by;
        now.wall = now.wall + by;
        server.expire(now, out);
    }

    /// Hands a datagram over; returns what was sent at once.
    std::vector<Reply> receive(const std::vector<std::byte>& payload,
                               const IpAddress& local = Ipv4Address::broadcast(),
                               std::uint32_t interface = 7) {
        RxDatagram datagram;
        datagram.service = UdpService::dhcp;
        datagram.interface = interface;
        datagram.source = {Ipv4Address{}, 68};
        datagram.local = local;
        datagram.payload = payload;
        server.receive(datagram, now, out);
        return collect();
    }
    std::vector<Reply> receive(const ClientMessage& message,
                               const IpAddress& local = Ipv4Address::broadcast()) {
        return receive(message.bytes(), local);
    }
    /// Answers every commit that control was asked for; returns the acknowledgements.
    std::vector<Reply> commit(bool durable = true) {
        std::vector<Reply> replies;
        for (const LeaseCommit& commit : std::exchange(commits, {})) {
            if (durable) {
                stored.push_back(commit.lease);
            }
            if (commit.request.generation != 0) {
                server.on_lease_committed({commit.request, durable}, now, out);
                for (Reply& reply : collect()) {
                    replies.push_back(std::move(reply));
                }
            }
        }
        return replies;
    }
    /// DISCOVER, OFFER, REQUEST, ACK; returns the ACK.
    Reply lease(ClientMessage discover) {
        auto offers = receive(discover);
        if (offers.size() != 1) {
            throw std::runtime_error("no offer");
        }
        discover.options[0].second = octets({3});
        discover.with(DhcpOptionCode::server_identifier,
                      offers[0].message->address(DhcpOptionCode::server_identifier).value());
        discover.with(DhcpOptionCode::requested_address, offers[0].yiaddr());
        auto acks = receive(discover);
        if (acks.empty()) {
            acks = commit();
        }
        if (acks.size() != 1 || acks[0].type() != DhcpMessageType::ack) {
            throw std::runtime_error("no acknowledgement");
        }
        return std::move(acks[0]);
    }
    Reply lease(std::uint32_t machine) {
        return lease(ClientMessage{DhcpMessageType::discover, machine_mac(machine)});
    }
    [[nodiscard]] std::uint64_t drops(DhcpDrop reason) const {
        return server.metrics().drops.read(reason);
    }

    std::vector<Reply> collect() {
        std::vector<Reply> replies;
        for (const TxDatagram& datagram : out.datagrams) {
            Reply reply;
            reply.datagram = datagram;
            reply.source = {datagram.source, 67};
            reply.destination = datagram.destination;
            const Bytes payload = out.payload(datagram);
            reply.bytes = datagram.link ? open_packet(payload, reply)
                                        : std::vector<std::byte>{payload.begin(), payload.end()};
            reply.message = std::make_unique<DhcpMessage>();
            const auto read = read_dhcp_message(reply.bytes, *reply.message);
            if (!read && read.error() != DhcpError::missing_message_type) { // BOOTP's have none
                throw std::runtime_error("a reply that no client could read");
            }
            replies.push_back(std::move(reply));
        }
        for (WorkerMessage& message : out.messages) {
            if (const auto* commit = std::get_if<LeaseCommit>(&message)) {
                commits.push_back(*commit);
            } else if (const auto* machine = std::get_if<MachineSeen>(&message)) {
                seen.push_back(*machine);
            } else if (const auto* dry_pools = std::get_if<PoolsDry>(&message)) {
                dry.push_back(*dry_pools);
            } else if (const auto* conflict = std::get_if<AddressConflict>(&message)) {
                conflicts.push_back(*conflict);
            }
        }
        out.clear();
        return replies;
    }

    Now now{Instant{} + 1h, UnixTime{1'700'000'000'000}};
    Snapshot snapshot;
    Outbox out;
    DhcpServer server;
    std::vector<LeaseCommit> commits; ///< asked for and not yet answered
    std::vector<LeaseRecord> stored;  ///< durable, in order
    std::vector<MachineSeen> seen;
    std::vector<PoolsDry> dry;
    std::vector<AddressConflict> conflicts;
};

} // namespace muster::test
