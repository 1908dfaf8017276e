// SPDX-License-Identifier: Apache-2.0
// The form of replies, seen from the client.
#include "tests/support/dhcp_replies.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster::test {
namespace {

using enum DhcpMessageType;

class DhcpReplyTest : public testing::Test {
protected:
    Reply offer(const ClientMessage& message) { return only_reply(rig, message); }
    DhcpRig rig;
};

ClientMessage discover_message() {
    return {discover, machine_mac(1)};
}

TEST_F(DhcpReplyTest, FollowsTheOrderAskedForAndPutsOption82Last) {
    rig.snapshot.dhcp.subnets[0].domain = "rack.example";
    rig.snapshot.dhcp.subnets[0].dns = {ip("10.79.0.53"), ip("10.79.0.54")};
    rig.publish();
    auto message = discover_message();
    message.header.giaddr = ip("10.79.0.254");
    message.with(DhcpOptionCode::relay_agent_information, octets({1, 3, 'a', '/', '7'}))
        .with(DhcpOptionCode::client_identifier, octets({1, 2, 3}))
        .with(DhcpOptionCode::parameter_request_list, octets({15, 28, 3, 1, 6, 28, 42}));
    const Reply reply = offer(message);
    EXPECT_EQ(order(reply), (Codes{53, 54, 51, 58, 59, 61, 15, 28, 3, 1, 6, 82}));
    EXPECT_EQ(reply.text(DhcpOptionCode::domain_name), "rack.example");
    EXPECT_EQ(reply.message->find(DhcpOptionCode::domain_name_server)->size(), 8U);
    EXPECT_EQ(reply.message->address(DhcpOptionCode::broadcast_address), ip("10.79.0.255"));
    EXPECT_EQ(reply.message->address(DhcpOptionCode::router), ip("10.79.0.254"));
    EXPECT_EQ(reply.seconds(DhcpOptionCode::address_lease_time), 3600U);
    EXPECT_EQ(reply.seconds(DhcpOptionCode::renewal_time), 1800U);
    EXPECT_EQ(reply.seconds(DhcpOptionCode::rebinding_time), 3150U);
    EXPECT_EQ(reply.destination, (Endpoint{ip("10.79.0.254"), 67}));
    EXPECT_EQ(reply.message->header.giaddr, ip("10.79.0.254"));
}

TEST_F(DhcpReplyTest, GivesAClientWithoutAListWhatAHostNeeds) {
    const Reply reply = offer(discover_message());
    EXPECT_EQ(order(reply), (Codes{53, 54, 51, 58, 59, 1, 3, 6, 28}));
    EXPECT_EQ(reply.message->address(DhcpOptionCode::domain_name_server), ip("10.79.0.1"))
        << "the site names no server: ours";
    EXPECT_EQ(reply.message->header.file, "");
    EXPECT_EQ(reply.message->header.ciaddr, Ipv4Address{});
}

// Every value of option 57 around the limits, and what each allows.
TEST_F(DhcpReplyTest, StaysWithinTheClientsSizeAndNeverAbove1472) {
    rig.snapshot.dhcp.subnets[0].domain = std::string(250, 'd');
    rig.snapshot.dhcp.subnets[0].dns = std::vector(16, ip("10.79.0.53"));
    rig.publish();
    for (const unsigned told : {0U, 300U, 575U, 576U, 577U, 700U, 1472U, 1500U, 1501U, 65280U}) {
        auto message = discover_message();
        message.with(DhcpOptionCode::maximum_message_size, octets({told >> 8U, told & 0xFFU}))
            .with(DhcpOptionCode::client_identifier, std::vector<std::byte>(255))
            .with(DhcpOptionCode::relay_agent_information, std::vector<std::byte>(200))
            .with(DhcpOptionCode::parameter_request_list, octets({1, 3, 6, 15, 28}));
        const Reply reply = offer(message);
        EXPECT_LE(reply.bytes.size(), std::min(std::max(told, 576U) - 28, 1472U)) << told;
        EXPECT_EQ(order(reply).back(), 82U) << told;
        EXPECT_TRUE(reply.has(DhcpOptionCode::address_lease_time));
        if (told >= 1472) {
            EXPECT_TRUE(reply.has(DhcpOptionCode::domain_name));
            EXPECT_TRUE(reply.has(DhcpOptionCode::client_identifier));
        }
    }
}

TEST_F(DhcpReplyTest, EchoesTheMachineIdentifierOnlyWhenItIsOne) {
    auto uuid = octets({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
    auto good = discover_message();
    EXPECT_TRUE(std::ranges::equal(offer(good.with(DhcpOptionCode::client_machine, uuid))
                                       .message->find(DhcpOptionCode::client_machine)
                                       .value(),
                                   uuid));
    uuid.pop_back();
    auto bad = discover_message();
    EXPECT_FALSE(
        offer(bad.with(DhcpOptionCode::client_machine, uuid)).has(DhcpOptionCode::client_machine));
}

TEST_F(DhcpReplyTest, BootOptionsGoToBootClientsOnly) {
    auto asks = discover_message();
    asks.with(DhcpOptionCode::parameter_request_list, octets({43, 60, 66, 67, 175}));
    const Reply system = offer(asks);
    EXPECT_EQ(order(system), (Codes{53, 54, 51, 58, 59, 1, 6}));
    auto rom = discover_message();
    const Reply bios = offer(rom.pxe(0));
    EXPECT_EQ(bios.message->header.file, "loaders/undionly.kpxe");
    EXPECT_EQ(bios.text(DhcpOptionCode::vendor_class), "PXEClient");
    auto unsupported = discover_message();
    const Reply arm = offer(unsupported.pxe(11));
    EXPECT_EQ(arm.message->header.file, "");
    EXPECT_FALSE(arm.has(DhcpOptionCode::vendor_class)) << "no PXE offer without a file";
    EXPECT_EQ(rig.server.metrics().boot_refusals.read(BootRefusal::unsupported_architecture), 1U);
}

TEST_F(DhcpReplyTest, IpxeIsToldNotToWaitForAProxyWhenItAsks) {
    const std::string no_proxy{"\xB0\x01\x01\xFF", 4};
    auto asks = discover_message();
    asks.with(DhcpOptionCode::user_class, "iPXE")
        .with(DhcpOptionCode::parameter_request_list, octets({1, 67, 175}));
    EXPECT_EQ(offer(asks).text(DhcpOptionCode::ipxe), no_proxy);
    auto does_not = discover_message();
    does_not.with(DhcpOptionCode::user_class, "iPXE")
        .with(DhcpOptionCode::parameter_request_list, octets({1, 67}));
    EXPECT_FALSE(offer(does_not).has(DhcpOptionCode::ipxe));
}

TEST_F(DhcpReplyTest, ANodeIsToldItsName) {
    NodeBoot node;
    node.mac = machine_mac(1);
    std::ranges::copy(std::string_view{"r1n01"}, node.name.begin());
    rig.server.on_node_boot(node);
    EXPECT_EQ(offer(discover_message()).text(DhcpOptionCode::host_name), "r1n01");
    node.name.fill('x'); // no NUL at all
    rig.server.on_node_boot(node);
    EXPECT_EQ(offer(discover_message()).text(DhcpOptionCode::host_name), std::string(64, 'x'));
}

TEST_F(DhcpReplyTest, TheSitesServerAddressAndPortAreWhatClientsAreTold) {
    rig.snapshot.dhcp.server_address = ip("10.79.0.2");
    rig.snapshot.dhcp.ports.http = 8080;
    rig.publish();
    auto message = discover_message();
    const Reply reply = offer(message.pxe(16, "HTTPClient"));
    EXPECT_EQ(reply.message->header.siaddr, ip("10.79.0.2"));
    EXPECT_EQ(reply.message->address(DhcpOptionCode::server_identifier), ip("10.79.0.2"));
    EXPECT_EQ(reply.message->header.file, "http://10.79.0.2:8080/loaders/snponly.efi");
    EXPECT_EQ(reply.text(DhcpOptionCode::tftp_server_name), (std::string{"10.79.0.2\0", 10}));
}

// RFC 5107: the relay stands in as the server, in option 54 and in what clients send back.
TEST_F(DhcpReplyTest, HonoursAServerIdentifierOverride) {
    auto message = discover_message();
    message.header.giaddr = ip("10.79.0.254");
    message.with(DhcpOptionCode::relay_agent_information, octets({11, 4, 10, 79, 0, 254}));
    EXPECT_EQ(rig.lease(message).message->address(DhcpOptionCode::server_identifier),
              ip("10.79.0.254"));
}

TEST_F(DhcpReplyTest, ANakSaysNoMoreThanWhoRefuses) {
    ClientMessage message{request, machine_mac(1)};
    message.header.giaddr = ip("10.79.0.254");
    message.with(DhcpOptionCode::requested_address, ip("192.0.2.1"))
        .with(DhcpOptionCode::client_identifier, octets({1, 2, 3}))
        .with(DhcpOptionCode::relay_agent_information, octets({1, 1, 9}));
    const Reply reply = offer(message);
    EXPECT_EQ(reply.type(), nak);
    EXPECT_EQ(order(reply), (Codes{53, 54, 61, 82}));
    EXPECT_EQ(reply.yiaddr(), Ipv4Address{});
    EXPECT_EQ(reply.message->header.siaddr, Ipv4Address{});
    EXPECT_EQ(reply.message->header.flags, dhcp_broadcast_flag)
        << "RFC 2131 section 4.3.2: the relay must broadcast it";
}

} // namespace
} // namespace muster::test
