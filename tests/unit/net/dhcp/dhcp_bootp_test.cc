// SPDX-License-Identifier: Apache-2.0
// Clients that know nothing of DHCP: no option 53, one message each way (RFC 951, RFC 1534).
#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

ClientMessage bootp(std::uint32_t machine) {
    ClientMessage made{DhcpMessageType::discover, machine_mac(machine)};
    made.options.clear();
    return made;
}

class DhcpBootpTest : public testing::Test {
protected:
    DhcpBootpTest() {
        PoolPlan pool{read_address_range("10.79.0.40-10.79.0.41").value()};
        pool.bootp = true;
        rig.snapshot.dhcp.subnets[0].pools.push_back(pool);
        rig.snapshot.dhcp.subnets[0].domain = "rack.example";
        rig.publish();
    }
    std::optional<Reply> ask(const ClientMessage& message) {
        auto replies = rig.receive(message);
        if (replies.empty()) {
            replies = rig.commit();
        }
        return replies.empty() ? std::nullopt : std::optional{std::move(replies[0])};
    }
    DhcpRig rig;
};

TEST_F(DhcpBootpTest, GetsAnAddressForGoodFromAPoolThatAllowsIt) {
    const auto reply = ask(bootp(1));
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->yiaddr(), ip("10.79.0.40"));
    EXPECT_EQ(reply->bytes.size(), 300U);
    for (const auto code : {DhcpOptionCode::message_type, DhcpOptionCode::server_identifier,
                            DhcpOptionCode::address_lease_time, DhcpOptionCode::renewal_time}) {
        EXPECT_FALSE(reply->has(code)) << "RFC 1534 section 2";
    }
    EXPECT_EQ(reply->message->address(DhcpOptionCode::subnet_mask), ip("255.255.255.0"));
    EXPECT_EQ(reply->message->address(DhcpOptionCode::router), ip("10.79.0.254"));
    EXPECT_EQ(reply->text(DhcpOptionCode::domain_name), "rack.example");
    EXPECT_EQ(reply->message->header.siaddr, ip("10.79.0.1"));
    ASSERT_EQ(rig.stored.size(), 1U) << "durable before it is told";
    EXPECT_EQ(rig.stored[0].expires, rig.now.wall + std::chrono::hours{24 * 365});
    rig.advance(48h);
    EXPECT_EQ(ask(bootp(1))->yiaddr(), ip("10.79.0.40")) << "at its next start";
    EXPECT_EQ(rig.stored.size(), 1U) << "nothing new to store";
    EXPECT_EQ(rig.server.metrics().received.read(DhcpMessageType{}), 2U);
    EXPECT_EQ(rig.server.metrics().sent.read(DhcpMessageType{}), 2U);
}

TEST_F(DhcpBootpTest, TakesNothingFromOtherPools) {
    EXPECT_TRUE(ask(bootp(1)).has_value());
    EXPECT_TRUE(ask(bootp(2)).has_value());
    EXPECT_FALSE(ask(bootp(3)).has_value());
    EXPECT_EQ(rig.drops(DhcpDrop::pool_exhausted), 1U);
    EXPECT_TRUE(rig.dry.empty()) << "other machines still get addresses";
    EXPECT_EQ(rig.lease(4).yiaddr(), ip("10.79.0.100"));
}

TEST_F(DhcpBootpTest, GetsItsReservation) {
    NodeBoot node;
    node.mac = machine_mac(1);
    node.reserved = ip("10.79.0.7");
    std::ranges::copy(std::string_view{"r1n01"}, node.name.begin());
    rig.server.on_node_boot(node);
    const auto reply = ask(bootp(1));
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->yiaddr(), ip("10.79.0.7"));
    EXPECT_EQ(reply->text(DhcpOptionCode::host_name), "r1n01");
}

TEST_F(DhcpBootpTest, ASiteCanNameItsFile) {
    rig.snapshot.dhcp.subnets[0].options.set(67, text_octets("switch.cfg"));
    rig.publish();
    EXPECT_EQ(ask(bootp(1))->message->header.file, "switch.cfg");
}

// RFC 1542 section 2.1: 64 bytes of vendor area, the cookie among them, whatever there is to say.
TEST_F(DhcpBootpTest, NeverGetsMoreThanTheVendorAreaHolds) {
    rig.snapshot.dhcp.subnets[0].domain = std::string(60, 'd');
    rig.snapshot.dhcp.subnets[0].dns = std::vector(10, ip("10.79.0.53"));
    rig.publish();
    const auto reply = ask(bootp(1));
    EXPECT_EQ(reply->bytes.size(), 300U);
    EXPECT_TRUE(reply->has(DhcpOptionCode::subnet_mask));
    EXPECT_FALSE(reply->has(DhcpOptionCode::domain_name));

    auto relayed = bootp(2);
    relayed.header.giaddr = ip("10.79.0.254");
    relayed.with(DhcpOptionCode::relay_agent_information, octets({1, 3, 'p', '/', '7'}));
    const auto through = ask(relayed);
    ASSERT_TRUE(through.has_value());
    EXPECT_LE(through->bytes.size(), 307U) << "the relay takes its seven bytes out again";
    EXPECT_TRUE(through->has(DhcpOptionCode::relay_agent_information));
    EXPECT_EQ(through->destination, (Endpoint{ip("10.79.0.254"), 67}));
}

} // namespace
} // namespace muster::test
