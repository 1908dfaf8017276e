// SPDX-License-Identifier: Apache-2.0
#include "core/lease/lease_table.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

MacAddress mac(std::uint32_t n) {
    return {{0x52, 0x54, static_cast<std::uint8_t>(n >> 24U), static_cast<std::uint8_t>(n >> 16U),
             static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)}};
}

Ipv4Address ip(std::string_view text) {
    return read_ipv4_address(text).value();
}

SubnetPlan plan(std::string_view subnet, std::string_view pool) {
    SubnetPlan made;
    made.subnet = read_subnet(subnet).value();
    made.pools = {read_address_range(pool).value()};
    return made;
}

Now at(Duration since_start) {
    return {Instant{} + since_start, UnixTime{1'000'000'000'000} + since_start};
}

constexpr LinkId first_link{0};

LeaseClient client(std::uint32_t n) {
    return {mac(n), first_link, std::nullopt};
}

// The IPv6 table is the same text; what is its own is the arithmetic and the holder.
TEST(Lease6Table, GivesAddressesOfItsPoolsAndKnowsTheHolder) {
    const auto ip6 = [](std::string_view text) {
        return read_ipv6_address(text).value();
    };
    Subnet6Plan made;
    made.subnet = read_subnet6("fd00:79::/64").value();
    made.pools.push_back({.range = read_range6("fd00:79::-fd00:79::ffff:ffff:ffff").value()});
    Lease6Table table{LeaseLimits{.leases_max = 4, .pool_addresses_max = 1000, .expiry_grace = 0s}};
    table.set_subnets(std::vector{made});
    EXPECT_EQ(table.never_used(), 1000U) << "no more than the limit";
    table.reserve(ip6("fd00:79::2"));
    const auto bind = [&](std::uint32_t n, std::uint32_t iaid) {
        const Lease6Client who{mac(n), LinkId{0}};
        const LeaseId id = table.offer(who, std::nullopt, at(0s)).value();
        const Lease6Record record{.address = table.lease(id).address,
                                  .mac = mac(n),
                                  .expires = at(1h).wall,
                                  .iaid = iaid,
                                  .duid = Duid{as_bytes("duid")}};
        table.begin_commit(id, {1, 1});
        table.bind(id, record, at(1h).steady);
        return record;
    };
    const Lease6Record first = bind(1, 5);
    EXPECT_EQ(to_text(first.address), "fd00:79::1") << "not the routers' anycast address";
    EXPECT_EQ(to_text(bind(2, 6).address), "fd00:79::3") << "not the reserved one";
    EXPECT_EQ(table.lease(*table.find(first.address)).holder, Ipv6Leases::holder_of(first));
    EXPECT_EQ(to_text(bind(1, 7).address), "fd00:79::1");
    EXPECT_EQ(table.lease(*table.find(first.address)).holder.iaid, 7U);
    const Lease6Client who{mac(3), LinkId{0}};
    EXPECT_EQ(table.standing(who, ip6("fd00:79::1"), at(0s)), LeaseStanding::taken);
    EXPECT_EQ(table.standing(who, ip6("fd00:79::3e8"), at(0s)), LeaseStanding::free);
    EXPECT_EQ(table.standing(who, ip6("fd00:79::3e9"), at(0s)), LeaseStanding::unserved);
    EXPECT_EQ(table.standing(who, ip6("fd00:7a::1"), at(0s)), LeaseStanding::wrong_network);

    Lease6Table again{LeaseLimits{.leases_max = 4, .expiry_grace = 0s}};
    again.set_subnets(std::vector{made});
    EXPECT_EQ(again.restore(std::vector{first}, at(1s)), 0U);
    EXPECT_EQ(again.lease(*again.find(first.address)).holder, Ipv6Leases::holder_of(first));
    EXPECT_EQ(to_text(again.lease(again.offer(who, std::nullopt, at(1s)).value()).address),
              "fd00:79::2");
}

