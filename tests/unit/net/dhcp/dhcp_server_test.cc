// SPDX-License-Identifier: Apache-2.0
// Scripts of packets against the server, and a packet for every reason not to answer.
#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster::test {
namespace {

using enum DhcpMessageType;

ClientMessage message(DhcpMessageType type, std::uint32_t machine) {
    return {type, machine_mac(machine)};
}

ClientMessage selecting(std::uint32_t machine, std::string_view address,
                        std::string_view server = "10.79.0.1") {
    return message(request, machine)
        .with(DhcpOptionCode::server_identifier, ip(server))
        .with(DhcpOptionCode::requested_address, ip(address));
}

ClientMessage init_reboot(std::uint32_t machine, std::string_view address) {
    return message(request, machine).with(DhcpOptionCode::requested_address, ip(address));
}

ClientMessage extending(std::uint32_t machine, std::string_view address) {
    auto made = message(request, machine);
    made.header.ciaddr = ip(address);
    return made;
}

NodeBoot node(std::uint32_t machine, BootAction action, std::optional<Ipv4Address> reserved = {}) {
    NodeBoot made;
    made.mac = machine_mac(machine);
    made.action = action;
    made.reserved = reserved;
    return made;
}

class DhcpServerTest : public testing::Test {
protected:
    /// What a message is answered at once or after its commit: 'O', 'A', 'N' or '-'.
    char answer(const ClientMessage& made, const IpAddress& local = Ipv4Address::broadcast()) {
        auto replies = rig.receive(made, local);
        if (replies.empty()) {
            replies = rig.commit();
        }
        if (replies.empty()) {
            return '-';
        }
        const DhcpMessageType type = replies[0].type();
        return type == offer ? 'O' : type == ack ? 'A' : 'N';
    }
    DhcpRig rig;
    const IpAddress us = ip("10.79.0.1");
};

TEST_F(DhcpServerTest, AMachineGetsOneAddressFromRomToInstalledSystem) {
    auto rom = message(discover, 1);
    rom.with(DhcpOptionCode::client_identifier, octets({0, 9, 9, 9}));
    const Reply first = rig.lease(rom.pxe(0));
    auto system = message(discover, 1);
    system.with(DhcpOptionCode::client_identifier, octets({255, 1, 2, 3, 4, 0, 1}));
    EXPECT_EQ(rig.lease(system).yiaddr(), first.yiaddr());
    EXPECT_EQ(rig.server.leases().count().bound, 1U);
}

TEST_F(DhcpServerTest, ExtendsALeaseInEveryState) {
    EXPECT_EQ(rig.lease(1).yiaddr(), ip("10.79.0.100"));
    rig.advance(30min);
    EXPECT_EQ(answer(extending(1, "10.79.0.100"), us), 'A') << "renewing";
    rig.advance(55min);
    EXPECT_EQ(answer(extending(1, "10.79.0.100")), 'A') << "rebinding";
    rig.advance(30min);
    EXPECT_EQ(answer(init_reboot(1, "10.79.0.100")), 'A');
    rig.advance(30min);
    EXPECT_EQ(answer(selecting(1, "10.79.0.100")), 'A');
    EXPECT_EQ(rig.stored.size(), 5U);
}

TEST_F(DhcpServerTest, RepliesOfARenewalGoStraightToTheClient) {
    (void)rig.lease(1);
    rig.advance(30min);
    (void)rig.receive(extending(1, "10.79.0.100"), us);
    const auto replies = rig.commit();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].destination, (Endpoint{ip("10.79.0.100"), 68}));
    EXPECT_FALSE(replies[0].datagram.link);
    EXPECT_EQ(replies[0].message->header.ciaddr, ip("10.79.0.100"));
}

