// SPDX-License-Identifier: Apache-2.0
#include "core/lease/address_bitmap.hh"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace muster {
namespace {

// Sizes around every power of the fan-out, where a level begins or a word is not full.
TEST(AddressBitmap, HandsOutEachNumberOnceInOrderForEverySizeAroundAWord) {
    for (const std::uint32_t size : {1U, 2U, 63U, 64U, 65U, 127U, 128U, 4095U, 4096U, 4097U}) {
        AddressBitmap set{size};
        for (std::uint32_t n = 0; n < size; ++n) {
            ASSERT_EQ(set.smallest(), n) << "size " << size;
            ASSERT_TRUE(set.contains(n));
            set.erase(n);
            ASSERT_FALSE(set.contains(n));
        }
        EXPECT_EQ(set.smallest(), std::nullopt) << "size " << size;
        EXPECT_EQ(set.count(), 0U);
        EXPECT_FALSE(set.contains(size)) << "past the end";
        set.insert(size - 1);
        EXPECT_EQ(set.smallest(), size - 1);
    }
}

TEST(AddressBitmap, AgreesWithASetOverRandomSteps) {
    constexpr std::uint32_t size = 70'000; // three levels
    AddressBitmap bitmap{size};
    std::set<std::uint32_t> model;
    for (std::uint32_t n = 0; n < size; ++n) {
        bitmap.erase(n);
    }
    std::mt19937 random{7};
    for (int step = 0; step < 20'000; ++step) {
        const auto n = static_cast<std::uint32_t>(random() % size);
        if (random() % 2 == 0) {
            bitmap.insert(n);
            model.insert(n);
        } else {
            bitmap.erase(n);
            model.erase(n);
        }
        ASSERT_EQ(bitmap.count(), model.size());
        ASSERT_EQ(bitmap.smallest(), model.empty() ? std::nullopt : std::optional{*model.begin()});
    }
}

} // namespace
} // namespace muster
