// SPDX-License-Identifier: Apache-2.0
// Which addresses are asked about, how, and what becomes of those that somebody answers for.
#include "net/dhcp/conflict_prober.hh"

#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

#include <set>

namespace muster::test {
namespace {

using enum DhcpMessageType;

DhcpLimits probing() {
    DhcpLimits limits{.leases_max = 1024, .commits_max = 64};
    limits.probes = true;
    return limits;
}

class ConflictProberTest : public testing::Test {
protected:
    std::vector<ConflictProbe> ask() {
        std::vector<ConflictProbe> asked;
        rig.server.ask(rig.now, asked, rig.out);
        (void)rig.collect();
        return asked;
    }
    /// Rounds until there is nothing left to ask; every address asked about.
    std::vector<std::string> ask_all() {
        std::vector<std::string> all;
        for (auto asked = ask(); !asked.empty(); asked = ask()) {
            for (const ConflictProbe& probe : asked) {
                all.push_back(to_text(probe.address));
            }
            rig.advance(100ms);
        }
        return all;
    }
    void answer(std::string_view address, std::optional<MacAddress> mac) {
        rig.server.on_conflict_answer({.address = ip(address), .mac = mac}, rig.now);
        (void)ask(); // the round is over
    }
    std::string offered(std::uint32_t machine) {
        const auto replies = rig.receive(ClientMessage{discover, machine_mac(machine)});
        return replies.size() == 1 ? to_text(replies[0].yiaddr()) : "";
    }
    void use(std::initializer_list<std::string_view> pools) {
        rig.snapshot.dhcp.subnets[0].pools.clear();
        for (const std::string_view pool : pools) {
            rig.snapshot.dhcp.subnets[0].pools.push_back(read_address_range(pool).value());
        }
        rig.publish();
    }