// RFC 2131 section 4.3.2, through the whole server: state × what the table of leases holds.
TEST_F(DhcpServerTest, AnswersEachStateByWhatItKnows) {
    (void)rig.lease(1); // 10.79.0.100
    (void)rig.lease(2); // 10.79.0.101
    const auto all = [&](std::uint32_t machine, std::string_view address) {
        std::string answers;
        answers += answer(selecting(machine, address));
        answers += answer(init_reboot(machine, address));
        answers += answer(extending(machine, address), us);
        answers += answer(extending(machine, address));
        return answers;
    };
    EXPECT_EQ(all(1, "10.79.0.100"), "AAAA") << "its own";
    EXPECT_EQ(all(1, "10.79.0.101"), "NNNN") << "somebody else's, and it has one";
    EXPECT_EQ(all(1, "10.79.0.150"), "NNNN") << "nobody's, but it has one";
    EXPECT_EQ(all(9, "10.79.0.101"), "N-NN") << "a stranger, somebody else's";
    EXPECT_EQ(all(9, "10.79.0.20"), "N-N-") << "a stranger, outside the pools";
    EXPECT_EQ(answer(init_reboot(9, "192.0.2.1")), 'N') << "the wrong network";
    EXPECT_EQ(answer(extending(9, "192.0.2.1")), '-');
    EXPECT_EQ(answer(init_reboot(9, "10.79.0.160")), '-') << "a stranger, nobody's";
    EXPECT_EQ(answer(extending(9, "10.79.0.160")), '-');
    EXPECT_EQ(answer(extending(9, "10.79.0.160"), us), 'A') << "it was ours, the record is gone";
    EXPECT_EQ(answer(selecting(8, "10.79.0.161")), 'A') << "an offer that lapsed";
}

TEST_F(DhcpServerTest, ABootClientThatTakesAnotherServersOfferTellsWhose) {
    ClientMessage asks{discover, machine_mac(1)};
    asks.pxe(7).header.secs = 31;
    ASSERT_EQ(rig.receive(asks).size(), 1U);
    ASSERT_EQ(rig.seen.size(), 1U);
    EXPECT_EQ(rig.seen[0].asked_for_s, 31U);
    EXPECT_TRUE(rig.seen[0].other_server.is_unspecified());
    const ClientMessage takes = ClientMessage{request, machine_mac(1)}
                                    .pxe(7)
                                    .with(DhcpOptionCode::server_identifier, ip("10.79.0.99"))
                                    .with(DhcpOptionCode::requested_address, ip("10.79.0.200"));
    EXPECT_TRUE(rig.receive(takes).empty());
    ASSERT_EQ(rig.seen.size(), 2U);
    EXPECT_EQ(rig.seen[1].other_server, ip("10.79.0.99"));
    const ClientMessage system = ClientMessage{request, machine_mac(2)}
                                     .with(DhcpOptionCode::server_identifier, ip("10.79.0.99"))
                                     .with(DhcpOptionCode::requested_address, ip("10.79.0.201"));
    EXPECT_TRUE(rig.receive(system).empty());
    EXPECT_EQ(rig.seen.size(), 2U) << "no boot: none of our business";
}

TEST_F(DhcpServerTest, AnOfferThatWentToAnotherServerIsForgotten) {
    (void)rig.receive(message(discover, 1));
    EXPECT_EQ(rig.server.leases().count().offered, 1U);
    EXPECT_EQ(answer(selecting(1, "10.79.0.100", "10.79.0.99")), '-');
    EXPECT_EQ(rig.drops(DhcpDrop::not_for_this_server), 1U);
    EXPECT_EQ(rig.server.leases().count().offered, 0U);
    EXPECT_EQ(rig.receive(message(discover, 2))[0].yiaddr(), ip("10.79.0.100"));
}

TEST_F(DhcpServerTest, AReleasedAddressStaysTheMachines) {
    (void)rig.lease(1);
    auto release_message = message(release, 1);
    release_message.header.ciaddr = ip("10.79.0.100");
    EXPECT_TRUE(rig.receive(release_message, us).empty());
    ASSERT_EQ(rig.commits.size(), 1U);
    EXPECT_EQ(rig.commits[0].request.generation, 0U) << "no answer wanted";
    EXPECT_EQ(rig.commits[0].lease.state, LeaseRecord::State::released);
    EXPECT_EQ(rig.commits[0].lease.mac, machine_mac(1));
    EXPECT_EQ(rig.lease(2).yiaddr(), ip("10.79.0.101")) << "never used goes first";
    EXPECT_EQ(rig.lease(1).yiaddr(), ip("10.79.0.100"));
}

TEST_F(DhcpServerTest, ADeclinedAddressIsQuarantined) {
    (void)rig.lease(1);
    EXPECT_TRUE(
        rig.receive(message(decline, 1).with(DhcpOptionCode::requested_address, ip("10.79.0.100")))
            .empty());
    ASSERT_EQ(rig.commits.size(), 1U);
    EXPECT_EQ(rig.commits[0].lease.state, LeaseRecord::State::declined);
    EXPECT_EQ(rig.commits[0].lease.expires, rig.now.wall + 10min);
    EXPECT_EQ(rig.lease(1).yiaddr(), ip("10.79.0.101"));
    EXPECT_EQ(rig.lease(2).yiaddr(), ip("10.79.0.102"));
    rig.advance(11min);
    EXPECT_EQ(rig.lease(3).yiaddr(), ip("10.79.0.100"));
}