// As a conflict prober uses it: an address that somebody unknown has is asked for before it is
// offered, and not offered then.
TEST(Lease6Table, NamesWhatItOffersNextAndSetsAsideWhatSomebodyHas) {
    const auto ip6 = [](std::string_view text) {
        return read_ipv6_address(text).value();
    };
    Subnet6Plan made;
    made.subnet = read_subnet6("fd00:79::/64").value();
    made.pools.push_back({.range = read_range6("fd00:79::fffe-fd00:79::1:ffff").value()});
    Lease6Table table{LeaseLimits{.leases_max = 4, .offer_hold = 60s, .expiry_grace = 0s}};
    table.set_subnets(std::vector{made});
    std::array<Ipv6Address, 3> next{};
    ASSERT_EQ(table.candidates(LinkId{0}, next), 3U);
    EXPECT_EQ(to_text(next[0]), "fd00:79::fffe");
    EXPECT_EQ(to_text(next[2]), "fd00:79::1:0") << "the carry goes into the next group";

    const auto set_aside = table.quarantine(ip6("fd00:79::fffe"), at(600s).steady);
    ASSERT_TRUE(set_aside);
    EXPECT_EQ(table.lease(*set_aside).state, Lease6::State::declined);
    EXPECT_FALSE(table.quarantine(ip6("fd00:79::fffe"), at(600s).steady)) << "no longer never used";
    EXPECT_FALSE(table.quarantine(ip6("fd00:79::5"), at(600s).steady)) << "of no pool";
    const Lease6Client who{mac(1), LinkId{0}};
    const LeaseId offered = table.offer(who, std::nullopt, at(0s)).value();
    EXPECT_EQ(to_text(table.lease(offered).address), "fd00:79::ffff");
    table.expire(at(601s));
    EXPECT_EQ(table.count().declined, 0U);
    ASSERT_EQ(table.candidates(LinkId{0}, next), 3U);
    EXPECT_EQ(to_text(next[0]), "fd00:79::fffe") << "nobody's again";
}

class LeaseTableTest : public testing::Test {
protected:
    LeaseTableTest() { use({plan("10.0.0.0/24", "10.0.0.10-10.0.0.13")}); }

    void use(const std::vector<SubnetPlan>& subnets) { table.set_subnets(subnets); }
    Ipv4Address offer(const LeaseClient& who, Duration when = 0s) {
        const auto id = table.offer(who, std::nullopt, at(when));
        return id ? table.lease(*id).address : Ipv4Address{};
    }
    /// Offers and binds, as if the commit had come at once.
    Ipv4Address bind(const LeaseClient& who, Duration when = 0s, Duration lease = 1h) {
        const auto id = table.offer(who, std::nullopt, at(when));
        if (!id) {
            return {};
        }
        const LeaseRecord record{
            .address = table.lease(*id).address, .mac = who.mac, .expires = at(when + lease).wall};
        table.begin_commit(*id, {1, 1});
        table.bind(*id, record, at(when + lease).steady);
        return record.address;
    }
    LeaseId id_of(std::string_view address) { return table.find(ip(address)).value(); }

    LeaseTable table{LeaseLimits{.leases_max = 16, .expiry_grace = 0s}};
};

TEST_F(LeaseTableTest, OffersEachMachineItsOwnAddressFromTheLowest) {
    EXPECT_EQ(offer(client(1)), ip("10.0.0.10"));
    EXPECT_EQ(offer(client(2)), ip("10.0.0.11"));
    EXPECT_EQ(offer(client(1)), ip("10.0.0.10")) << "asked again, the same";
    EXPECT_EQ(table.count().offered, 2U);
}

