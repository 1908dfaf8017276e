// SPDX-License-Identifier: Apache-2.0
// What is acknowledged is durable: between REQUEST and ACK, with a store that is slow, full, or
// gone with a crash.
#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

using enum DhcpMessageType;

ClientMessage select(std::uint32_t machine, std::string_view address, std::uint32_t xid = 1) {
    return ClientMessage{request, machine_mac(machine), xid}
        .with(DhcpOptionCode::server_identifier, ip("10.79.0.1"))
        .with(DhcpOptionCode::requested_address, ip(address));
}

ClientMessage renew(std::uint32_t machine, std::string_view address) {
    ClientMessage made{request, machine_mac(machine)};
    made.header.ciaddr = ip(address);
    return made;
}

class DhcpCommitTest : public testing::Test {
protected:
    std::uint64_t commits(CommitOutcome outcome) const {
        return rig.server.metrics().commits.read(outcome);
    }
    DhcpRig rig;
    const IpAddress us = ip("10.79.0.1");
};

TEST_F(DhcpCommitTest, AnAckLeavesOnlyOnceItsLeaseIsDurable) {
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100", 77)).empty());
    ASSERT_EQ(rig.commits.size(), 1U);
    const LeaseRecord record = rig.commits[0].lease;
    EXPECT_EQ(record.address, ip("10.79.0.100"));
    EXPECT_EQ(record.mac, machine_mac(1));
    EXPECT_EQ(record.state, LeaseRecord::State::bound);
    EXPECT_EQ(record.expires, rig.now.wall + 1h);
    const auto acks = rig.commit();
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_EQ(acks[0].type(), ack);
    EXPECT_EQ(acks[0].message->header.xid, 77U);
    EXPECT_EQ(acks[0].yiaddr(), ip("10.79.0.100"));
    EXPECT_EQ(acks[0].seconds(DhcpOptionCode::address_lease_time), 3600U);
    EXPECT_TRUE(acks[0].datagram.link);
}

TEST_F(DhcpCommitTest, ARepeatedRequestIsNotCommittedTwiceAndGetsTheLastXid) {
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100", 1)).empty());
    rig.advance(2s);
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100", 2)).empty());
    EXPECT_EQ(rig.commits.size(), 1U);
    EXPECT_EQ(commits(CommitOutcome::repeated), 1U);
    const auto acks = rig.commit();
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_EQ(acks[0].message->header.xid, 2U);
    EXPECT_EQ(acks[0].seconds(DhcpOptionCode::address_lease_time), 3598U)
        << "no longer than the record that was committed";
}

// A store that hangs longer than the lease: what it says at last is the end of nothing.
TEST_F(DhcpCommitTest, ALeaseThatEndedBeforeItWasDurableIsNotAcknowledged) {
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100", 1)).empty());
    rig.advance(1h);
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100", 2)).empty());
    EXPECT_EQ(rig.commits.size(), 1U);
    EXPECT_TRUE(rig.commit().empty());
    EXPECT_EQ(rig.server.metrics().drops.read(DhcpDrop::store_late), 2U)
        << "the REQUEST that found no time left, and the ACK";
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100", 3)).empty());
    const auto acks = rig.commit();
    ASSERT_EQ(acks.size(), 1U) << "the next one begins anew";
    EXPECT_EQ(acks[0].seconds(DhcpOptionCode::address_lease_time), 3600U);
}

// It takes the offer of another address, and is switched off and on again before that is durable:
// what it remembers is about to be given up.
TEST_F(DhcpCommitTest, ALeaseThatIsBeingReplacedIsNotAcknowledged) {
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100", 1)).empty());
    ASSERT_EQ(rig.commit().size(), 1U);
    const auto give_pool = [this](std::string_view range) {
        rig.snapshot.dhcp.subnets[0].pools = {read_address_range(range).value()};
        rig.publish();
    };
    give_pool("10.79.0.101-10.79.0.103");
    const auto offer = rig.receive(ClientMessage{discover, machine_mac(1), 2});
    ASSERT_EQ(offer.size(), 1U);
    ASSERT_EQ(offer[0].yiaddr(), ip("10.79.0.101"));
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.101", 2)).empty());
    give_pool("10.79.0.100-10.79.0.103");
    const auto remembers = [](std::uint32_t xid) {
        return ClientMessage{request, machine_mac(1), xid}.with(DhcpOptionCode::requested_address,
                                                                ip("10.79.0.100"));
    };
    EXPECT_TRUE(rig.receive(remembers(3)).empty());
    ASSERT_EQ(rig.commit().size(), 1U);
    const auto answer = rig.receive(remembers(4));
    ASSERT_EQ(answer.size(), 1U);
    EXPECT_EQ(answer[0].type(), nak);
}