TEST_F(DhcpServerTest, AnInformIsAnsweredWithoutALease) {
    auto made = message(inform, 1);
    made.header.ciaddr = ip("10.79.0.77");
    const auto replies = rig.receive(made, us);
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].type(), ack);
    EXPECT_EQ(replies[0].yiaddr(), Ipv4Address{});
    EXPECT_FALSE(replies[0].has(DhcpOptionCode::address_lease_time));
    EXPECT_TRUE(replies[0].has(DhcpOptionCode::domain_name_server));
    EXPECT_EQ(replies[0].destination, (Endpoint{ip("10.79.0.77"), 68}));
    EXPECT_EQ(rig.server.leases().count().bound, 0U);
}

TEST_F(DhcpServerTest, AReservationIsOfferedAndMovesAStartingMachineOnly) {
    EXPECT_EQ(rig.lease(1).yiaddr(), ip("10.79.0.100"));
    rig.server.on_node_boot(node(1, BootAction::install, ip("10.79.0.20")));
    rig.advance(30min);
    EXPECT_EQ(answer(extending(1, "10.79.0.100"), us), 'A') << "a running machine is left alone";
    EXPECT_EQ(answer(init_reboot(1, "10.79.0.100")), 'N') << "a starting one moves";
    EXPECT_EQ(rig.lease(1).yiaddr(), ip("10.79.0.20"));
    EXPECT_EQ(rig.server.leases().count().bound, 1U) << "one machine, one lease";
    ASSERT_EQ(rig.commits.size(), 1U);
    EXPECT_EQ(rig.commits[0].lease.address, ip("10.79.0.100"));
    EXPECT_EQ(rig.commits[0].lease.state, LeaseRecord::State::released);
    EXPECT_EQ(rig.receive(message(discover, 2))[0].yiaddr(), ip("10.79.0.100"));
}

TEST_F(DhcpServerTest, AReservedAddressIsNobodyElsesWhateverIsAskedFor) {
    rig.server.on_node_boot(node(1, BootAction::install, ip("10.79.0.100")));
    const auto wants =
        message(discover, 2).with(DhcpOptionCode::requested_address, ip("10.79.0.100"));
    EXPECT_EQ(rig.receive(wants)[0].yiaddr(), ip("10.79.0.101"));
    EXPECT_EQ(answer(selecting(2, "10.79.0.100")), 'N');
    NodeBoot gone = node(1, BootAction::install);
    gone.removed = true;
    rig.server.on_node_boot(gone);
    EXPECT_EQ(rig.receive(message(discover, 3))[0].yiaddr(), ip("10.79.0.100"));
}

TEST_F(DhcpServerTest, AnIgnoredMachinesRomGetsNothingButItsSystemGetsAnAddress) {
    rig.server.on_node_boot(node(1, BootAction::ignore));
    EXPECT_EQ(answer(message(discover, 1).pxe(7)), '-');
    EXPECT_EQ(answer(message(discover, 1).pxe(16, "HTTPClient")), '-');
    EXPECT_EQ(answer(message(discover, 1).with(DhcpOptionCode::user_class, "iPXE")), '-');
    EXPECT_EQ(rig.drops(DhcpDrop::node_ignored), 3U);
    ASSERT_EQ(rig.seen.size(), 3U) << "control learns that it was there";
    EXPECT_EQ(rig.seen[0].address, Ipv4Address{});
    EXPECT_EQ(answer(message(discover, 1)), 'O');
    rig.snapshot.dhcp.unknown_action = BootAction::ignore;
    rig.publish();
    EXPECT_EQ(answer(message(discover, 2).pxe(7)), '-') << "the default for unknown machines";
    rig.server.on_node_boot(node(2, BootAction::boot_local));
    EXPECT_EQ(answer(message(discover, 2).pxe(7)), 'O');
}