TEST_F(LeaseTableTest, ForgetsAnOfferThatIsNotTakenInTime) {
    EXPECT_EQ(offer(client(1)), ip("10.0.0.10"));
    table.expire(at(59s));
    EXPECT_EQ(offer(client(2), 59s), ip("10.0.0.11")) << "still held";
    table.expire(at(61s));
    EXPECT_EQ(offer(client(3), 61s), ip("10.0.0.10"));
    EXPECT_FALSE(table.find(mac(1), first_link).has_value());
}

TEST_F(LeaseTableTest, AFullPoolRefusesByName) {
    for (std::uint32_t n = 1; n <= 4; ++n) {
        bind(client(n));
    }
    const auto fifth = table.offer(client(5), std::nullopt, at(0s));
    ASSERT_FALSE(fifth.has_value());
    EXPECT_EQ(fifth.error(), LeaseRefusal::pool_exhausted);
}

TEST_F(LeaseTableTest, AFullTableRefusesByNameOrReusesAnOldLease) {
    LeaseTable small{LeaseLimits{.leases_max = 1, .expiry_grace = 0s}};
    const std::vector subnets{plan("10.0.0.0/24", "10.0.0.10-10.0.0.13")};
    small.set_subnets(subnets);
    const auto only = small.offer(client(1), std::nullopt, at(0s));
    ASSERT_TRUE(only.has_value());
    EXPECT_EQ(small.offer(client(2), std::nullopt, at(0s)).error(), LeaseRefusal::table_full);
    EXPECT_EQ(small.offer(client(2), ip("10.0.0.12"), at(0s)).error(), LeaseRefusal::table_full);
    small.bind(*only, {.address = ip("10.0.0.10"), .mac = mac(1), .expires = at(1s).wall},
               at(1s).steady);
    small.expire(at(2s));
    EXPECT_TRUE(small.offer(client(2), std::nullopt, at(2s)).has_value())
        << "the ended lease makes room";
}

TEST_F(LeaseTableTest, AnExpiredLeaseStaysWithItsMachineUntilTheAddressIsNeeded) {
    EXPECT_EQ(bind(client(1), 0s, 10s), ip("10.0.0.10"));
    EXPECT_EQ(bind(client(2), 0s, 20s), ip("10.0.0.11"));
    table.expire(at(30s));
    EXPECT_EQ(table.count().idle, 2U);
    EXPECT_EQ(offer(client(3), 30s), ip("10.0.0.12")) << "never used goes first";
    EXPECT_EQ(offer(client(4), 30s), ip("10.0.0.13"));
    EXPECT_EQ(offer(client(2), 30s), ip("10.0.0.11")) << "remembered";
    EXPECT_EQ(offer(client(5), 30s), ip("10.0.0.10")) << "needed: the one that ended longest ago";
    EXPECT_EQ(offer(client(1), 30s), Ipv4Address{}) << "nothing is left for its old machine";
}

TEST_F(LeaseTableTest, ABoundLeaseIsKeptALittleBeyondItsEnd) {
    LeaseTable graceful{LeaseLimits{.leases_max = 16, .expiry_grace = 10s}};
    const std::vector subnets{plan("10.0.0.0/24", "10.0.0.10-10.0.0.10")};
    graceful.set_subnets(subnets);
    const auto id = graceful.offer(client(1), std::nullopt, at(0s));
    graceful.bind(*id, {.address = ip("10.0.0.10"), .mac = mac(1), .expires = at(100s).wall},
                  at(100s).steady);
    EXPECT_EQ(graceful.deadline(*id), at(100s).steady) << "what was acknowledged";
    graceful.expire(at(109s));
    EXPECT_FALSE(graceful.offer(client(2), std::nullopt, at(109s)).has_value());
    graceful.expire(at(110s));
    EXPECT_TRUE(graceful.offer(client(2), std::nullopt, at(110s)).has_value());
}

