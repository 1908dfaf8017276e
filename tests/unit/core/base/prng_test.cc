// SPDX-License-Identifier: Apache-2.0
#include "core/base/prng.hh"

#include <gtest/gtest.h>

#include <array>

namespace muster {
namespace {

// Computed from the authors' description by a program of another language: a seed must mean the
// same run for ever, or no failure of the simulator could be played again.
TEST(Prng, GivesTheNumbersOfItsAlgorithm) {
    Prng zero;
    for (const std::uint64_t number :
         {0x99ec5f36cb75f2b4U, 0xbf6e1f784956452aU, 0x1a5f849d4933e6e0U, 0x6aa594f1262d2d2cU}) {
        EXPECT_EQ(zero.next(), number);
    }
    Prng other{42};
    for (const std::uint64_t number :
         {0x15780b2e0c2ec716U, 0x6104d9866d113a7eU, 0xae17533239e499a1U}) {
        EXPECT_EQ(other.next(), number);
    }
    static_assert(Prng{42}.next() == 0x15780b2e0c2ec716U, "at compile time, too");
}

TEST(Prng, BelowIsBelowAndEachIsEquallyLikely) {
    Prng prng{1};
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(prng.below(1), 0U);
    }
    std::array<int, 6> counts{};
    for (int i = 0; i < 60'000; ++i) {
        ++counts.at(prng.below(6));
    }
    for (const int count : counts) {
        EXPECT_NEAR(count, 10'000, 400); // four standard deviations
    }
    // A bound of three quarters of all numbers: taking the remainder alone would give the lower
    // third twice as often as the rest.
    constexpr std::uint64_t bound = 3ULL << 62U;
    int low = 0;
    for (int i = 0; i < 30'000; ++i) {
        const std::uint64_t value = prng.below(bound);
        ASSERT_LT(value, bound);
        low += value < bound / 3 ? 1 : 0;
    }
    EXPECT_NEAR(low, 10'000, 400);
}

TEST(Prng, UniformAndChanceCoverTheirRange) {
    Prng prng{2};
    double sum = 0;
    int hits = 0;
    for (int i = 0; i < 10'000; ++i) {
        const double value = prng.uniform();
        ASSERT_GE(value, 0.0);
        ASSERT_LT(value, 1.0);
        sum += value;
        hits += prng.chance(0.25) ? 1 : 0;
        ASSERT_FALSE(prng.chance(0.0));
        ASSERT_TRUE(prng.chance(1.0));
    }
    EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
    EXPECT_NEAR(hits, 2'500, 180);
}

TEST(Prng, ASplitIsIndependentOfWhatItsParentDoesLater) {
    Prng first{3};
    Prng second{3};
    Prng child = first.split();
    Prng same = second.split();
    (void)second.next();
    EXPECT_EQ(child.next(), same.next());
    EXPECT_NE(child.next(), first.next());
}

} // namespace
} // namespace muster