TEST_F(DhcpServerTest, BootClientsAreReportedAtOfferAndAcknowledgement) {
    auto rom = message(discover, 1);
    const Reply reply = rig.lease(rom.pxe(7));
    ASSERT_EQ(rig.seen.size(), 2U);
    EXPECT_FALSE(rig.seen[0].acknowledged);
    EXPECT_TRUE(rig.seen[1].acknowledged);
    EXPECT_EQ(rig.seen[1].mac, machine_mac(1));
    EXPECT_EQ(rig.seen[1].address, reply.yiaddr());
    EXPECT_EQ(rig.seen[1].arch, 7);
    EXPECT_EQ(rig.seen[1].kind, DhcpClientKind::pxe);
    EXPECT_TRUE(rig.seen[1].uuid.has_value());
    (void)rig.lease(2);
    EXPECT_EQ(rig.seen.size(), 2U) << "a system is none of control's business";
}

TEST_F(DhcpServerTest, OwnAddressesAndRoutersInAPoolAreNeverGivenOut) {
    rig.snapshot.dhcp.subnets[0].pools = {read_address_range("10.79.0.1-10.79.0.3").value()};
    rig.snapshot.dhcp.subnets[0].router = ip("10.79.0.2");
    rig.publish();
    EXPECT_EQ(rig.receive(message(discover, 1))[0].yiaddr(), ip("10.79.0.3"));
    EXPECT_TRUE(rig.receive(message(discover, 2)).empty());
}

TEST_F(DhcpServerTest, ANewSiteKeepsLeasesThatStillFit) {
    EXPECT_EQ(rig.lease(1).yiaddr(), ip("10.79.0.100"));
    EXPECT_EQ(rig.lease(2).yiaddr(), ip("10.79.0.101"));
    rig.snapshot.dhcp.subnets[0].pools = {read_address_range("10.79.0.101-10.79.0.150").value()};
    rig.snapshot.dhcp.subnets[0].lease = 2h;
    rig.publish();
    EXPECT_EQ(answer(extending(2, "10.79.0.101"), us), 'A');
    EXPECT_EQ(rig.stored.back().expires, rig.now.wall + 2h);
    EXPECT_EQ(answer(extending(1, "10.79.0.100"), us), 'N') << "it lies in no pool any more";
    EXPECT_EQ(rig.lease(1).yiaddr(), ip("10.79.0.102"));
}

TEST_F(DhcpServerTest, ANewSitesReservationsReplaceTheOldOnes) {
    rig.snapshot.nodes = {node(1, BootAction::install, ip("10.79.0.100"))};
    rig.publish();
    EXPECT_EQ(rig.receive(message(discover, 2))[0].yiaddr(), ip("10.79.0.101"));
    rig.snapshot.nodes = {node(3, BootAction::install, ip("10.79.0.102"))};
    rig.publish();
    EXPECT_EQ(rig.receive(message(discover, 4))[0].yiaddr(), ip("10.79.0.100"));
    EXPECT_EQ(rig.receive(message(discover, 5))[0].yiaddr(), ip("10.79.0.103"));
    EXPECT_EQ(rig.receive(message(discover, 3))[0].yiaddr(), ip("10.79.0.102"));
}

TEST_F(DhcpServerTest, RelayedClientsAreServedFromTheirOwnSubnet) {
    SubnetPlan far;
    far.subnet = read_subnet("10.80.0.0/24").value();
    far.pools = {read_address_range("10.80.0.10-10.80.0.20").value()};
    rig.snapshot.dhcp.subnets.push_back(far);
    rig.publish();
    auto made = message(discover, 1);
    made.header.giaddr = ip("10.80.0.1");
    made.header.hops = 1;
    const Reply reply = rig.lease(made);
    EXPECT_EQ(reply.yiaddr(), ip("10.80.0.10"));
    EXPECT_EQ(reply.destination, (Endpoint{ip("10.80.0.1"), 67}));
    EXPECT_EQ(answer(extending(1, "10.80.0.10"), us), 'A') << "renewing through a router";
    EXPECT_EQ(rig.lease(1).yiaddr(), ip("10.79.0.100")) << "another subnet, another lease";
}

TEST_F(DhcpServerTest, RemembersTimersOfOffersAndLeases) {
    EXPECT_EQ(rig.server.next_deadline(), Instant::never());
    (void)rig.receive(message(discover, 1));
    EXPECT_LE(rig.server.next_deadline(), rig.now.steady + 60s);
    rig.advance(61s);
    EXPECT_EQ(rig.server.leases().count().offered, 0U);
}

