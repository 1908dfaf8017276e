// SPDX-License-Identifier: Apache-2.0
// Several subnets: behind relays, on interfaces, sharing one link; and pools for some of the
// clients there.
#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

using enum DhcpMessageType;

SubnetPlan plan(std::string_view subnet, std::string_view pool) {
    SubnetPlan made;
    made.subnet = read_subnet(subnet).value();
    made.pools = {read_address_range(pool).value()};
    return made;
}

ClientMessage relayed(std::uint32_t machine, std::string_view giaddr) {
    ClientMessage made{discover, machine_mac(machine)};
    made.header.giaddr = ip(giaddr);
    return made;
}

class DhcpLinksTest : public testing::Test {
protected:
    DhcpLinksTest() {
        SubnetPlan near = plan("10.80.0.0/24", "10.80.0.10-10.80.0.11");
        near.relays = {ip("172.16.0.1"), ip("172.16.0.2")};
        near.shared_network = "hall";
        near.router = ip("10.80.0.1");
        near.options.set(42, text_octets("near"));
        SubnetPlan wide = plan("10.81.0.0/24", "10.81.0.10-10.81.0.11");
        wide.shared_network = "hall";
        wide.router = ip("10.81.0.1");
        wide.options.set(42, text_octets("wide"));
        wide.lease = 2h;
        SubnetPlan far = plan("10.82.0.0/24", "10.82.0.10");
        auto& subnets = rig.snapshot.dhcp.subnets;
        subnets.insert(subnets.end(), {near, wide, far});
        rig.publish();
    }
    std::string offered(const ClientMessage& message) {
        const auto replies = rig.receive(message);
        return replies.empty() ? "-" : to_text(replies[0].yiaddr());
    }
    DhcpRig rig;
};

TEST_F(DhcpLinksTest, SubnetsThatShareALinkShareTheirPools) {
    EXPECT_EQ(to_text(rig.lease(relayed(1, "172.16.0.1")).yiaddr()), "10.80.0.10");
    EXPECT_EQ(to_text(rig.lease(relayed(2, "172.16.0.2")).yiaddr()), "10.80.0.11");
    auto asks = relayed(3, "172.16.0.1");
    const Reply third =
        rig.lease(asks.with(DhcpOptionCode::parameter_request_list, octets({1, 3, 42})));
    EXPECT_EQ(to_text(third.yiaddr()), "10.81.0.10");
    EXPECT_EQ(third.message->address(DhcpOptionCode::router), ip("10.81.0.1"))
        << "what goes with the address, not with the relay";
    EXPECT_EQ(third.text(static_cast<DhcpOptionCode>(42)), "wide");
    EXPECT_EQ(third.seconds(DhcpOptionCode::address_lease_time), 7200U);
    EXPECT_EQ(to_text(rig.lease(relayed(3, "10.81.0.1")).yiaddr()), "10.81.0.10")
        << "one machine, one lease on the whole link";
    EXPECT_EQ(offered(relayed(4, "10.80.0.1")), "10.81.0.11");
    EXPECT_EQ(offered(relayed(5, "172.16.0.1")), "-");
    EXPECT_EQ(offered(relayed(5, "10.82.0.1")), "10.82.0.10") << "another link";
}

TEST_F(DhcpLinksTest, AMachineExtendsItsLeaseWhereverOnTheLink) {
    (void)rig.lease(relayed(1, "172.16.0.1"));
    ClientMessage again{request, machine_mac(1)};
    again.header.giaddr = ip("10.81.0.1");
    again.with(DhcpOptionCode::requested_address, ip("10.80.0.10"));
    const auto replies = rig.receive(again);
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].type(), ack) << "RFC 2131 section 4.3.2: it is on the right network";
}

TEST_F(DhcpLinksTest, AReservationMayLieInAnySubnetOfTheLink) {
    NodeBoot node;
    node.mac = machine_mac(1);
    node.reserved = ip("10.81.0.200");
    rig.server.on_node_boot(node);
    EXPECT_EQ(offered(relayed(1, "172.16.0.1")), "10.81.0.200");
    EXPECT_EQ(offered(relayed(1, "10.82.0.1")), "10.82.0.10");
}

