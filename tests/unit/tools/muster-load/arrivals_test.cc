// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/arrivals.hh"

#include <gtest/gtest.h>

namespace muster::load {
namespace {

std::vector<Duration> all(Arrivals arrivals, std::size_t most = 1'000'000) {
    std::vector<Duration> moments;
    while (arrivals.next() && moments.size() < most) {
        moments.push_back(*arrivals.next());
        arrivals.pop();
    }
    return moments;
}

TEST(Arrivals, OnceIsAllAtOnce) {
    const auto moments = all({{.shape = Pace::Shape::once}, 100, false, Prng{1}});
    ASSERT_EQ(moments.size(), 100U);
    EXPECT_EQ(moments.front(), Duration{});
    EXPECT_EQ(moments.back(), Duration{});
}

TEST(Arrivals, SpreadFillsItsTimeInOrder) {
    const auto moments =
        all({{.shape = Pace::Shape::spread, .spread = 30s}, 10'000, false, Prng{1}});
    ASSERT_EQ(moments.size(), 10'000U);
    EXPECT_TRUE(std::is_sorted(moments.begin(), moments.end()));
    EXPECT_LT(moments.back(), 30s);
    EXPECT_GT(moments.back(), 29s);
    EXPECT_NEAR(std::chrono::duration<double>(moments[5000]).count(), 15, 1);
}

TEST(Arrivals, RacksComeASecondApart) {
    const auto moments = all({{.shape = Pace::Shape::racks, .rack_size = 40}, 100, false, Prng{1}});
    ASSERT_EQ(moments.size(), 100U);
    EXPECT_EQ(moments[39], 0s);
    EXPECT_EQ(moments[40], 1s);
    EXPECT_EQ(moments[99], 2s);
}

TEST(Arrivals, ARateIsKeptOnAverageAndIsNotRegular) {
    const auto moments = all({{.shape = Pace::Shape::rate, .rate = 1000}, 20'000, false, Prng{1}});
    ASSERT_EQ(moments.size(), 20'000U);
    EXPECT_NEAR(std::chrono::duration<double>(moments.back()).count(), 20, 1);
    // Of exponential intervals about 63 % are below the mean.
    const auto shorter = std::count_if(moments.begin() + 1, moments.end(),
                                       [&](const Duration& m) { return m - *(&m - 1) < 1ms; });
    EXPECT_NEAR(static_cast<double>(shorter) / 20'000, 0.632, 0.02);
}

TEST(Arrivals, AnEndlessRateGoesOn) {
    EXPECT_EQ(all({{.shape = Pace::Shape::rate, .rate = 10}, 3, true, Prng{1}}, 1000).size(),
              1000U);
}

TEST(Arrivals, TheSameSeedGivesTheSameMoments) {
    const Pace pace{.shape = Pace::Shape::rate, .rate = 10};
    EXPECT_EQ(all({pace, 50, false, Prng{4}}), all({pace, 50, false, Prng{4}}));
    EXPECT_NE(all({pace, 50, false, Prng{4}}), all({pace, 50, false, Prng{5}}));
}

} // namespace
} // namespace muster::load