// Every named reason has its packet; the count of each is one at the end, so none is a by-product.
TEST_F(DhcpServerTest, EveryDropHasItsPacket) {
    EXPECT_EQ(answer(message(offer, 1)), '-');
    EXPECT_EQ(rig.drops(DhcpDrop::not_a_request), 1U);
    auto reply = message(discover, 1);
    reply.header.op = dhcp_boot_reply;
    EXPECT_EQ(answer(reply), '-');
    EXPECT_EQ(rig.drops(DhcpDrop::not_a_request), 2U);

    EXPECT_TRUE(rig.receive(message(discover, 1).bytes(), us, 99).empty());
    EXPECT_EQ(rig.drops(DhcpDrop::unknown_interface), 1U);

    auto lost = message(discover, 1);
    lost.header.giaddr = ip("192.0.2.1");
    EXPECT_EQ(answer(lost), '-');
    EXPECT_EQ(rig.drops(DhcpDrop::unserved_subnet), 1U);

    EXPECT_EQ(answer(message(request, 1)), '-');
    EXPECT_EQ(answer(message(decline, 1)), '-');
    EXPECT_EQ(answer(message(inform, 1)), '-');
    EXPECT_EQ(rig.drops(DhcpDrop::missing_address), 3U);

    EXPECT_EQ(answer(init_reboot(1, "10.79.0.150")), '-');
    EXPECT_EQ(rig.drops(DhcpDrop::unknown_client), 1U);

    (void)rig.lease(1);
    auto foreign = message(release, 2);
    foreign.header.ciaddr = ip("10.79.0.100");
    EXPECT_EQ(answer(foreign), '-');
    EXPECT_EQ(
        answer(message(decline, 2).with(DhcpOptionCode::requested_address, ip("10.79.0.100"))),
        '-');
    EXPECT_EQ(rig.drops(DhcpDrop::unknown_lease), 2U);
    EXPECT_EQ(rig.server.leases().count().bound, 1U) << "nobody gives away another's lease";

    const auto elsewhere = [](ClientMessage made) {
        return made.with(DhcpOptionCode::server_identifier, ip("10.79.0.99"));
    };
    EXPECT_EQ(answer(elsewhere(message(release, 1))), '-');
    EXPECT_EQ(answer(elsewhere(message(decline, 1))), '-');
    EXPECT_EQ(answer(elsewhere(message(request, 1))), '-');
    EXPECT_EQ(rig.drops(DhcpDrop::not_for_this_server), 3U);

    rig.snapshot.dhcp.subnets[0].pools = {read_address_range("10.79.0.100").value()};
    rig.publish();
    EXPECT_EQ(answer(message(discover, 3)), '-');
    EXPECT_EQ(rig.drops(DhcpDrop::pool_exhausted), 1U);

    DhcpRig small{{.leases_max = 1, .commits_max = 1}};
    (void)small.lease(1);
    EXPECT_TRUE(small.receive(message(discover, 2)).empty());
    EXPECT_EQ(small.drops(DhcpDrop::table_full), 1U);
    EXPECT_TRUE(small.receive(selecting(2, "10.79.0.150")).empty());
    EXPECT_EQ(small.drops(DhcpDrop::table_full), 2U);

    auto unreadable = message(discover, 1).bytes();
    unreadable.resize(100);
    EXPECT_TRUE(rig.receive(unreadable).empty());
    EXPECT_EQ(rig.server.metrics().errors.read(DhcpError::truncated_header), 1U);
}

TEST_F(DhcpServerTest, ReportsItsCountersByName) {
    (void)rig.lease(1);
    (void)rig.receive(message(offer, 1));
    Exposition exposition;
    rig.server.report(exposition);
    const std::string text = exposition.text();
    for (const std::string_view line : {
             "muster_dhcp_requests_total{type=\"discover\"} 1\n",
             "muster_dhcp_replies_total{type=\"ack\"} 1\n",
             "muster_dhcp_drops_total{reason=\"not_a_request\"} 1\n",
             "muster_dhcp_drops_total{reason=\"truncated_header\"} 0\n",
             "muster_dhcp_commits_total{outcome=\"durable\"} 1\n",
             "muster_dhcp_leases{state=\"bound\"} 1\n",
             "muster_dhcp_addresses_never_used 99\n",
         }) {
        EXPECT_NE(text.find(line), std::string::npos) << line << text;
    }
}

} // namespace
} // namespace muster::test
