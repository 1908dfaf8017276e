// SPDX-License-Identifier: Apache-2.0
// A DHCPv6 server with a site, an outbox and a clock, and messages made for it by name. For tests:
// what goes wrong here throws or fails the test.
#pragma once

#include "core/base/byte_reader.hh"
#include "net/dhcp6/dhcp6_server.hh"

#include "tests/support/dhcp_rig.hh"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace muster::test {

inline Ipv6Address ip6(std::string_view text) {
    return read_ipv6_address(text).value();
}

inline Ipv6Address link_local_of(const MacAddress& mac) {
    const auto& o = mac.octets;
    return {{0xFE, 0x80, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(o[0] ^ 2U), o[1], o[2], 0xFF,
             0xFE, o[3], o[4], o[5]}};
}

using OptionBytes = std::vector<std::byte>;

inline OptionBytes operator+(OptionBytes a, const OptionBytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

inline OptionBytes u16_octets(std::size_t n) {
    return octets({static_cast<unsigned>(n) >> 8U & 0xFFU, static_cast<unsigned>(n) & 0xFFU});
}
inline OptionBytes u32_octets(std::uint32_t n) {
    return u16_octets(n >> 16U) + u16_octets(n & 0xFFFFU);
}
inline OptionBytes address6_octets(const Ipv6Address& address) {
    OptionBytes bytes;
    for (const std::uint8_t octet : address.octets) {
        bytes.push_back(static_cast<std::byte>(octet));
    }
    return bytes;
}
inline OptionBytes option6(Dhcp6OptionCode code, const OptionBytes& value) {
    return u16_octets(static_cast<std::size_t>(code)) + u16_octets(value.size()) + value;
}
inline OptionBytes mac_octets(const MacAddress& mac) {
    OptionBytes bytes;
    for (const std::uint8_t octet : mac.octets) {
        bytes.push_back(static_cast<std::byte>(octet));
    }
    return bytes;
}
inline OptionBytes duid_ll(const MacAddress& mac) {
    return octets({0, 3, 0, 1}) + mac_octets(mac);
}
inline OptionBytes duid_uuid(unsigned last) {
    return octets({0, 4}) + OptionBytes(15, std::byte{0x79}) + octets({last});
}
inline OptionBytes class_texts(std::string_view text) {
    return u16_octets(text.size()) + text_octets(text);
}

/// A message under construction: options in the order given.
class Client6Message {
public:
    Client6Message(Dhcp6MessageType type, OptionBytes duid, std::uint32_t xid = 0x123456)
        : type_(type), xid_(xid) {
        with(Dhcp6OptionCode::client_id, duid);
    }
    Client6Message(Dhcp6MessageType type, const MacAddress& mac)
        : Client6Message(type, duid_ll(mac)) {}
    static Client6Message bare(Dhcp6MessageType type) {
        Client6Message message{type, octets({0, 3, 0, 1})};
        message.options_.clear();
        return message;
    }

    Client6Message& with(Dhcp6OptionCode code, const OptionBytes& value) {
        options_ = std::move(options_) + option6(code, value);
        return *this;
    }
    Client6Message& ia(std::uint32_t iaid, const std::vector<Ipv6Address>& addresses = {}) {
        OptionBytes value = u32_octets(iaid) + u32_octets(0) + u32_octets(0);
        for (const Ipv6Address& address : addresses) {
            value = std::move(value) +
                    option6(Dhcp6OptionCode::ia_address,
                            address6_octets(address) + u32_octets(0) + u32_octets(0));
        }
        return with(Dhcp6OptionCode::ia_na, value);
    }
    Client6Message& to(Bytes server) {
        return with(Dhcp6OptionCode::server_id, {server.begin(), server.end()});
    }
    Client6Message& asks(std::initializer_list<unsigned> codes) {
        OptionBytes value;
        for (const unsigned code : codes) {
            value = std::move(value) + u16_octets(code);
        }
        return with(Dhcp6OptionCode::option_request, value);
    }
    /// As EDK2 shows itself: 61, 62 and 16.
    Client6Message& boots(unsigned arch, std::string_view name = "PXEClient") {
        const std::string digits = std::to_string(arch);
        asks({59, 60, 23, 16});
        with(Dhcp6OptionCode::client_interface, octets({1, 3, 0}));
        with(Dhcp6OptionCode::client_arch, u16_octets(arch));
        return with(Dhcp6OptionCode::vendor_class,
                    u32_octets(343) + class_texts(std::string{name} +
                                                  ":Arch:" + std::string(5 - digits.size(), '0') +
                                                  digits + ":UNDI:003000"));
    }
    Client6Message& ipxe(unsigned arch = 7) {
        boots(arch);
        return with(Dhcp6OptionCode::user_class, class_texts("iPXE"));
    }

    [[nodiscard]] std::vector<std::byte> bytes() const {
        return u32_octets(static_cast<std::uint32_t>(type_) << 24U | xid_) + options_;
    }

private:
    Dhcp6MessageType type_;
    std::uint32_t xid_;
    OptionBytes options_;
};

/// `inner` as a relay forwards it, with more of its own options.
inline std::vector<std::byte> relayed(const std::vector<std::byte>& inner, const Ipv6Address& link,
                                      const Ipv6Address& peer, const OptionBytes& own = {},
                                      unsigned hops = 0) {
    return octets({12, hops}) + address6_octets(link) + address6_octets(peer) + own +
           option6(Dhcp6OptionCode::relay_message, inner);
}

/// The options of a message or of one of its options, in order.
inline std::vector<std::pair<unsigned, OptionBytes>> read_options6(Bytes bytes) {
    std::vector<std::pair<unsigned, OptionBytes>> all;
    for (ByteReader reader{bytes}; !reader.empty();) {
        const unsigned code = reader.u16().value();
        const Bytes value = reader.take(reader.u16().value()).value();
        all.emplace_back(code, OptionBytes{value.begin(), value.end()});
    }
    return all;
}

/// A reply as it left: the effect, and the message read back.
struct Reply6 {
    TxDatagram datagram;
    OptionBytes bytes;
    Dhcp6MessageType type{};
    std::uint32_t xid = 0;
    std::vector<std::pair<unsigned, OptionBytes>> options;

    [[nodiscard]] std::optional<OptionBytes> find(Dhcp6OptionCode code) const {
        for (const auto& [number, value] : options) {
            if (number == static_cast<unsigned>(code)) {
                return value;
            }
        }
        return std::nullopt;
    }
    [[nodiscard]] bool has(Dhcp6OptionCode code) const { return find(code).has_value(); }
    [[nodiscard]] std::string text(Dhcp6OptionCode code) const {
        const auto value = find(code);
        return value ? std::string{as_text(*value)} : std::string{"(absent)"};
    }

    struct Ia {
        std::uint32_t iaid = 0, t1 = 0, t2 = 0;
        struct Address {
            Ipv6Address address;
            std::uint32_t preferred = 0, valid = 0;
        };
        std::vector<Address> addresses;
        std::optional<unsigned> status;
    };
    [[nodiscard]] std::vector<Ia> associations() const {
        std::vector<Ia> all;
        for (const auto& [number, value] : options) {
            if (number != static_cast<unsigned>(Dhcp6OptionCode::ia_na)) {
                continue;
            }
            Ia ia;
            ByteReader reader{value};
            ia.iaid = reader.u32().value();
            ia.t1 = reader.u32().value();
            ia.t2 = reader.u32().value();
            for (const auto& [code, inner] : read_options6(reader.rest())) {
                ByteReader fields{inner};
                if (code == static_cast<unsigned>(Dhcp6OptionCode::ia_address)) {
                    Ia::Address address;
                    address.address = Ipv6Address{fields.octets<16>().value()};
                    address.preferred = fields.u32().value();
                    address.valid = fields.u32().value();
                    ia.addresses.push_back(address);
                } else if (code == static_cast<unsigned>(Dhcp6OptionCode::status_code)) {
                    ia.status = fields.u16().value();
                }
            }
            all.push_back(ia);
        }
        return all;
    }
    [[nodiscard]] std::string address() const {
        const auto all = associations();
        return all.empty() || all[0].addresses.empty() ? std::string{"(none)"}
                                                       : to_text(all[0].addresses[0].address);
    }
    [[nodiscard]] std::uint32_t valid() const { return associations().at(0).addresses.at(0).valid; }
    /// Of the message; nullopt: it holds none.
    [[nodiscard]] std::optional<unsigned> status() const {
        const auto value = find(Dhcp6OptionCode::status_code);
        return value ? std::optional<unsigned>{ByteReader{*value}.u16().value()} : std::nullopt;
    }
};

/// The server on interface 7 (fd00:79::1/64), pool fd00:79::100-1ff, unknown machines installed.
class Dhcp6Rig {
public:
    explicit Dhcp6Rig(DhcpLimits limits = {.leases_max = 1024, .commits_max = 64})
        : server(limits) {
        InterfaceInfo interface;
        interface.index = 7;
        interface.name = "rack0";
        interface.mac = {{2, 0, 0, 0, 0, 7}};
        interface.address = ip("10.79.0.1");
        interface.link_local = ip6("fe80::7");
        interface.addresses6 = {ip6("fd00:79::1")};
        const std::vector interfaces{interface};
        server.on_interfaces(interfaces);
        Subnet6Plan subnet;
        subnet.subnet = read_subnet6("fd00:79::/64").value();
        subnet.pools.push_back({.range = read_range6("fd00:79::100-fd00:79::1ff").value()});
        subnet.domain = "rack.example";
        snapshot.dhcp.subnets6 = {subnet};
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
    std::vector<Reply6> receive(const std::vector<std::byte>& payload,
                                const Ipv6Address& source = link_local_of(machine_mac(1)),
                                const Ipv6Address& local = ip6("ff02::1:2"),
                                std::uint32_t interface = 7) {
        RxDatagram datagram;
        datagram.service = UdpService::dhcp6;
        datagram.interface = interface;
        datagram.source = {source, 546};
        datagram.local = local;
        datagram.payload = payload;
        server.receive(datagram, now, out);
        return collect();
    }
    /// Hands a datagram to the intake; what becomes of it comes with turn().
    void take(const std::vector<std::byte>& payload, const Ipv6Address& source) {
        RxDatagram datagram;
        datagram.service = UdpService::dhcp6;
        datagram.interface = 7;
        datagram.source = {source, 546};
        datagram.local = ip6("ff02::1:2");
        datagram.payload = payload;
        server.take(datagram, now, out);
    }
    std::vector<Reply6> turn() {
        server.expire(now, out);
        return collect();
    }
    std::vector<Reply6> receive(const Client6Message& message,
                                const Ipv6Address& source = link_local_of(machine_mac(1))) {
        return receive(message.bytes(), source);
    }
    /// The one reply, at once or after its commit.
    Reply6 answer(const Client6Message& message,
                  const Ipv6Address& source = link_local_of(machine_mac(1))) {
        auto replies = receive(message, source);
        if (replies.empty()) {
            replies = commit();
        }
        if (replies.size() != 1) {
            throw std::runtime_error("not one reply");
        }
        return std::move(replies[0]);
    }
    /// Answers every commit that control was asked for; returns the replies.
    std::vector<Reply6> commit(bool durable = true) {
        std::vector<Reply6> replies;
        for (const Lease6Commit& commit : std::exchange(commits, {})) {
            if (durable) {
                stored.push_back(commit.lease);
            }
            if (commit.request.generation != 0) {
                server.on_lease_committed({commit.request, durable, true}, now, out);
                for (Reply6& reply : collect()) {
                    replies.push_back(std::move(reply));
                }
            }
        }
        return replies;
    }
    /// SOLICIT, ADVERTISE, REQUEST, REPLY of machine n with this DUID and IAID; the address.
    std::string lease(std::uint32_t n, const OptionBytes& duid, std::uint32_t iaid) {
        const Ipv6Address source = link_local_of(machine_mac(n));
        const Reply6 offer =
            answer(Client6Message{Dhcp6MessageType::solicit, duid}.ia(iaid), source);
        Client6Message request{Dhcp6MessageType::request, duid};
        request.to(server.server_id()).ia(iaid, {ip6(offer.address())});
        return answer(request, source).address();
    }
    std::string lease(std::uint32_t n) { return lease(n, duid_ll(machine_mac(n)), n); }

    [[nodiscard]] std::uint64_t drops(Dhcp6Drop reason) const {
        return server.metrics().drops.read(reason);
    }

    std::vector<Reply6> collect() {
        std::vector<Reply6> replies;
        for (const TxDatagram& datagram : out.datagrams) {
            Reply6 reply;
            reply.datagram = datagram;
            const Bytes payload = out.payload(datagram);
            reply.bytes = {payload.begin(), payload.end()};
            Bytes rest = reply.bytes;
            while (rest[0] == std::byte{13}) { // as the relays unwrap it
                Bytes inner;
                for (ByteReader reader{rest.subspan(34)}; !reader.empty();) {
                    const unsigned code = reader.u16().value();
                    const Bytes value = reader.take(reader.u16().value()).value();
                    inner = code == 9 ? value : inner;
                }
                rest = inner;
            }
            ByteReader reader{rest};
            const std::uint32_t head = reader.u32().value();
            reply.type = static_cast<Dhcp6MessageType>(head >> 24U);
            reply.xid = head & 0xFFFFFFU;
            reply.options = read_options6(reader.rest());
            replies.push_back(std::move(reply));
        }
        for (WorkerMessage& message : out.messages) {
            if (const auto* commit = std::get_if<Lease6Commit>(&message)) {
                commits.push_back(*commit);
            } else if (const auto* machine = std::get_if<MachineSeen>(&message)) {
                seen.push_back(*machine);
            } else if (const auto* dry_pools = std::get_if<PoolsDry>(&message)) {
                dry.push_back(*dry_pools);
            }
        }
        out.clear();
        return replies;
    }

    Now now{Instant{} + 1h, UnixTime{1'700'000'000'000}};
    Snapshot snapshot;
    Outbox out;
    Dhcp6Server server;
    std::vector<Lease6Commit> commits; ///< asked for and not yet answered
    std::vector<Lease6Record> stored;  ///< durable, in order
    std::vector<MachineSeen> seen;
    std::vector<PoolsDry> dry;
};

} // namespace muster::test