// The site's leases became shorter, and the machine may never hear of it: its ACK can be lost.
TEST_F(DhcpCommitTest, ADurableLeaseIsNeverShortenedBeforeItsMachineKnows) {
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100", 1)).empty());
    const UnixTime end = rig.commits.at(0).lease.expires;
    ASSERT_EQ(rig.commit().size(), 1U);
    rig.snapshot.dhcp.subnets[0].lease = 2min;
    rig.publish();
    rig.advance(1s);
    ClientMessage renamed = renew(1, "10.79.0.100");
    renamed.with(DhcpOptionCode::host_name, octets({'n', 'e', 'w'}));
    EXPECT_TRUE(rig.receive(renamed, us).empty());
    ASSERT_EQ(rig.commits.size(), 1U);
    EXPECT_EQ(rig.commits[0].lease.expires, end);
    const auto acks = rig.commit();
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_EQ(acks[0].seconds(DhcpOptionCode::address_lease_time), 120U);
    rig.advance(10min);
    EXPECT_EQ(rig.server.leases().count().bound, 1U) << "it may still go by what it was told first";
}

// What a boot waited for goes with the sighting of its ACK.
TEST_F(DhcpCommitTest, AnAckTellsHowLongOffersWereCollectedAndTheStoreTook) {
    ClientMessage discovers{discover, machine_mac(1), 5};
    discovers.pxe(7);
    (void)rig.receive(discovers);
    rig.advance(1s);
    (void)rig.receive(discovers); // an EDK2 that hears nothing from a proxy asks on
    rig.advance(3s);
    const ClientMessage asks = select(1, "10.79.0.100", 5).pxe(7);
    EXPECT_TRUE(rig.receive(asks).empty());
    rig.advance(2s);
    EXPECT_TRUE(rig.receive(asks).empty()) << "it asks again";
    rig.advance(500ms);
    rig.seen.clear();
    ASSERT_EQ(rig.commit().size(), 1U);
    ASSERT_EQ(rig.seen.size(), 1U);
    EXPECT_TRUE(rig.seen[0].acknowledged);
    EXPECT_EQ(rig.seen[0].collected, Duration{4s});
    EXPECT_EQ(rig.seen[0].flushed, Duration{2500ms});

    // iPXE asks anew a moment later: its lease is durable already.
    ClientMessage again{discover, machine_mac(1), 6};
    again.pxe(7);
    (void)rig.receive(again);
    rig.advance(250ms);
    rig.seen.clear();
    ASSERT_EQ(rig.receive(select(1, "10.79.0.100", 6).pxe(7)).size(), 1U);
    ASSERT_EQ(rig.seen.size(), 1U);
    EXPECT_EQ(rig.seen[0].collected, Duration{250ms});
    EXPECT_EQ(rig.seen[0].flushed, Duration{});
}

// 7/8 of an hour is 3150 s: up to 450 s after the commit nothing need be written.
TEST_F(DhcpCommitTest, AnEarlyRenewalIsAcknowledgedWithWhatIsDurableAlready) {
    (void)rig.lease(1);
    rig.advance(450s);
    const auto early = rig.receive(renew(1, "10.79.0.100"), us);
    ASSERT_EQ(early.size(), 1U) << "at once";
    EXPECT_EQ(early[0].seconds(DhcpOptionCode::address_lease_time), 3150U);
    EXPECT_EQ(early[0].seconds(DhcpOptionCode::renewal_time), 1575U);
    EXPECT_EQ(commits(CommitOutcome::spared), 1U);
    rig.advance(1s);
    EXPECT_TRUE(rig.receive(renew(1, "10.79.0.100"), us).empty());
    EXPECT_EQ(rig.commits.size(), 1U);
}

TEST_F(DhcpCommitTest, AClockSetForwardSparesNoCommit) {
    (void)rig.lease(1);
    rig.now.wall = rig.now.wall + 50min; // the record now has 10 minutes left
    EXPECT_TRUE(rig.receive(renew(1, "10.79.0.100"), us).empty());
    EXPECT_EQ(rig.commits.size(), 1U);
}

TEST_F(DhcpCommitTest, AHostnameIsKeptCommittedWhenNewAndRefusedWhenOdd) {
    const auto named = [](std::string_view name) {
        return ClientMessage{discover, machine_mac(1)}.with(DhcpOptionCode::host_name, name);
    };
    (void)rig.lease(1);
    (void)rig.lease(named("node-1.rack"));
    ASSERT_EQ(rig.stored.size(), 2U) << "news for the operator";
    EXPECT_STREQ(rig.stored[1].hostname.data(), "node-1.rack");
    (void)rig.lease(1);
    EXPECT_EQ(rig.stored.size(), 2U) << "a ROM without a name changes nothing";
    (void)rig.lease(named("<script>"));
    (void)rig.lease(named(std::string(64, 'x')));
    EXPECT_EQ(rig.stored.size(), 2U);
    (void)rig.lease(named(std::string(63, 'x')));
    EXPECT_EQ(rig.stored.size(), 3U);
}

