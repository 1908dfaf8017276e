// SPDX-License-Identifier: Apache-2.0
// Question: does any datagram break the DHCPv6 codec or the server behind it?
// Method: hand the datagram to a fresh server that has leases, commit what it asks for, and read
// every reply back with a reader of its own; then once more, after time, to one with a site in
// which every rule has something to say. Every datagram is answered, waits for a commit, or is
// counted by one reason. Sanitizers watch. The corpus holds an input of the name of every
// Dhcp6Error, and one per kind of message.
#include "tests/support/dhcp6_rig.hh"

#include <algorithm>
#include <cstdlib>

namespace {

using namespace muster;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void complicate(test::Dhcp6Rig& rig) {
    DhcpPlan& plan = rig.snapshot.dhcp;
    Subnet6Plan far;
    far.subnet = read_subnet6("fd00:80::/64").value();
    far.pools.push_back({.range = read_range6("fd00:80::10-fd00:80::12").value()});
    far.relays = {test::ip6("fd00:9::1")};
    far.shared_network = plan.subnets6[0].shared_network = "all";
    plan.subnets6.push_back(far);
    ClientClass some;
    some.vendor_classes = {"*:*UNDI*"};
    some.user_classes = {"i*", "*"};
    plan.classes = {some};
    plan.subnets6[0].pools[0].classes = 1;
    rig.publish();
    NodeBoot node;
    node.alias = NodeAlias::of_port("a/7", "").key();
    node.reserved6 = test::ip6("fd00:80::99");
    rig.server.on_node_boot(node);
}

void check(test::Dhcp6Rig& rig, Bytes datagram) {
    const std::vector<std::byte> bytes{datagram.begin(), datagram.end()};
    const auto counted = [&rig] {
        const Dhcp6Metrics& metrics = rig.server.metrics();
        return metrics.errors.sum() + metrics.drops.sum() + metrics.sent.sum();
    };
    for (int times = 0; times < 2; ++times) {
        const std::uint64_t before = counted();
        std::size_t sent = rig.receive(bytes).size();
        sent += rig.commit().size();
        require(counted() == before + 1 && sent <= 1);
    }
    rig.advance(std::chrono::hours{3});
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes datagram{reinterpret_cast<const std::byte*>(data), size};
    test::Dhcp6Rig rig{{.leases_max = 8, .commits_max = 2, .nodes_expected = 1}};
    (void)rig.lease(1);
    (void)rig.lease(2);
    check(rig, datagram);
    test::Dhcp6Rig other{{.leases_max = 8, .commits_max = 2, .nodes_expected = 1}};
    complicate(other);
    check(other, datagram);
    return 0;
}
