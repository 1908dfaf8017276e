// SPDX-License-Identifier: Apache-2.0
// Where replies go, and which subnet a client is on.
#include "net/dhcp/reply_path.hh"

#include "net/dhcp/subnet_index.hh"

#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

using Way = ReplyPath::Way;
using enum DhcpMessageType;

// giaddr × ciaddr × broadcast flag × kind of reply, the whole matrix of RFC 2131 section 4.1.
TEST(ReplyPath, FollowsTheMatrixOfAddressing) {
    for (unsigned bits = 0; bits < 16; ++bits) {
        const bool relayed = (bits & 1U) != 0;
        const bool has_address = (bits & 2U) != 0;
        const bool flag = (bits & 4U) != 0;
        const bool nak_ = (bits & 8U) != 0;
        DhcpHeader request;
        request.set_mac(machine_mac(5));
        request.giaddr = relayed ? ip("10.9.0.1") : Ipv4Address{};
        request.ciaddr = has_address ? ip("10.0.0.9") : Ipv4Address{};
        request.flags = flag ? dhcp_broadcast_flag : std::uint16_t{0};
        const ReplyPath path = choose_reply_path(request, nak_ ? nak : ack, ip("10.0.0.5"),
                                                 {.interface = 3, .source = ip("10.0.0.1")});
        SCOPED_TRACE(bits);
        EXPECT_EQ(path.interface, 3U);
        EXPECT_EQ(path.source, ip("10.0.0.1"));
        if (relayed) {
            EXPECT_EQ(path.way, Way::relay);
            EXPECT_EQ(path.destination, ip("10.9.0.1"));
            EXPECT_EQ(path.port, 67);
            continue;
        }
        EXPECT_EQ(path.port, 68);
        if (nak_ || (flag && !has_address)) {
            EXPECT_EQ(path.way, Way::broadcast);
            EXPECT_EQ(path.destination, Ipv4Address::broadcast());
        } else if (has_address) {
            EXPECT_EQ(path.way, Way::unicast);
            EXPECT_EQ(path.destination, ip("10.0.0.9"));
        } else {
            EXPECT_EQ(path.way, Way::link);
            EXPECT_EQ(path.destination, ip("10.0.0.5"));
            EXPECT_EQ(path.link_destination, machine_mac(5));
        }
    }
}

TEST(ReplyPath, ALinkReplyIsAWholePacketFromPort67) {
    Outbox out;
    const auto message = octets({1, 2, 3});
    send_reply({.way = Way::link,
                .destination = ip("10.0.0.5"),
                .source = ip("10.0.0.1"),
                .link_destination = machine_mac(5),
                .interface = 3},
               message, 9, out);
    ASSERT_EQ(out.datagrams.size(), 1U);
    const TxDatagram& datagram = out.datagrams[0];
    EXPECT_TRUE(datagram.link);
    EXPECT_EQ(datagram.link_destination, machine_mac(5));
    EXPECT_EQ(datagram.interface, 3U);
    Reply reply;
    EXPECT_EQ(open_packet(out.payload(datagram), reply), message);
    EXPECT_EQ(reply.source, (Endpoint{ip("10.0.0.1"), 67}));
    EXPECT_EQ(reply.destination, (Endpoint{ip("10.0.0.5"), 68}));
}

class SubnetIndexTest : public testing::Test {
protected:
    SubnetIndexTest() {
        SubnetPlan near;
        near.subnet = read_subnet("10.0.0.0/24").value();
        SubnetPlan far;
        far.subnet = read_subnet("10.9.0.0/16").value();
        SubnetPlan odd; // its relay's address lies elsewhere
        odd.subnet = read_subnet("192.0.2.0/24").value();
        odd.relays = {ip("172.16.0.1"), ip("172.16.0.9")};
        odd.interface = "rack9";
        const std::vector plans{near, far, odd};
        index = SubnetIndex{plans};
        interface.address = ip("10.0.0.1");
    }
    int of(ClientMessage message, bool broadcast = true) {
        const auto bytes = message.bytes();
        DhcpMessage read;
        EXPECT_TRUE(read_dhcp_message(bytes, read).has_value());
        const SubnetId id = index.of(read, interface, broadcast);
        return id == SubnetId::none ? -1 : static_cast<int>(id);
    }
    static ClientMessage from(std::string_view giaddr, std::string_view ciaddr = "0.0.0.0") {
        ClientMessage made{DhcpMessageType::request, machine_mac(1)};
        made.header.giaddr = ip(giaddr);
        made.header.ciaddr = ip(ciaddr);
        return made;
    }