TEST_F(LeaseTableTest, AnOfferOfARememberedLeaseThatLapsesIsRememberedAgain) {
    bind(client(1), 0s, 10s);
    table.expire(at(20s));
    EXPECT_EQ(offer(client(1), 20s), ip("10.0.0.10"));
    EXPECT_EQ(table.count().idle, 0U);
    table.expire(at(100s));
    EXPECT_EQ(table.count().idle, 1U);
    EXPECT_EQ(offer(client(1), 100s), ip("10.0.0.10"));
}

TEST_F(LeaseTableTest, AReleasedLeaseIsRememberedButNotDurable) {
    bind(client(1));
    table.release(id_of("10.0.0.10"));
    EXPECT_EQ(table.count().idle, 1U);
    EXPECT_FALSE(table.lease(id_of("10.0.0.10")).durable);
    EXPECT_EQ(offer(client(1), 1s), ip("10.0.0.10"));
}

TEST_F(LeaseTableTest, ADeclinedAddressIsOfferedToNobodyUntilItsQuarantineEnds) {
    bind(client(1));
    table.decline(id_of("10.0.0.10"), at(600s).steady);
    EXPECT_EQ(offer(client(1), 1s), ip("10.0.0.11")) << "also not to its machine";
    EXPECT_EQ(offer(client(2), 1s), ip("10.0.0.12"));
    EXPECT_EQ(table.standing(client(1), ip("10.0.0.10"), at(0s)), LeaseStanding::taken);
    table.expire(at(601s));
    EXPECT_EQ(offer(client(3), 601s), ip("10.0.0.10"));
}

TEST_F(LeaseTableTest, AReservedAddressGoesToItsMachineOnly) {
    table.reserve(ip("10.0.0.10"));
    LeaseClient owner = client(1);
    owner.reserved = ip("10.0.0.10");
    for (std::uint32_t n = 2; n <= 4; ++n) {
        bind(client(n));
    }
    EXPECT_EQ(offer(client(5)), Ipv4Address{}) << "the pool is full without the reserved one";
    EXPECT_EQ(table.standing(client(5), ip("10.0.0.10"), at(0s)), LeaseStanding::taken);
    EXPECT_EQ(bind(owner, 0s, 10s), ip("10.0.0.10"));
    table.expire(at(20s));
    EXPECT_EQ(offer(client(5), 20s), Ipv4Address{}) << "nor once its lease has ended";
    EXPECT_EQ(offer(owner, 20s), ip("10.0.0.10"));
}

TEST_F(LeaseTableTest, AReservationOutsideThePoolsIsServed) {
    table.reserve(ip("10.0.0.200"));
    LeaseClient owner = client(1);
    owner.reserved = ip("10.0.0.200");
    EXPECT_EQ(table.standing(owner, ip("10.0.0.200"), at(0s)), LeaseStanding::free);
    EXPECT_EQ(bind(owner), ip("10.0.0.200"));
    EXPECT_EQ(table.standing(owner, ip("10.0.0.200"), at(0s)), LeaseStanding::own);
    owner.reserved = ip("10.1.0.1");
    EXPECT_EQ(offer(owner), ip("10.0.0.10")) << "a reservation of another subnet means nothing";
}

TEST_F(LeaseTableTest, AReservationThatSomebodyHoldsWaitsForHim) {
    EXPECT_EQ(bind(client(2), 0s, 100s), ip("10.0.0.10"));
    table.reserve(ip("10.0.0.10"));
    LeaseClient owner = client(1);
    owner.reserved = ip("10.0.0.10");
    EXPECT_EQ(bind(owner), ip("10.0.0.11"));
    EXPECT_EQ(table.standing(client(2), ip("10.0.0.10"), at(0s)), LeaseStanding::taken)
        << "the holder may not renew it";
    table.expire(at(200s));
    const auto moved = table.offer(owner, std::nullopt, at(200s));
    EXPECT_EQ(table.lease(*moved).address, ip("10.0.0.10"));
    EXPECT_EQ(table.replaced_by(*moved), id_of("10.0.0.11"));
    EXPECT_EQ(offer(client(2), 200s), ip("10.0.0.12"));
}