    DhcpRig rig{probing()};
    const MacAddress stranger{{2, 9, 9, 9, 9, 9}};
};

TEST_F(ConflictProberTest, AsksAboutTheNextAddressesAndGoesOnAsTheyAreGiven) {
    EXPECT_LE(rig.server.next_probe(), rig.now.steady);
    const auto first = ask();
    ASSERT_EQ(first.size(), ConflictProber::ahead);
    EXPECT_EQ(first.front().address, ip("10.79.0.100"));
    EXPECT_EQ(first.back().address, ip("10.79.0.163"));
    EXPECT_EQ(first.front().interface, 7U) << "ARP: the link is ours";
    EXPECT_EQ(first.front().link_source, (MacAddress{{2, 0, 0, 0, 0, 7}}));
    EXPECT_EQ(rig.server.next_probe(), rig.now.steady + 100ms) << "answers will come";
    rig.advance(100ms);
    EXPECT_TRUE(ask().empty());
    EXPECT_EQ(rig.server.next_probe(), rig.now.steady + 5s);
    (void)rig.lease(1);
    EXPECT_EQ(rig.server.next_probe(), rig.now.steady + 100ms) << "one was given away";
    rig.advance(100ms);
    const auto next = ask();
    ASSERT_EQ(next.size(), 1U);
    EXPECT_EQ(next[0].address, ip("10.79.0.164"));
    rig.advance(10min + 1s);
    EXPECT_EQ(ask().size(), ConflictProber::ahead) << "silence holds ten minutes";
}

TEST_F(ConflictProberTest, AnOfferNeverWaitsForIt) {
    EXPECT_EQ(offered(1), "10.79.0.100") << "before a single question";
}

TEST_F(ConflictProberTest, AnAddressThatSomebodyHasIsQuarantinedAndTheStoreTold) {
    (void)ask_all();
    answer("10.79.0.100", stranger);
    answer("10.79.0.102", stranger);
    ASSERT_EQ(rig.commits.size(), 2U);
    EXPECT_EQ(rig.commits[0].lease.state, LeaseRecord::State::declined);
    EXPECT_EQ(rig.commits[0].lease.address, ip("10.79.0.100"));
    EXPECT_EQ(rig.commits[0].lease.mac, stranger) << "for the operator to find";
    EXPECT_EQ(rig.commits[0].lease.expires, rig.now.wall + 10min);
    EXPECT_EQ(rig.server.metrics().conflicts.read(), 2U);
    EXPECT_EQ(rig.server.leases().count().declined, 2U);
    EXPECT_EQ(offered(1), "10.79.0.101");
    EXPECT_EQ(offered(2), "10.79.0.103");
    answer("10.79.0.100", stranger);
    EXPECT_EQ(rig.commits.size(), 2U) << "said once";
    rig.advance(11min);
    EXPECT_EQ(offered(3), "10.79.0.100");
}

TEST_F(ConflictProberTest, AnAddressThatSomebodyHasIsToldOnceWithWhereAndWho) {
    (void)ask_all();
    answer("10.79.0.100", stranger);
    ASSERT_EQ(rig.conflicts.size(), 1U);
    EXPECT_EQ(rig.conflicts[0].address, ip("10.79.0.100"));
    EXPECT_EQ(rig.conflicts[0].mac, stranger);
    EXPECT_EQ(rig.conflicts[0].subnet, rig.snapshot.dhcp.subnets[0].subnet);
    EXPECT_EQ(rig.conflicts[0].interface, "rack0");
    EXPECT_EQ(rig.conflicts[0].quarantine, 10min);
    rig.advance(11min);
    (void)ask_all();
    answer("10.79.0.100", stranger);
    EXPECT_EQ(rig.server.metrics().conflicts.read(), 2U) << "it is still there";
    EXPECT_EQ(rig.conflicts.size(), 1U);
}

// No round has more than four of its answers, so it is believed; the log bears it all the same.
TEST_F(ConflictProberTest, OneThatTakesAddressAfterAddressIsToldABoundedNumberOfTimes) {
    (void)ask_all();
    for (unsigned i = 0; i < 40; ++i) {
        answer("10.79.0." + std::to_string(100 + i), stranger);
        rig.advance(100ms);
    }
    EXPECT_EQ(rig.server.metrics().conflicts.read(), 40U);
    EXPECT_EQ(rig.conflicts.size(), ConflictNotices::per_interval);
    rig.advance(1min);
    answer("10.79.0.140", stranger);
    ASSERT_EQ(rig.conflicts.size(), ConflictNotices::per_interval + 1);
    EXPECT_EQ(rig.conflicts.back().untold, 40 - ConflictNotices::per_interval);
}

TEST_F(ConflictProberTest, ControlWithoutRoomIsToldTheNextTime) {
    (void)ask_all();
    rig.out.control_room = 1; // for the lease, which goes first
    answer("10.79.0.100", stranger);
    EXPECT_EQ(rig.commits.size(), 1U);
    EXPECT_TRUE(rig.conflicts.empty());
    rig.out.control_room = SIZE_MAX;
    rig.advance(11min);
    (void)ask_all();
    answer("10.79.0.100", stranger);
    EXPECT_EQ(rig.conflicts.size(), 1U);
}

TEST_F(ConflictProberTest, AnswersThatNobodyAskedForChangeNothing) {
    answer("10.79.0.100", stranger);
    (void)ask_all();
    answer("10.79.0.190", stranger);
    answer("192.0.2.1", stranger);
    answer("10.79.0.1", stranger);
    EXPECT_EQ(rig.server.leases().count().declined, 0U);
    EXPECT_TRUE(rig.commits.empty());
}

TEST_F(ConflictProberTest, AnAddressGivenAwayMeanwhileStaysItsMachines) {
    (void)ask_all();
    EXPECT_EQ(offered(1), "10.79.0.100");
    answer("10.79.0.100", machine_mac(1));
    answer("10.79.0.100", stranger);
    EXPECT_EQ(rig.server.leases().count().declined, 0U);
    EXPECT_EQ(rig.lease(1).yiaddr(), ip("10.79.0.100"));
}

TEST_F(ConflictProberTest, AMachineThatOutstaysItsLeaseMayHaveItAgain) {
    use({"10.79.0.100-10.79.0.102"});
    for (const std::uint32_t machine : {1U, 2U, 3U}) {
        (void)rig.lease(machine);
        rig.advance(1s);
    }
    rig.advance(2h); // all have ended, in that order
    const auto asked = ask_all();
    EXPECT_EQ((std::set<std::string>{asked.begin(), asked.end()}),
              (std::set<std::string>{"10.79.0.100", "10.79.0.101", "10.79.0.102"}));
    answer("10.79.0.100", machine_mac(1)); // still there
    answer("10.79.0.101", std::nullopt);   // somebody is, ICMP does not say who
    EXPECT_EQ(rig.server.leases().count().declined, 0U);
    EXPECT_EQ(offered(4), "10.79.0.102") << "not the one that ended first";
    EXPECT_EQ(offered(1), "10.79.0.100");
    answer("10.79.0.101", stranger);
    EXPECT_EQ(rig.server.leases().count().declined, 1U) << "that is another's";
    EXPECT_EQ(offered(2), "") << "and none is left";
}

// A router with proxy ARP, or a load generator: it must not take the pool out of service.
TEST_F(ConflictProberTest, WhoeverAnswersForEverybodyIsNotBelieved) {
    const auto asked = ask();
    for (const ConflictProbe& probe : asked) {
        rig.server.on_conflict_answer({.address = probe.address, .mac = stranger}, rig.now);
        rig.server.on_conflict_answer({.address = probe.address, .mac = stranger}, rig.now);
    }
    rig.server.on_conflict_answer({.address = ip("10.79.0.101"), .mac = machine_mac(77)}, rig.now);
    (void)ask();
    EXPECT_EQ(rig.server.metrics().conflicts.read(), 1U) << "another's answer counts all the same";
    EXPECT_EQ(rig.server.metrics().conflicts_ignored.read(), asked.size());
    answer("10.79.0.105", stranger);
    EXPECT_EQ(rig.server.leases().count().declined, 1U) << "nor is it later";
    EXPECT_EQ(offered(1), "10.79.0.100");
    EXPECT_EQ(offered(2), "10.79.0.102");
}

TEST_F(ConflictProberTest, LinksBehindRelaysAreAskedByIcmpAndTakeTurns) {
    SubnetPlan far;
    far.subnet = read_subnet("10.80.0.0/24").value();
    far.pools = {read_address_range("10.80.0.10-10.80.0.12").value()};
    rig.snapshot.dhcp.subnets.push_back(far);
    use({"10.79.0.100-10.79.0.250"});
    std::set<std::string> asked;
    for (int round = 0; round < 4; ++round) {
        for (const ConflictProbe& probe : ask()) {
            EXPECT_EQ(probe.interface, probe.address.octets[1] == 80 ? 0U : 7U);
            asked.insert(to_text(probe.address));
        }
        rig.advance(100ms);
    }
    EXPECT_EQ(asked.size(), ConflictProber::ahead + 3);
    EXPECT_TRUE(asked.contains("10.80.0.12"));
}

TEST_F(ConflictProberTest, ReservedAndTakenAddressesAreNotAskedAbout) {
    NodeBoot node;
    node.mac = machine_mac(5);
    node.reserved = ip("10.79.0.101");
    rig.server.on_node_boot(node);
    (void)rig.lease(1);
    const auto asked = ask_all();
    EXPECT_EQ(asked.front(), "10.79.0.102");
    EXPECT_EQ(std::count(asked.begin(), asked.end(), "10.79.0.100"), 0);
}

TEST_F(ConflictProberTest, IsSilentUnlessItIsWanted) {
    DhcpRig quiet;
    EXPECT_EQ(quiet.server.next_probe(), Instant::never());
    EXPECT_GT(quiet.server.next_deadline(), quiet.now.steady);
}

} // namespace
} // namespace muster::test
