// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/flow_shares.hh"

#include "core/base/prng.hh"

#include <gtest/gtest.h>

#include <map>

namespace muster::sim {
namespace {

constexpr Instant at(Duration d) {
    return Instant{} + d;
}

TEST(FlowShares, OneTransferHasTheLinkToItself) {
    FlowShares shares{1000};
    shares.add(0, 5000, 1e9, at(0s));
    EXPECT_EQ(shares.next_completion(), at(5s));
    EXPECT_EQ(shares.moved(0, at(2s)), 2000U);
    EXPECT_EQ(shares.take_completed(at(4s)), UINT32_MAX);
    EXPECT_EQ(shares.take_completed(at(5s)), 0U);
    EXPECT_EQ(shares.next_completion(), Instant::never());
}

TEST(FlowShares, TransfersShareEqually) {
    FlowShares shares{1000};
    shares.add(0, 2000, 1e9, at(0s));
    shares.add(1, 2000, 1e9, at(1s)); // by now 0 has moved 1000
    EXPECT_EQ(shares.next_completion(), at(3s));
    EXPECT_EQ(shares.take_completed(at(3s)), 0U);
    EXPECT_EQ(shares.moved(1, at(3s)), 1000U);
    EXPECT_EQ(shares.next_completion(), at(4s));
}

TEST(FlowShares, WhatALimitedOneLeavesIsTheOthers) {
    FlowShares shares{1000};
    shares.add(0, 10'000, 100, at(0s)); // behind a slow link
    shares.add(1, 9000, 1e9, at(0s));
    EXPECT_EQ(shares.moved(0, at(1s)), 100U);
    EXPECT_EQ(shares.moved(1, at(1s)), 900U);
    EXPECT_EQ(shares.next_completion(), at(10s));
}

TEST(FlowShares, OneThatLeavesGivesItsShareBack) {
    FlowShares shares{1000};
    shares.add(0, 9000, 1e9, at(0s));
    shares.add(1, 9000, 1e9, at(0s));
    shares.remove(0, at(2s));
    EXPECT_FALSE(shares.has(0));
    EXPECT_EQ(shares.next_completion(), at(10s)); // 1000 of it are there, 8000 at full speed
    shares.add(0, 1000, 1e9, at(2s));             // the number is free again
    EXPECT_EQ(shares.next_completion(), at(4s));
}

// Whatever comes and goes: no more moves than the link takes, nobody gets more than its limit, and
// everything arrives in the end.
TEST(FlowShares, ConservesBytes) {
    Prng random{7};
    FlowShares shares{1'000'000};
    std::map<std::uint32_t, std::uint64_t> sizes;
    double finished = 0;
    Instant now{};
    constexpr double limits[] = {1e3, 5e4, 1e9};
    for (int i = 0; i < 5'000; ++i) {
        const auto id = static_cast<std::uint32_t>(random.below(200));
        if (!shares.has(id)) {
            sizes[id] = 1 + random.below(100'000);
            shares.add(id, sizes[id], limits[random.below(3)], now);
        }
        now = now + Duration{static_cast<std::int64_t>(random.below(50'000'000))};
        for (Instant next = shares.next_completion(); next <= now;
             next = shares.next_completion()) {
            const std::uint32_t done = shares.take_completed(next);
            ASSERT_NE(done, UINT32_MAX);
            finished += static_cast<double>(sizes[done]);
        }
    }
    const double seconds = static_cast<double>(now.ns) * 1e-9;
    EXPECT_LE(shares.moved_in_all(now), 1'000'000 * seconds * 1.000001);
    EXPECT_LE(finished, shares.moved_in_all(now) * 1.000001);
    while (shares.count() > 0) {
        const Instant next = shares.next_completion();
        ASSERT_NE(next, Instant::never());
        ASSERT_NE(shares.take_completed(next), UINT32_MAX);
    }
}

} // namespace
} // namespace muster::sim