TEST_F(DhcpCommitTest, AFullQueueToControlLeavesTheClientUnanswered) {
    rig.out.control_room = 0;
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100")).empty());
    EXPECT_EQ(rig.drops(DhcpDrop::busy), 1U);
    EXPECT_EQ(rig.server.metrics().commits_pending.read(), 0U);
    rig.out.control_room = SIZE_MAX;
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100")).empty());
    EXPECT_EQ(rig.commit().size(), 1U) << "it asks again";
    rig.out.control_room = 0;
    ClientMessage back{release, machine_mac(1)};
    back.header.ciaddr = ip("10.79.0.100");
    EXPECT_TRUE(rig.receive(back).empty());
    EXPECT_EQ(rig.server.leases().count().bound, 1U) << "not given back: it could not be said";
    EXPECT_EQ(rig.drops(DhcpDrop::busy), 2U);
    auto rom = ClientMessage{discover, machine_mac(2)};
    EXPECT_EQ(rig.receive(rom.pxe(7)).size(), 1U) << "a mere sighting may be lost";
    EXPECT_EQ(rig.server.metrics().samples_dropped.read(), 1U);
}

TEST_F(DhcpCommitTest, AFullListOfCommitsLeavesTheClientUnanswered) {
    DhcpRig small{{.leases_max = 16, .commits_max = 2}};
    EXPECT_TRUE(small.receive(select(1, "10.79.0.101")).empty());
    EXPECT_TRUE(small.receive(select(2, "10.79.0.102")).empty());
    EXPECT_TRUE(small.receive(select(3, "10.79.0.103")).empty());
    EXPECT_EQ(small.drops(DhcpDrop::busy), 1U);
    EXPECT_EQ(small.commit().size(), 2U);
    EXPECT_TRUE(small.receive(select(3, "10.79.0.103")).empty());
    EXPECT_EQ(small.commit().size(), 1U);
}

TEST_F(DhcpCommitTest, AStoreThatRefusesGetsNewMachinesNoAck) {
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100")).empty());
    EXPECT_TRUE(rig.commit(false).empty());
    EXPECT_EQ(rig.drops(DhcpDrop::store_refused), 1U);
    EXPECT_EQ(commits(CommitOutcome::refused), 1U);
    EXPECT_EQ(rig.server.leases().count().bound, 0U);
    EXPECT_EQ(rig.server.metrics().commits_pending.read(), 0U);
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100")).empty());
    EXPECT_EQ(rig.commit().size(), 1U) << "once the store takes it";
}

TEST_F(DhcpCommitTest, AStoreThatRefusesLeavesKnownMachinesTheirRemainingTime) {
    (void)rig.lease(1);
    rig.advance(30min);
    (void)rig.receive(renew(1, "10.79.0.100"), us);
    auto acks = rig.commit(false);
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_EQ(acks[0].seconds(DhcpOptionCode::address_lease_time), 1800U);
    EXPECT_EQ(acks[0].seconds(DhcpOptionCode::renewal_time), 900U);
    EXPECT_EQ(acks[0].seconds(DhcpOptionCode::rebinding_time), 1575U);
    rig.advance(29min);
    (void)rig.receive(renew(1, "10.79.0.100"), us);
    acks = rig.commit(false);
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_EQ(acks[0].seconds(DhcpOptionCode::address_lease_time), 120U) << "at least";
    rig.advance(100s); // beyond the durable end
    EXPECT_EQ(rig.server.leases().count().bound, 1U) << "still the machine's";
    (void)rig.receive(renew(1, "10.79.0.100"), us);
    EXPECT_EQ(rig.commit(false).size(), 1U);
    EXPECT_EQ(rig.server.metrics().prolonged.read(), 3U);
    rig.advance(131s); // and expiry_grace
    EXPECT_EQ(rig.server.leases().count().bound, 0U);
}

TEST_F(DhcpCommitTest, ARememberedMachineMayComeBackWhileTheStoreRefuses) {
    (void)rig.lease(1);
    rig.advance(2h);
    EXPECT_EQ(rig.server.leases().count().idle, 1U);
    (void)rig.receive(select(1, "10.79.0.100"));
    EXPECT_EQ(rig.commit(false).size(), 1U) << "the store still names it";
    ClientMessage back{release, machine_mac(1)};
    back.header.ciaddr = ip("10.79.0.100");
    (void)rig.receive(back);
    (void)rig.commit();
    (void)rig.receive(select(1, "10.79.0.100"));
    EXPECT_TRUE(rig.commit(false).empty()) << "given back: nothing names it";
}

