// SPDX-License-Identifier: Apache-2.0
// Pools of several subnets on one link, for some machines only, and many subnets at once.
#include "core/lease/lease_table.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

constexpr LinkId link0{0};

MacAddress mac(std::uint32_t n) {
    return {{0x52, 0x54, static_cast<std::uint8_t>(n >> 24U), static_cast<std::uint8_t>(n >> 16U),
             static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)}};
}

Ipv4Address ip(std::string_view text) {
    return read_ipv4_address(text).value();
}

PoolPlan pool(std::string_view range, ClassMask classes = 0, bool bootp = false) {
    PoolPlan made{read_address_range(range).value()};
    made.classes = classes;
    made.bootp = bootp;
    return made;
}

SubnetPlan plan(std::string_view subnet, std::vector<PoolPlan> pools,
                std::string_view shared = "") {
    SubnetPlan made;
    made.subnet = read_subnet(subnet).value();
    made.pools = std::move(pools);
    made.shared_network = shared;
    return made;
}

Now at(Duration since_start) {
    return {Instant{} + since_start, UnixTime{1'000'000'000'000} + since_start};
}

LeaseClient client(std::uint32_t n, ClassMask classes = 0, LinkId link = link0) {
    return {.mac = mac(n), .link = link, .classes = classes};
}

class LeasePoolsTest : public testing::Test {
protected:
    void use(const std::vector<SubnetPlan>& subnets) { table.set_subnets(subnets); }
    std::string bind(const LeaseClient& who, Duration when = 0s) {
        const auto id = table.offer(who, std::nullopt, at(when));
        if (!id) {
            return "-";
        }
        const LeaseRecord record{
            .address = table.lease(*id).address, .mac = who.mac, .expires = at(when + 1h).wall};
        table.bind(*id, record, at(when + 1h).steady);
        return to_text(record.address);
    }
    LeaseTable table{LeaseLimits{.leases_max = 64, .expiry_grace = 0s}};
};

TEST_F(LeasePoolsTest, PoolsOfALinkAreUsedInTheirOrder) {
    use({plan("10.1.0.0/24", {pool("10.1.0.9"), pool("10.1.0.5")}, "hall"),
         plan("10.2.0.0/24", {pool("10.2.0.1")}), plan("10.0.0.0/24", {pool("10.0.0.7")}, "hall")});
    EXPECT_EQ(table.pool_size(link0), 3U);
    EXPECT_EQ(bind(client(1)), "10.1.0.9");
    EXPECT_EQ(bind(client(2)), "10.1.0.5");
    EXPECT_EQ(bind(client(3)), "10.0.0.7");
    EXPECT_EQ(bind(client(4)), "-");
    EXPECT_EQ(bind(client(1)), "10.1.0.9");
    EXPECT_EQ(bind(client(4, 0, LinkId{1})), "10.2.0.1");
    EXPECT_EQ(table.standing(client(3), ip("10.1.0.77"), at(0s)), LeaseStanding::unserved);
    EXPECT_EQ(table.standing(client(3), ip("10.2.0.1"), at(0s)), LeaseStanding::wrong_network);
}

TEST_F(LeasePoolsTest, OfEndedLeasesTheOldestOfAllOpenPoolsGoesFirst) {
    use({plan("10.1.0.0/24", {pool("10.1.0.1"), pool("10.1.0.2", 2), pool("10.1.0.3")})});
    EXPECT_EQ(bind(client(1), 0s), "10.1.0.1");
    EXPECT_EQ(bind(client(2), 2s), "10.1.0.3") << "the second pool is not open to it";
    EXPECT_EQ(bind(client(3, 2), 1s), "10.1.0.2");
    EXPECT_EQ(bind(client(4)), "-");
    table.expire(at(2h));
    EXPECT_EQ(bind(client(5), 2h), "10.1.0.1");
    EXPECT_EQ(bind(client(6), 2h), "10.1.0.3") << "not the one of the class, which ended before";
    EXPECT_EQ(bind(client(7), 2h), "-");
    EXPECT_EQ(bind(client(8, 3), 2h), "10.1.0.2") << "any of its classes will do";
}

TEST_F(LeasePoolsTest, WhatAMachineHasItKeepsWhateverClassItShows) {
    use({plan("10.1.0.0/24", {pool("10.1.0.1", 1), pool("10.1.0.2")})});
    EXPECT_EQ(bind(client(1, 1)), "10.1.0.1");
    EXPECT_EQ(bind(client(1, 0)), "10.1.0.1");
    EXPECT_EQ(table.standing(client(1, 0), ip("10.1.0.1"), at(0s)), LeaseStanding::own);
    EXPECT_EQ(table.standing(client(2, 0), ip("10.1.0.1"), at(0s)), LeaseStanding::taken);
    EXPECT_EQ(table.standing(client(2, 1), ip("10.1.0.2"), at(0s)), LeaseStanding::free);
}

TEST_F(LeasePoolsTest, BootpTakesFromItsPoolsAlone) {
    use({plan("10.1.0.0/24", {pool("10.1.0.1"), pool("10.1.0.2", 0, true)})});
    LeaseClient old = client(1);
    old.bootp = true;
    EXPECT_EQ(bind(old), "10.1.0.2");
    EXPECT_EQ(bind(client(2)), "10.1.0.1");
    old.mac = mac(2);
    EXPECT_EQ(bind(old), "-") << "it would take an address for good that others wait for";
    old.reserved = ip("10.1.0.99");
    EXPECT_EQ(bind(old), "10.1.0.99");
}

TEST_F(LeasePoolsTest, ANewSiteMovesLeasesToTheirNewLinks) {
    use({plan("10.1.0.0/24", {pool("10.1.0.1")}), plan("10.2.0.0/24", {pool("10.2.0.1")})});
    EXPECT_EQ(bind(client(1)), "10.1.0.1");
    EXPECT_EQ(bind(client(2, 0, LinkId{1})), "10.2.0.1");
    table.expire(at(2h));
    use({plan("10.2.0.0/24", {pool("10.2.0.1")}, "s"),
         plan("10.1.0.0/24", {pool("10.1.0.1")}, "s")});
    EXPECT_EQ(bind(client(1), 2h), "10.1.0.1") << "remembered, on the link that both share now";
    EXPECT_EQ(bind(client(3), 2h), "10.2.0.1");
}

TEST_F(LeasePoolsTest, FindsTheSubnetOfAnAddressAmongMany) {
    std::vector<SubnetPlan> plans;
    for (unsigned n = 0; n < 200; ++n) {
        const std::string prefix = "10." + std::to_string(199 - n) + ".";
        plans.push_back(plan(prefix + "0.0/16", {pool(prefix + "0.10")}));
    }
    use(plans);
    for (const unsigned n : {0U, 1U, 99U, 198U, 199U}) {
        const std::string address = "10." + std::to_string(199 - n) + ".0.10";
        table.reserve(ip(address));
        EXPECT_EQ(bind(client(n + 1, 0, static_cast<LinkId>(n))), "-") << address;
        table.unreserve(ip(address));
        EXPECT_EQ(bind(client(n + 1, 0, static_cast<LinkId>(n))), address);
    }
}

} // namespace
} // namespace muster