TEST_F(LeaseTableTest, ALapsedMoveLeavesTheMachineItsOldLease) {
    bind(client(1));
    table.reserve(ip("10.0.0.13"));
    LeaseClient owner = client(1);
    owner.reserved = ip("10.0.0.13");
    EXPECT_EQ(offer(owner), ip("10.0.0.13"));
    EXPECT_EQ(table.find(mac(1), first_link), id_of("10.0.0.13"));
    table.expire(at(61s));
    EXPECT_EQ(table.find(mac(1), first_link), id_of("10.0.0.10"));
}

TEST_F(LeaseTableTest, CountsReservationsOfOneAddress) {
    table.reserve(ip("10.0.0.10"));
    table.reserve(ip("10.0.0.10"));
    table.unreserve(ip("10.0.0.10"));
    EXPECT_EQ(offer(client(1)), ip("10.0.0.11"));
    table.unreserve(ip("10.0.0.10"));
    EXPECT_EQ(offer(client(2)), ip("10.0.0.10"));
    table.unreserve(ip("10.0.0.10")); // never reserved: no effect
}

TEST_F(LeaseTableTest, AReservationMadeOfAnIdleLeaseTakesItFromTheList) {
    bind(client(1), 0s, 10s);
    table.expire(at(20s));
    table.reserve(ip("10.0.0.10"));
    for (std::uint32_t n = 2; n <= 4; ++n) {
        bind(client(n), 20s);
    }
    EXPECT_EQ(offer(client(5), 20s), Ipv4Address{});
    table.unreserve(ip("10.0.0.10"));
    EXPECT_EQ(offer(client(5), 20s), ip("10.0.0.10"));
}

TEST_F(LeaseTableTest, HonoursARequestedAddressThatNobodyEverHad) {
    const auto id = table.offer(client(1), ip("10.0.0.12"), at(0s));
    EXPECT_EQ(table.lease(*id).address, ip("10.0.0.12"));
    const auto other = table.offer(client(2), ip("10.0.0.12"), at(0s));
    EXPECT_EQ(table.lease(*other).address, ip("10.0.0.10"));
    const auto outside = table.offer(client(3), ip("10.0.0.99"), at(0s));
    EXPECT_EQ(table.lease(*outside).address, ip("10.0.0.11"));
}

TEST_F(LeaseTableTest, SaysHowAnAddressStandsToAMachine) {
    bind(client(1));
    EXPECT_EQ(table.standing(client(1), ip("10.0.0.10"), at(0s)), LeaseStanding::own);
    EXPECT_EQ(table.standing(client(2), ip("10.0.0.10"), at(0s)), LeaseStanding::taken);
    EXPECT_EQ(table.standing(client(2), ip("10.0.0.11"), at(0s)), LeaseStanding::free);
    EXPECT_EQ(table.standing(client(2), ip("10.0.0.14"), at(0s)), LeaseStanding::unserved);
    EXPECT_EQ(table.standing(client(2), ip("10.0.1.10"), at(0s)), LeaseStanding::wrong_network);
}

TEST_F(LeaseTableTest, ACommitUnderWayKeepsTheLeaseBeyondItsTime) {
    const auto id = table.offer(client(1), std::nullopt, at(0s));
    table.begin_commit(*id, {1, 1});
    table.expire(at(1000s));
    EXPECT_EQ(offer(client(2), 1000s), ip("10.0.0.11"));
    table.withdraw(*id);
    EXPECT_EQ(table.find(mac(1), first_link), id) << "a commit is not withdrawn";
    table.abandon_commit(*id);
    table.expire(at(2000s));
    EXPECT_EQ(offer(client(3), 2000s), ip("10.0.0.10"));
}

