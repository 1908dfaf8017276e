// SPDX-License-Identifier: Apache-2.0
#include "core/mem/spsc_ring.hh"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace muster {
namespace {

TEST(SpscRing, AFullRingRefusesAndLeavesTheItem) {
    SpscRing<std::unique_ptr<int>> ring{2};
    EXPECT_TRUE(ring.push(std::make_unique<int>(1)));
    EXPECT_TRUE(ring.push(std::make_unique<int>(2)));
    auto third = std::make_unique<int>(3);
    EXPECT_FALSE(ring.push(std::move(third)));
    EXPECT_NE(third, nullptr); // NOLINT(bugprone-use-after-move): that it stays is the claim
    std::unique_ptr<int> item;
    ASSERT_TRUE(ring.pop(item));
    EXPECT_EQ(*item, 1);
    EXPECT_EQ(ring.room(), 1U);
}

// Run under TSan too: the pairing of the two orderings is what is tested.
TEST(SpscRing, EverythingArrivesInOrderBetweenTwoThreads) {
    constexpr int count = 100'000;
    SpscRing<std::unique_ptr<int>> ring{64};
    std::jthread writer{[&ring] {
        for (int i = 0; i < count;) {
            auto item = std::make_unique<int>(i);
            while (!ring.push(std::move(item))) {
                std::this_thread::yield();
            }
            ++i;
        }
    }};
    for (int i = 0; i < count;) {
        std::unique_ptr<int> item;
        if (ring.pop(item)) {
            ASSERT_EQ(*item, i);
            ++i;
        } else {
            std::this_thread::yield();
        }
    }
}

} // namespace
} // namespace muster
