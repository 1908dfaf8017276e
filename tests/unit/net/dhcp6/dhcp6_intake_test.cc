// SPDX-License-Identifier: Apache-2.0
// Who is answered next over IPv6: what begins, what goes on, whose budget it is, and the server
// behind the queue. The queue itself is looked at in dhcp_intake_test.cc.
#include "net/dhcp6/dhcp6_intake.hh"

#include "tests/support/dhcp6_rig.hh"

#include <gtest/gtest.h>

#include <set>

namespace muster::test {
namespace {

using enum Dhcp6MessageType;
using Verdict = Dhcp6Intake::Verdict;

Client6Message message(Dhcp6MessageType type, std::uint32_t machine) {
    Client6Message made{type, duid_ll(machine_mac(machine)), machine};
    return made.ia(1);
}

OptionBytes port(std::string_view name) {
    return option6(Dhcp6OptionCode::interface_id, text_octets(name));
}

class Dhcp6IntakeTest : public testing::Test {
protected:
    Dhcp6Intake::Taken take(const std::vector<std::byte>& bytes, const Ipv6Address& source) {
        RxDatagram datagram{.service = UdpService::dhcp6, .interface = 7};
        datagram.source = {source, 546};
        datagram.payload = bytes;
        return intake->take(datagram, now);
    }
    Dhcp6Intake::Taken take(Dhcp6MessageType type, std::uint32_t machine) {
        return take(message(type, machine).bytes(), link_local_of(machine_mac(machine)));
    }
    Dhcp6Intake::Taken take(Dhcp6MessageType type, std::uint32_t machine, std::string_view relay,
                            const OptionBytes& own = {}) {
        return take(relayed(message(type, machine).bytes(), ip6(relay),
                            link_local_of(machine_mac(machine)), own),
                    ip6(relay));
    }
    /// One turn, as the types' and the machines' numbers (their xid).
    std::string turn() {
        std::string order;
        intake->serve([&](const RxDatagram& datagram) {
            Dhcp6Message read;
            ASSERT_TRUE(read_dhcp6_message(datagram.payload, read));
            order += order.empty() ? "" : " ";
            order += read.type == solicit ? 'S' : read.type == request ? 'R' : '?';
            order += std::to_string(read.xid);
        });
        return order;
    }
    void make(const DhcpIntakeLimits& limits) { intake = std::make_unique<Dhcp6Intake>(limits); }