TEST_F(LeaseTableTest, ProlongingNeverShortensALease) {
    bind(client(1), 0s, 100s);
    table.prolong(id_of("10.0.0.10"), at(50s).steady);
    EXPECT_EQ(table.deadline(id_of("10.0.0.10")), at(100s).steady);
    table.prolong(id_of("10.0.0.10"), at(150s).steady);
    EXPECT_EQ(table.deadline(id_of("10.0.0.10")), at(150s).steady);
}

TEST_F(LeaseTableTest, ANewSiteKeepsLeasesAndGivesLostAddressesToNobody) {
    EXPECT_EQ(bind(client(1)), ip("10.0.0.10"));
    EXPECT_EQ(bind(client(2)), ip("10.0.0.11"));
    use({plan("10.9.0.0/24", "10.9.0.1-10.9.0.9"), plan("10.0.0.0/24", "10.0.0.11-10.0.0.20")});
    const LinkId second{1};
    const LeaseClient one{mac(1), second, std::nullopt};
    const LeaseClient two{mac(2), second, std::nullopt};
    EXPECT_EQ(table.standing(one, ip("10.0.0.10"), at(0s)), LeaseStanding::unserved);
    EXPECT_EQ(table.standing(two, ip("10.0.0.11"), at(0s)), LeaseStanding::own);
    EXPECT_EQ(offer(two), ip("10.0.0.11"));
    EXPECT_EQ(offer(one), ip("10.0.0.12"));
    use({plan("10.0.0.0/24", "10.0.0.10-10.0.0.20")});
    EXPECT_EQ(offer(client(3)), ip("10.0.0.13")) << "10.0.0.10 is still in use";
    EXPECT_EQ(table.count().bound, 2U);
}

TEST_F(LeaseTableTest, ARememberedLeaseOutlivesASiteWithoutItsSubnetUnlessTheTableIsCrowded) {
    for (const bool crowded : {false, true}) {
        LeaseTable fresh{LeaseLimits{.leases_max = crowded ? 1U : 16U}};
        const std::vector<LeaseRecord> records{
            {.address = ip("10.0.0.12"), .mac = mac(1), .expires = at(0s).wall}};
        const std::vector with{plan("10.0.0.0/24", "10.0.0.10-10.0.0.13")};
        const std::vector without{plan("10.1.0.0/24", "10.1.0.10-10.1.0.13")};
        fresh.set_subnets(without);
        EXPECT_EQ(fresh.restore(records, at(10s)), 0U);
        fresh.set_subnets(with);
        const auto id = fresh.offer(client(1), std::nullopt, at(10s));
        EXPECT_EQ(fresh.lease(*id).address, ip(crowded ? "10.0.0.10" : "10.0.0.12"));
    }
}

TEST_F(LeaseTableTest, LeasesOfOneMachineInTwoSubnetsAreTwo) {
    use({plan("10.0.0.0/24", "10.0.0.10-10.0.0.13"), plan("10.9.0.0/24", "10.9.0.1-10.9.0.9")});
    EXPECT_EQ(bind(client(1)), ip("10.0.0.10"));
    EXPECT_EQ(bind({mac(1), LinkId{1}, std::nullopt}), ip("10.9.0.1"));
    EXPECT_EQ(bind(client(1)), ip("10.0.0.10"));
}

TEST_F(LeaseTableTest, NeverGivesOutTheSubnetsOwnTwoAddresses) {
    use({plan("10.0.0.0/30", "10.0.0.0-10.0.0.3")});
    EXPECT_EQ(offer(client(1)), ip("10.0.0.1"));
    EXPECT_EQ(offer(client(2)), ip("10.0.0.2"));
    EXPECT_EQ(offer(client(3)), Ipv4Address{});
    use({plan("10.0.0.0/31", "10.0.0.0-10.0.0.1")});
    EXPECT_EQ(table.never_used(), 1U) << "RFC 3021: both count, one is offered";
}

