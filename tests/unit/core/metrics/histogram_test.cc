// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/histogram.hh"

#include "core/base/prng.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace muster {
namespace {

TEST(Histogram, EmptyAnswersZero) {
    const Histogram histogram;
    EXPECT_EQ(histogram.count(), 0U);
    EXPECT_EQ(histogram.max(), 0);
    EXPECT_EQ(histogram.quantile(0.5), 0);
    EXPECT_EQ(histogram.mean(), 0);
}

TEST(Histogram, SmallValuesAreExact) {
    Histogram histogram;
    for (int value = 1; value <= 100; ++value) {
        histogram.record(value);
    }
    EXPECT_EQ(histogram.quantile(0), 1);
    EXPECT_EQ(histogram.quantile(0.5), 50);
    EXPECT_EQ(histogram.quantile(0.99), 99);
    EXPECT_EQ(histogram.quantile(1), 100);
    EXPECT_EQ(histogram.mean(), 50.5);
}

TEST(Histogram, EveryAnswerIsWithinItsErrorOfASortedList) {
    Prng prng{7};
    Histogram histogram;
    std::vector<std::int64_t> values;
    for (int i = 0; i < 100'000; ++i) {
        const auto value = static_cast<std::int64_t>(prng.next() >> (2 + prng.below(60)));
        values.push_back(value);
        histogram.record(value);
    }
    std::sort(values.begin(), values.end());
    for (const double share : {0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const auto exact = values[static_cast<std::size_t>(share * 100'000) - 1];
        const auto answer = histogram.quantile(share);
        EXPECT_GE(answer, exact) << share;
        EXPECT_LE(answer - exact, exact / 128) << share;
    }
    EXPECT_EQ(histogram.max(), values.back());
}

TEST(Histogram, TheEdgesOfEveryPowerOfTwo) {
    for (unsigned power = 0; power <= 62; ++power) {
        const std::int64_t edge = std::int64_t{1} << power;
        for (const std::int64_t value : {edge - 1, edge}) {
            Histogram histogram;
            histogram.record(value);
            EXPECT_EQ(histogram.quantile(0.5), value) << "never above the largest";
            histogram.record(INT64_MAX);
            EXPECT_GE(histogram.quantile(0.5), value);
            EXPECT_LE(histogram.quantile(0.5) - value, value / 128);
        }
    }
}

TEST(Histogram, WhatIsOutOfRangeIsClamped) {
    Histogram histogram;
    histogram.record(-5);
    histogram.record(INT64_MIN);
    EXPECT_EQ(histogram.quantile(1), 0);
    histogram.record(INT64_MAX);
    EXPECT_EQ(histogram.max(), std::int64_t{1} << 62U);
}

TEST(Histogram, MergedIsAsIfRecordedTogether) {
    Histogram one;
    Histogram two;
    Histogram both;
    for (int i = 0; i < 1000; ++i) {
        (i % 3 == 0 ? one : two).record(i * i);
        both.record(i * i);
    }
    one.merge(two);
    EXPECT_EQ(one.count(), both.count());
    EXPECT_EQ(one.mean(), both.mean());
    for (const double share : {0.1, 0.5, 0.9, 1.0}) {
        EXPECT_EQ(one.quantile(share), both.quantile(share));
    }
    one.clear();
    EXPECT_EQ(one.count(), 0U);
    EXPECT_EQ(one.quantile(0.5), 0);
}

} // namespace
} // namespace muster
