// SPDX-License-Identifier: Apache-2.0
#include "io/client/client_neighbours.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

using std::chrono::milliseconds;

const Ipv4Address hop{{10, 0, 0, 1}};
const Ipv4Address other{{10, 0, 0, 2}};
const MacAddress hop_mac{{2, 0, 0, 0, 0, 1}};

ClientTx datagram_to(const Ipv4Address& address) {
    return {.source = {Ipv4Address{{10, 0, 0, 7}}, 2000},
            .destination = {address, 69},
            .mac = MacAddress{{2, 0, 0, 0, 0, 7}}};
}
Bytes payload() {
    static constexpr std::array<std::byte, 3> bytes{std::byte{1}, std::byte{2}, std::byte{3}};
    return bytes;
}

TEST(ClientNeighbours, WhatWaitedLeavesForTheAddressThatWasFound) {
    ClientNeighbours neighbours;
    EXPECT_FALSE(neighbours.find(hop));
    ASSERT_TRUE(neighbours.is_time_to_ask(hop, Instant{}));
    ASSERT_TRUE(neighbours.hold(hop, datagram_to(hop), payload()));
    ASSERT_TRUE(neighbours.hold(other, datagram_to(other), payload()));
    std::vector<std::vector<std::byte>> left;
    const auto put = [&](Bytes frame) {
        left.emplace_back(frame.begin(), frame.end());
    };
    neighbours.on_reply({hop_mac, hop, {}}, put);
    ASSERT_EQ(left.size(), 1U);
    const auto read = read_frame(left[0], true);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->destination, hop_mac);
    EXPECT_EQ(read->datagram.destination.address, IpAddress{hop});
    EXPECT_EQ(neighbours.find(hop), hop_mac);
    neighbours.on_reply({hop_mac, hop, {}}, put);
    EXPECT_EQ(left.size(), 1U) << "once";
}

TEST(ClientNeighbours, AReplyThatNobodyAskedForTeachesNothing) {
    ClientNeighbours neighbours;
    neighbours.on_reply({hop_mac, hop, {}}, [](Bytes) { FAIL(); });
    EXPECT_FALSE(neighbours.find(hop));
}

TEST(ClientNeighbours, AsksAgainAfterAWhileOnceForAllThatWait) {
    ClientNeighbours neighbours;
    const Instant start{};
    EXPECT_TRUE(neighbours.is_time_to_ask(hop, start));
    EXPECT_FALSE(neighbours.is_time_to_ask(hop, start + milliseconds{499}));
    int asked = 0;
    const auto ask = [&](const Ipv4Address& address) {
        EXPECT_EQ(address, hop);
        ++asked;
    };
    neighbours.ask_again(start + milliseconds{600}, ask);
    EXPECT_EQ(asked, 0) << "nothing waits for it";
    ASSERT_TRUE(neighbours.hold(hop, datagram_to(hop), payload()));
    ASSERT_TRUE(neighbours.hold(hop, datagram_to(hop), payload()));
    neighbours.ask_again(start + milliseconds{600}, ask);
    neighbours.ask_again(start + milliseconds{700}, ask);
    EXPECT_EQ(asked, 1);
    neighbours.ask_again(start + milliseconds{1100}, ask);
    EXPECT_EQ(asked, 2);
}

TEST(ClientNeighbours, SoManyWaitAndNoMore) {
    ClientNeighbours neighbours;
    std::size_t held = 0;
    while (held < 100'000 && neighbours.hold(hop, datagram_to(hop), payload())) {
        ++held;
    }
    EXPECT_EQ(held, 4096U);
}

} // namespace
} // namespace muster