// Both orders: the site may be read before or after the store.
TEST_F(LeaseTableTest, ARestartKeepsWhoHasWhat) {
    const std::vector<LeaseRecord> records{
        {.address = ip("10.0.0.10"), .mac = mac(1), .expires = at(500s).wall},
        {.address = ip("10.0.0.11"), .mac = mac(2), .expires = at(50s).wall},
        {.address = ip("10.0.0.12"),
         .mac = mac(3),
         .state = LeaseRecord::State::declined,
         .expires = at(500s).wall},
        {.address = ip("10.0.0.13"),
         .mac = mac(4),
         .state = LeaseRecord::State::released,
         .expires = at(500s).wall},
    };
    for (const bool site_first : {true, false}) {
        LeaseTable fresh{LeaseLimits{.leases_max = 16}};
        const std::vector subnets{plan("10.0.0.0/24", "10.0.0.10-10.0.0.13")};
        if (site_first) {
            fresh.set_subnets(subnets);
        }
        EXPECT_EQ(fresh.restore(records, at(100s)), 0U);
        fresh.set_subnets(subnets);
        EXPECT_EQ(fresh.count().bound, 1U);
        EXPECT_EQ(fresh.count().idle, 2U);
        EXPECT_EQ(fresh.count().declined, 1U);
        const auto again = [&](std::uint32_t n, Duration when) {
            const auto id = fresh.offer(client(n), std::nullopt, at(when));
            return id ? fresh.lease(*id).address : Ipv4Address{};
        };
        EXPECT_EQ(again(1, 101s), ip("10.0.0.10"));
        EXPECT_EQ(again(9, 101s), ip("10.0.0.13")) << "what was given back goes at once";
        EXPECT_EQ(again(8, 101s), Ipv4Address{}) << "what expired waits: recycle_hold";
        EXPECT_EQ(again(8, 221s), ip("10.0.0.11"));
        EXPECT_EQ(again(2, 221s), Ipv4Address{});
    }
}

// What ran out may have been prolonged while the store was full (LeaseLimits::recycle_hold): a
// reservation that came with the restart must wait like everybody else.
TEST_F(LeaseTableTest, AReservationMadeAtARestartWaitsForLeasesThatMayRunOn) {
    const LeaseRecord record{.address = ip("10.0.0.10"), .mac = mac(1), .expires = at(99s).wall};
    table.reserve(ip("10.0.0.10"));
    EXPECT_EQ(table.restore(std::span{&record, 1}, at(100s)), 0U);
    LeaseClient owner = client(2);
    owner.reserved = ip("10.0.0.10");
    EXPECT_EQ(table.standing(owner, ip("10.0.0.10"), at(101s)), LeaseStanding::taken);
    EXPECT_EQ(offer(owner, 101s), ip("10.0.0.11"));
    EXPECT_EQ(offer(client(1), 102s), Ipv4Address(ip("10.0.0.12"))) << "reserved for another now";
    EXPECT_EQ(table.standing(owner, ip("10.0.0.10"), at(221s)), LeaseStanding::free);
    EXPECT_EQ(offer(owner, 221s), ip("10.0.0.10"));
}

TEST_F(LeaseTableTest, ATableTooSmallForARestartKeepsWhatEndsLast) {
    LeaseTable small{LeaseLimits{.leases_max = 2}};
    const std::vector<LeaseRecord> records{
        {.address = ip("10.0.0.10"), .mac = mac(1), .expires = at(10s).wall},
        {.address = ip("10.0.0.11"), .mac = mac(2), .expires = at(30s).wall},
        {.address = ip("10.0.0.12"), .mac = mac(3), .expires = at(20s).wall},
    };
    EXPECT_EQ(small.restore(records, at(0s)), 1U);
    EXPECT_TRUE(small.find(ip("10.0.0.11")).has_value());
    EXPECT_TRUE(small.find(ip("10.0.0.12")).has_value());
}

} // namespace
} // namespace muster
