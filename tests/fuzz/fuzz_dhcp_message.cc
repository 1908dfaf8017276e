// SPDX-License-Identifier: Apache-2.0
// Question: does any datagram break the DHCP codec or the server behind it?
// Method: read; if accepted, write what was read, read again, compare; then hand the datagram to a
// fresh server, commit what it asks for, and read every reply back. Sanitizers watch. The corpus
// holds an input of the name of every DhcpError, and one per client and per kind of message.
#include "tests/support/dhcp_rig.hh"

#include <algorithm>
#include <cstdlib>

namespace {

using namespace muster;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void check_round_trip(Bytes datagram) {
    DhcpMessage message;
    if (!read_dhcp_message(datagram, message)) {
        return;
    }
    std::vector<std::byte> buffer(3 * dhcp_datagram_size_max);
    DhcpWriter writer{buffer, message.header, buffer.size()};
    for (unsigned code = 1; code < 255; ++code) {
        const auto option = static_cast<DhcpOptionCode>(code);
        auto value = message.find(option);
        if (!value || option == DhcpOptionCode::overload) {
            continue;
        }
        do { // RFC 3396 section 6: long values in parts
            const Bytes part = value->first(std::min<std::size_t>(value->size(), 255));
            require(writer.option(option, part));
            value = value->subspan(part.size());
        } while (!value->empty());
    }
    const std::size_t size = writer.finish();
    DhcpMessage again;
    const Bytes written = Bytes{buffer}.first(size);
    if (written.size() > dhcp_datagram_size_max) {
        return; // options out of `file` and `sname` made it longer than any datagram
    }
    require(read_dhcp_message(written, again).has_value());
    require(again.type == message.type && again.header.xid == message.header.xid &&
            again.header.chaddr == message.header.chaddr &&
            again.header.giaddr == message.header.giaddr &&
            // Written, a name always has its NUL, so a field without one loses an octet.
            again.header.file == message.header.file.substr(0, 127) &&
            again.header.sname == message.header.sname.substr(0, 63));
    for (unsigned code = 1; code < 255; ++code) {
        const auto option = static_cast<DhcpOptionCode>(code);
        if (option == DhcpOptionCode::overload) {
            continue;
        }
        const auto before = message.find(option);
        const auto after = again.find(option);
        require(before.has_value() == after.has_value());
        require(!before || std::ranges::equal(*before, *after));
    }
}

/// A site in which every rule about clients has something to say.
void complicate(test::DhcpRig& rig) {
    DhcpPlan& plan = rig.snapshot.dhcp;
    SubnetPlan far;
    far.subnet = read_subnet("10.80.0.0/24").value();
    far.pools = {read_address_range("10.80.0.10-10.80.0.12").value()};
    far.pools[0].bootp = true;
    far.relays = {test::ip("10.9.0.1")};
    far.shared_network = plan.subnets[0].shared_network = "all";
    far.options.set(119, std::vector(700, std::byte{'x'}));
    far.options.set(67, test::text_octets("file"), true);
    plan.subnets.push_back(far);
    ClientClass some;
    some.vendor_classes = {"*:*UNDI*"};
    some.user_classes = {"i*", "*"};
    some.options.set(3, {});
    plan.classes = {some};
    plan.subnets[0].pools[0].classes = 1;
    rig.publish();
    NodeBoot node;
    node.alias = NodeAlias::of_port("a/7", "").key();
    node.reserved = test::ip("10.80.0.99");
    rig.server.on_node_boot(node);
}

/// Through the queue, from a copy that is gone by the time of its turn.
void take(test::DhcpRig& rig, Bytes datagram) {
    std::vector<std::byte> copy{datagram.begin(), datagram.end()};
    RxDatagram rx{.service = UdpService::dhcp,
                  .interface = 7,
                  .source = {Ipv4Address{}, 68},
                  .local = Ipv4Address::broadcast()};
    rx.payload = copy;
    rig.server.take(rx, rig.now, rig.out);
    std::fill(copy.begin(), copy.end(), std::byte{0xA5});
    rig.server.expire(rig.now, rig.out);
    (void)rig.collect();
    require(rig.server.metrics().waiting.read() == 0);
}

/// The datagram is answered, changes a lease, or is counted by a reason; nothing else.
void check_accounting(const DhcpMetrics& metrics) {
    const std::uint64_t refused = metrics.errors.sum() + metrics.drops.sum();
    const bool settles = metrics.received.read(DhcpMessageType::release) +
                             metrics.received.read(DhcpMessageType::decline) >
                         0;
    require(settles ? metrics.sent.sum() == 0 && refused <= 1 : metrics.sent.sum() + refused == 1);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes datagram{reinterpret_cast<const std::byte*>(data), size};
    check_round_trip(datagram);
    constexpr DhcpIntakeLimits small{.waiting_max = 2, .machines = 4, .ports = 4};
    test::DhcpRig rig{{.intake = small, .leases_max = 8, .commits_max = 2, .nodes_expected = 1}};
    take(rig, datagram);
    (void)rig.commit();
    check_accounting(rig.server.metrics());
    rig.advance(std::chrono::hours{2});
    test::DhcpRig other{{.intake = small, .leases_max = 8, .commits_max = 2, .nodes_expected = 1}};
    complicate(other);
    (void)other.receive({datagram.begin(), datagram.end()});
    (void)other.commit();
    check_accounting(other.server.metrics());
    return 0;
}