    SubnetIndex index;
    InterfaceInfo interface;
};

TEST_F(SubnetIndexTest, ChoosesByRelayThenByClientThenByInterface) {
    EXPECT_EQ(of(from("0.0.0.0")), 0);
    EXPECT_EQ(of(from("10.9.3.1")), 1);
    EXPECT_EQ(of(from("172.16.0.1")), 2) << "configured";
    EXPECT_EQ(of(from("172.16.0.9")), 2) << "its second relay";
    EXPECT_EQ(of(from("172.16.0.2")), -1);
    EXPECT_EQ(of(from("0.0.0.0", "10.9.0.77"), false), 1) << "renewing through a router";
    EXPECT_EQ(of(from("0.0.0.0", "10.9.0.77"), true), 0) << "a broadcast comes from this link";
    EXPECT_EQ(of(from("0.0.0.0", "198.51.100.1"), false), 0);
}

TEST_F(SubnetIndexTest, AnInterfaceCanBeGivenASubnetByName) {
    interface.name = "rack9";
    EXPECT_EQ(of(from("0.0.0.0")), 2) << "although its address lies in another one";
    EXPECT_EQ(of(from("10.9.3.1")), 1);
}

TEST_F(SubnetIndexTest, ALinkIsNamedByItsFirstSubnet) {
    std::vector<SubnetPlan> plans(4);
    plans[1].shared_network = plans[3].shared_network = "hall";
    const SubnetIndex shared{plans};
    EXPECT_EQ(shared.link(SubnetId{0}), LinkId{0});
    EXPECT_EQ(shared.link(SubnetId{1}), LinkId{1});
    EXPECT_EQ(shared.link(SubnetId{2}), LinkId{2});
    EXPECT_EQ(shared.link(SubnetId{3}), LinkId{1});
    EXPECT_EQ(shared.link(SubnetId::none), LinkId::none);
}

// RFC 3527: the relay names the link, whatever its own address.
TEST_F(SubnetIndexTest, HonoursLinkSelection) {
    EXPECT_EQ(of(from("172.16.0.1")
                     .with(DhcpOptionCode::relay_agent_information, octets({5, 4, 10, 9, 0, 0}))),
              1);
    EXPECT_EQ(
        of(from("10.9.0.1")
               .with(DhcpOptionCode::relay_agent_information, octets({5, 4, 203, 0, 113, 0}))),
        -1);
    EXPECT_EQ(of(from("10.9.0.1")
                     .with(DhcpOptionCode::relay_agent_information, octets({5, 3, 10, 0, 0}))),
              1)
        << "of a wrong length: as if absent";
}

TEST_F(SubnetIndexTest, FindsTheEdgesOfSubnets) {
    EXPECT_EQ(index.containing(ip("10.0.0.0")), SubnetId{0});
    EXPECT_EQ(index.containing(ip("10.0.0.255")), SubnetId{0});
    EXPECT_EQ(index.containing(ip("10.0.1.0")), SubnetId::none);
    EXPECT_EQ(index.containing(ip("9.255.255.255")), SubnetId::none);
    EXPECT_EQ(index.containing(ip("10.9.255.255")), SubnetId{1});
    EXPECT_EQ(SubnetIndex{}.containing(ip("10.0.0.0")), SubnetId::none);
}

} // namespace
} // namespace muster::test