    Instant now = Instant{} + 1h;
    std::unique_ptr<Dhcp6Intake> intake = std::make_unique<Dhcp6Intake>(DhcpIntakeLimits{});
};

TEST_F(Dhcp6IntakeTest, WhatIsUnderWayGoesBeforeWhatBegins) {
    (void)take(information_request, 1);
    (void)take(solicit, 2);
    std::uint32_t machine = 3;
    for (const Dhcp6MessageType type : {request, confirm, renew, rebind, release, decline}) {
        EXPECT_EQ(take(type, machine++).verdict, Verdict::waits);
    }
    EXPECT_EQ(intake->waiting(), 8U);
    EXPECT_EQ(turn(), "R3 ?4 ?5 ?6 ?7 ?8 ?1 S2");
}

TEST_F(Dhcp6IntakeTest, AMachineThatAsksTooOftenTakesNothingFromOthers) {
    make({.machine = {.per_second = 4, .burst = 8}});
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(take(solicit, 1).verdict, Verdict::waits) << i;
    }
    const auto ninth = take(request, 1);
    EXPECT_EQ(ninth.verdict, Verdict::dropped);
    EXPECT_EQ(ninth.reason, Dhcp6Drop::over_machine_budget);
    EXPECT_EQ(ninth.type, request);
    // It shows another DUID each time: it is the same machine on the wire.
    const Client6Message other{solicit, duid_uuid(77)};
    EXPECT_EQ(take(other.bytes(), link_local_of(machine_mac(1))).verdict, Verdict::dropped);
    EXPECT_EQ(take(solicit, 2).verdict, Verdict::waits);
    EXPECT_EQ(take(solicit, 1, "fd00:1::1").verdict, Verdict::waits)
        << "whoever shows its identity elsewhere spends nothing of it";
    now = now + 250ms;
    EXPECT_EQ(take(solicit, 1).verdict, Verdict::waits);
    EXPECT_EQ(take(solicit, 1).verdict, Verdict::dropped);
}

TEST_F(Dhcp6IntakeTest, ASwitchPortHasABudgetWhateverMachinesItShows) {
    make({.port = {.per_second = 1, .burst = 3}});
    for (std::uint32_t machine = 1; machine <= 3; ++machine) {
        EXPECT_EQ(take(solicit, machine, "fd00:1::1", port("p17")).verdict, Verdict::waits);
    }
    const auto more = take(solicit, 4, "fd00:1::1", port("p17"));
    EXPECT_EQ(more.verdict, Verdict::dropped);
    EXPECT_EQ(more.reason, Dhcp6Drop::over_port_budget);
    EXPECT_EQ(take(solicit, 5, "fd00:1::1", port("p18")).verdict, Verdict::waits);
    EXPECT_EQ(take(solicit, 6, "fd00:2::1", port("p17")).verdict, Verdict::waits)
        << "another relay's port of that name";
    EXPECT_EQ(take(solicit, 7, "fd00:1::1").verdict, Verdict::waits);
}

TEST_F(Dhcp6IntakeTest, AFloodOfOneRelayTakesNoRoomFromOthers) {
    make({.waiting_max = 8, .first_per_turn = 4, .later_per_turn = 4});
    for (std::uint32_t machine = 1; machine <= 100; ++machine) {
        (void)take(solicit, machine, "fd00:1::1");
    }
    const auto other = take(solicit, 201, "fd00:2::1");
    EXPECT_EQ(other.verdict, Verdict::waits);
    EXPECT_TRUE(other.made_room);
    EXPECT_EQ(other.made_room_type, solicit);
    EXPECT_EQ(take(request, 202).verdict, Verdict::waits);
    EXPECT_EQ(turn(), "R202 S1 S201 S2 S3");
}

TEST_F(Dhcp6IntakeTest, WhatIsNoRequestIsNotForTheQueue) {
    for (const Dhcp6MessageType type : {advertise, reply, reconfigure}) {
        EXPECT_EQ(take(type, 1).verdict, Verdict::foreign);
    }
    const auto whole = message(solicit, 1).bytes();
    for (std::size_t size = 0; size < 4; ++size) {
        EXPECT_EQ(
            take({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}, ip6("fe80::1"))
                .verdict,
            Verdict::foreign)
            << size;
    }
    Client6Message giant = message(solicit, 1);
    giant.with(Dhcp6OptionCode::user_class, OptionBytes(1'536, std::byte{0}));
    EXPECT_EQ(take(giant.bytes(), ip6("fe80::1")).verdict, Verdict::foreign);
    EXPECT_EQ(intake->waiting(), 0U);
}

// The server counts what its intake drops as the request it was, and a flood leaves a machine that
// boots beside it all that it needs.
TEST(Dhcp6ServerIntake, AMachineBootsBesideAFlood) {
    DhcpLimits limits{.leases_max = 64, .commits_max = 64};
    limits.intake.waiting_max = 8;
    limits.intake.machine = {.per_second = 4, .burst = 8};
    Dhcp6Rig rig{limits};
    const Ipv6Address loud = link_local_of(machine_mac(1));
    const Ipv6Address quiet = link_local_of(machine_mac(2));
    for (int i = 0; i < 20; ++i) {
        rig.take(message(solicit, 1).bytes(), loud);
    }
    EXPECT_TRUE(rig.collect().empty()) << "nothing is answered before its turn";
    EXPECT_EQ(rig.server.metrics().waiting.read(), 8U);
    EXPECT_LE(rig.server.next_deadline(), rig.now.steady);
    EXPECT_EQ(rig.drops(Dhcp6Drop::over_machine_budget), 12U);
    EXPECT_EQ(rig.server.metrics().received.read(solicit), 12U);
    EXPECT_EQ(rig.turn().size(), 8U);
    rig.take(message(solicit, 2).bytes(), quiet);
    const auto offers = rig.turn();
    ASSERT_EQ(offers.size(), 1U);
    EXPECT_EQ(offers[0].type, advertise);
    Client6Message asks{request, duid_ll(machine_mac(2)), 2};
    rig.take(asks.to(rig.server.server_id()).ia(1, {ip6(offers[0].address())}).bytes(), quiet);
    EXPECT_TRUE(rig.turn().empty());
    const auto replies = rig.commit();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].address(), offers[0].address());
    EXPECT_EQ(rig.server.metrics().waiting.read(), 0U);
    EXPECT_GT(rig.server.next_deadline(), rig.now.steady);
}

// A store that hangs longer than the lease: what it says at last is the end of nothing.
TEST(Dhcp6ServerIntake, ALeaseThatEndedBeforeItWasDurableIsNotAcknowledged) {
    Dhcp6Rig rig;
    const auto ask = [&] {
        Client6Message asks{request, duid_ll(machine_mac(1)), 5};
        return rig.receive(asks.to(rig.server.server_id()).ia(1, {ip6("fd00:79::100")}));
    };
    EXPECT_TRUE(ask().empty());
    rig.advance(1h);
    EXPECT_TRUE(ask().empty());
    EXPECT_EQ(rig.commits.size(), 1U);
    EXPECT_TRUE(rig.commit().empty());
    EXPECT_EQ(rig.drops(Dhcp6Drop::store_late), 2U);
    EXPECT_TRUE(ask().empty());
    const auto replies = rig.commit();
    ASSERT_EQ(replies.size(), 1U) << "the next one begins anew";
    EXPECT_EQ(replies[0].valid(), 3600U);
}

// A client counts from the REPLY, the server from the REQUEST that the store was slow with.
TEST(Dhcp6ServerIntake, ASlowStoreLeavesWhatIsLeftOfTheLease) {
    Dhcp6Rig rig;
    Client6Message asks{request, duid_ll(machine_mac(1)), 5};
    EXPECT_TRUE(rig.receive(asks.to(rig.server.server_id()).ia(1, {ip6("fd00:79::100")})).empty());
    rig.advance(600ms);
    rig.advance(65s);
    const auto replies = rig.commit();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].valid(), 3600U - 65U);
    EXPECT_LE(replies[0].associations()[0].t2, replies[0].valid());
}

