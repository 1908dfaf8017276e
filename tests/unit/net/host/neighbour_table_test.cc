// SPDX-License-Identifier: Apache-2.0
#include "net/host/neighbour_table.hh"

#include "core/addr/subnet.hh"
#include "net/host/igmp_querier.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

constexpr MacAddress first{{0x52, 0x54, 0, 0, 0, 1}};
constexpr MacAddress second{{0x52, 0x54, 0, 0, 0, 2}};
constexpr Ipv4Address someone{{10, 79, 0, 9}};
constexpr Instant start = Instant{} + 1h;

TEST(NeighbourTable, KnowsWhoWasHeard) {
    NeighbourTable table{16};
    EXPECT_EQ(table.find(someone), nullptr);
    table.hear_arp(someone, first, start);
    ASSERT_NE(table.find(someone), nullptr);
    EXPECT_EQ(table.find(someone)->mac, first);
    table.hear_arp(someone, second, start);
    EXPECT_EQ(table.find(someone)->mac, second) << "ARP counts whatever was known";
    table.forget(someone);
    EXPECT_EQ(table.find(someone), nullptr);
    EXPECT_EQ(table.find(Ipv4Address{}), nullptr) << "a free place is nobody";
}

TEST(NeighbourTable, APacketDoesNotChangeWhatArpSaid) {
    NeighbourTable table{16};
    table.hear_arp(someone, first, start);
    table.hear_packet(someone, second, start + 59s, 60s);
    EXPECT_EQ(table.find(someone)->mac, first);
    table.hear_packet(someone, second, start + 61s, 60s);
    EXPECT_EQ(table.find(someone)->mac, second) << "that was long ago";
    table.hear_packet(someone, first, start + 62s, 60s);
    EXPECT_EQ(table.find(someone)->mac, first) << "one packet counts as much as another";
}

TEST(NeighbourTable, APacketConfirmsWhatIsKnown) {
    NeighbourTable table{16};
    table.hear_arp(someone, first, start);
    table.find(someone)->asks = 2;
    table.hear_packet(someone, first, start + 59s, 60s);
    EXPECT_EQ(table.find(someone)->heard, start + 59s);
    EXPECT_EQ(table.find(someone)->asks, 0);
    table.hear_packet(someone, second, start + 100s, 60s);
    EXPECT_EQ(table.find(someone)->mac, first) << "still what ARP said";
}

TEST(NeighbourTable, AFloodPushesOutTheSilentAndStaysInItsRoom) {
    NeighbourTable table{64};
    table.hear_arp(someone, first, start);
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        const Instant at = start + Duration{i} + 1ns;
        table.hear_packet(from_number(0x0B000000U + i), second, at, 60s);
        if (i % 16 == 0) {
            table.hear_packet(someone, first, at, 60s);
        }
    }
    ASSERT_NE(table.find(someone), nullptr) << "it was heard all the time";
    EXPECT_EQ(table.find(someone)->mac, first);
    std::uint32_t known = 0;
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        known += table.find(from_number(0x0B000000U + i)) != nullptr ? 1U : 0U;
    }
    EXPECT_EQ(known, 63U) << "every other place";
}

constexpr Ipv4Address own{{10, 79, 0, 5}};

TEST(IgmpQuerier, AsksAtOnceThenAfterAQuarterThenAtItsInterval) {
    IgmpQuerier querier;
    EXPECT_EQ(querier.next_deadline(), Instant::never());
    EXPECT_FALSE(querier.expire(start)) << "nothing is multicast";
    querier.start(start);
    EXPECT_TRUE(querier.expire(start));
    EXPECT_FALSE(querier.expire(start));
    EXPECT_EQ(querier.next_deadline(), start + IgmpQuerier::startup_interval);
    EXPECT_TRUE(querier.expire(start + 31s));
    EXPECT_EQ(querier.next_deadline(), start + 31s + IgmpQuerier::query_interval);
    querier.start(start + 40s);
    EXPECT_EQ(querier.next_deadline(), start + 31s + IgmpQuerier::query_interval) << "it runs";
}

TEST(IgmpQuerier, KeepsSilentBesideALowerAddress) {
    IgmpQuerier querier;
    querier.on_query({{10, 79, 0, 4}}, own, start);
    querier.start(start + 1s);
    EXPECT_EQ(querier.next_deadline(), start + 255s);
    EXPECT_FALSE(querier.expire(start + 254s));
    EXPECT_TRUE(querier.expire(start + 255s)) << "the other one has gone";
    querier.on_query({{10, 79, 0, 6}}, own, start + 256s);
    EXPECT_EQ(querier.next_deadline(), start + 286s) << "a higher one keeps silent itself";
    querier.on_query({}, own, start + 257s);
    EXPECT_EQ(querier.next_deadline(), start + 286s) << "a switch's own, without an address";
}

} // namespace
} // namespace muster::test