// RFC 3527 and RFC 5107 together, as relays with unnumbered interfaces send them.
TEST_F(DhcpLinksTest, LinkSelectionChoosesAndTheOverrideIsTheServer) {
    auto made = relayed(1, "192.0.2.1");
    made.with(DhcpOptionCode::relay_agent_information,
              octets({5, 4, 10, 82, 0, 0, 11, 4, 192, 0, 2, 9}));
    const Reply reply = rig.lease(made);
    EXPECT_EQ(to_text(reply.yiaddr()), "10.82.0.10");
    EXPECT_EQ(reply.message->address(DhcpOptionCode::server_identifier), ip("192.0.2.9"));
    EXPECT_EQ(reply.destination, (Endpoint{ip("192.0.2.1"), 67}));

    // It renews at what it takes for the server; the relay passes that on.
    ClientMessage renewal{request, machine_mac(1)};
    renewal.header.ciaddr = ip("10.82.0.10");
    renewal.header.giaddr = ip("192.0.2.1");
    renewal.with(DhcpOptionCode::server_identifier, ip("192.0.2.9"))
        .with(DhcpOptionCode::relay_agent_information,
              octets({5, 4, 10, 82, 0, 0, 11, 4, 192, 0, 2, 9}));
    const auto renewed = rig.receive(renewal);
    ASSERT_EQ(renewed.size(), 1U);
    EXPECT_EQ(renewed[0].type(), ack);
}

TEST_F(DhcpLinksTest, PoolsOfAClassAreForItsMembers) {
    ClientClass uefi;
    uefi.architectures = {7};
    rig.snapshot.dhcp.classes = {ClientClass{}, uefi};
    rig.snapshot.dhcp.classes[0].mac_prefixes = {{{{2, 2, 2, 0, 0, 0}}, 3}};
    auto& pools = rig.snapshot.dhcp.subnets[0].pools;
    pools = {read_address_range("10.79.0.50-10.79.0.51").value(),
             read_address_range("10.79.0.60").value()};
    pools[0].classes = 2;
    rig.publish();
    const auto rom = [](std::uint32_t machine) {
        return ClientMessage{discover, machine_mac(machine)}.pxe(7);
    };
    EXPECT_EQ(offered({discover, machine_mac(1)}), "10.79.0.60");
    EXPECT_EQ(offered({discover, machine_mac(2)}), "-") << "the rest is none of its business";
    EXPECT_EQ(offered(rom(3)), "10.79.0.50");
    EXPECT_EQ(to_text(rig.lease(rom(3)).yiaddr()), "10.79.0.50");
    EXPECT_EQ(to_text(rig.lease(ClientMessage{discover, machine_mac(3)}).yiaddr()), "10.79.0.50")
        << "its installer is in no class, and is the same machine";
    const auto wants = ClientMessage{discover, machine_mac(4)}.with(
        DhcpOptionCode::requested_address, ip("10.79.0.51"));
    EXPECT_EQ(offered(wants), "-");
    ClientMessage takes{request, machine_mac(4)};
    takes.with(DhcpOptionCode::server_identifier, ip("10.79.0.1"))
        .with(DhcpOptionCode::requested_address, ip("10.79.0.51"));
    const auto refused = rig.receive(takes);
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].type(), nak);
}

TEST_F(DhcpLinksTest, PoolsThatRunDryAreToldOnceUntilTheyAreNot) {
    EXPECT_EQ(offered(relayed(1, "10.82.0.1")), "10.82.0.10");
    EXPECT_TRUE(rig.dry.empty());
    for (std::uint32_t machine = 2; machine < 9; ++machine) {
        EXPECT_EQ(offered(relayed(machine, "10.82.0.1")), "-");
    }
    ASSERT_EQ(rig.dry.size(), 1U);
    EXPECT_EQ(rig.dry[0].mac, machine_mac(2));
    EXPECT_EQ(to_text(rig.dry[0].subnet), "10.82.0.0/24");
    EXPECT_EQ(rig.dry[0].addresses, 1U);
    EXPECT_EQ(rig.server.metrics().links_dry.read(), 1U);
    EXPECT_EQ(offered(relayed(1, "10.82.0.1")), "10.82.0.10");
    EXPECT_EQ(rig.server.metrics().links_dry.read(), 1U) << "it had that one before";
    rig.advance(61s);
    EXPECT_EQ(offered(relayed(2, "10.82.0.1")), "10.82.0.10");
    EXPECT_EQ(rig.server.metrics().links_dry.read(), 0U);
    EXPECT_EQ(offered(relayed(3, "10.82.0.1")), "-");
    EXPECT_EQ(rig.dry.size(), 1U) << "not more often than an eye can follow";
    rig.advance(10min);
    EXPECT_EQ(offered(relayed(4, "10.82.0.1")), "10.82.0.10");
    EXPECT_EQ(offered(relayed(5, "10.82.0.1")), "-");
    EXPECT_EQ(rig.dry.size(), 2U);
}

TEST_F(DhcpLinksTest, WhenControlHasNoRoomTheNextOneTellsIt) {
    EXPECT_EQ(offered(relayed(1, "10.82.0.1")), "10.82.0.10");
    rig.out.control_room = 0;
    EXPECT_EQ(offered(relayed(2, "10.82.0.1")), "-");
    rig.out.control_room = SIZE_MAX;
    EXPECT_TRUE(rig.dry.empty());
    EXPECT_EQ(offered(relayed(3, "10.82.0.1")), "-");
    EXPECT_EQ(rig.dry.size(), 1U);
}

} // namespace
} // namespace muster::test