// Said once, and shown as long as it lasts.
TEST(Dhcp6ServerIntake, ADryPoolIsToldOnceAndCountedUntilANewcomerGetsAnAddress) {
    Dhcp6Rig rig;
    rig.snapshot.dhcp.subnets6[0].pools[0].range = read_range6("fd00:79::100-fd00:79::101").value();
    rig.publish();
    (void)rig.lease(1);
    (void)rig.lease(2);
    EXPECT_EQ(rig.server.metrics().links_dry.read(), 0U);
    for (const std::uint32_t machine : {3U, 4U, 5U}) {
        const auto none =
            rig.receive(message(solicit, machine), link_local_of(machine_mac(machine)));
        ASSERT_EQ(none.size(), 1U);
        EXPECT_EQ(none[0].address(), "(none)");
    }
    ASSERT_EQ(rig.dry.size(), 1U);
    EXPECT_EQ(rig.dry[0].subnet6, rig.snapshot.dhcp.subnets6[0].subnet);
    EXPECT_EQ(rig.dry[0].addresses, 2U);
    EXPECT_EQ(rig.server.metrics().links_dry.read(), 1U);
    (void)rig.lease(1);
    EXPECT_EQ(rig.server.metrics().links_dry.read(), 1U) << "it had one: that is no news";
    rig.advance(2h);
    EXPECT_NE(rig.lease(3), "(none)");
    EXPECT_EQ(rig.server.metrics().links_dry.read(), 0U);
}

} // namespace
} // namespace muster::test