TEST_F(DhcpCommitTest, ALeaseGivenBackWhileItsCommitIsUnderWayIsNotAcknowledged) {
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100")).empty());
    ClientMessage back{release, machine_mac(1)};
    back.header.ciaddr = ip("10.79.0.100");
    EXPECT_TRUE(rig.receive(back).empty());
    ASSERT_EQ(rig.commits.size(), 2U);
    EXPECT_EQ(rig.commits[1].lease.state, LeaseRecord::State::released) << "the last word";
    EXPECT_TRUE(rig.commit().empty());
    EXPECT_EQ(commits(CommitOutcome::stale), 1U);
    EXPECT_EQ(rig.server.leases().count().bound, 0U);
}

TEST_F(DhcpCommitTest, AnAddressDeclinedWhileItsCommitIsUnderWayIsQuarantined) {
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100")).empty());
    (void)rig.receive(ClientMessage{decline, machine_mac(1)}.with(DhcpOptionCode::requested_address,
                                                                  ip("10.79.0.100")));
    EXPECT_TRUE(rig.commit().empty());
    EXPECT_EQ(rig.server.leases().count().declined, 1U);
}

TEST_F(DhcpCommitTest, AnAnswerForNothingIsCounted) {
    rig.server.on_lease_committed({{3, 1}, true}, rig.now, rig.out);
    rig.server.on_lease_committed({}, rig.now, rig.out);
    EXPECT_EQ(commits(CommitOutcome::stale), 2U);
    EXPECT_TRUE(rig.out.empty());
}

TEST_F(DhcpCommitTest, ACommitUnderWayOutlivesTheSiteItBeganWith) {
    EXPECT_TRUE(rig.receive(select(1, "10.79.0.100")).empty());
    rig.snapshot.dhcp.subnets.clear();
    rig.publish();
    EXPECT_EQ(rig.commit().size(), 1U) << "durable, so it is acknowledged";
    EXPECT_TRUE(rig.receive(renew(1, "10.79.0.100"), us).empty());
    EXPECT_EQ(rig.drops(DhcpDrop::unserved_subnet), 1U);
}

TEST_F(DhcpCommitTest, ARestartKeepsLeasesAndDeclinedAddresses) {
    (void)rig.lease(1);
    (void)rig.lease(2);
    (void)rig.receive(ClientMessage{decline, machine_mac(2)}.with(DhcpOptionCode::requested_address,
                                                                  ip("10.79.0.101")));
    (void)rig.commit();
    DhcpRig again;
    again.now = rig.now;
    const std::vector<LeaseRecord> table{rig.stored[0], rig.stored[2]};
    again.server.restore(table, again.now);
    const auto replies = again.receive(renew(1, "10.79.0.100"), us);
    ASSERT_EQ(replies.size(), 1U) << "acknowledged at once: it is durable";
    EXPECT_EQ(again.lease(2).yiaddr(), ip("10.79.0.102"));
}

TEST(DhcpWithoutStore, NoAckWaitsForAStoreThatKeepsNothing) {
    DhcpRig rig{{.leases_max = 1024, .commits_max = 64, .waits_for_store = false}};
    const auto acks = rig.receive(select(1, "10.79.0.100", 77));
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_EQ(acks[0].type(), ack);
    EXPECT_EQ(acks[0].message->header.xid, 77U);
    EXPECT_EQ(acks[0].yiaddr(), ip("10.79.0.100"));
    EXPECT_EQ(acks[0].seconds(DhcpOptionCode::address_lease_time), 3600U);
    // Control hears of it, and owes no answer.
    ASSERT_EQ(rig.commits.size(), 1U);
    EXPECT_EQ(rig.commits[0].lease.address, ip("10.79.0.100"));
    EXPECT_EQ(rig.commits[0].request, SlabHandle{});
    EXPECT_EQ(rig.server.metrics().commits.read(CommitOutcome::unwaited), 1U);
    // The lease holds: another machine does not get it, the same one goes on with it.
    const auto others = rig.receive(select(2, "10.79.0.100", 78));
    EXPECT_TRUE(others.empty() || others[0].type() == nak);
    const auto renewed = rig.receive(renew(1, "10.79.0.100"), ip("10.79.0.1"));
    ASSERT_EQ(renewed.size(), 1U);
    EXPECT_EQ(renewed[0].type(), ack);
}

} // namespace
} // namespace muster::test
