// SPDX-License-Identifier: Apache-2.0
#include "core/mem/slab.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(Slab, AReleasedHandleIsStaleForEver) {
    Slab<int> slab{1};
    const auto first = slab.claim();
    *first.value = 7;
    slab.release(first.handle);
    EXPECT_EQ(slab.get(first.handle), nullptr);
    const auto second = slab.claim();
    EXPECT_EQ(second.handle.slot, first.handle.slot);
    EXPECT_EQ(slab.get(first.handle), nullptr);
    EXPECT_EQ(*second.value, 0) << "a slot comes fresh";
}

TEST(Slab, AFullSlabAnswersNull) {
    Slab<int> slab{2};
    const auto a = slab.claim();
    const auto b = slab.claim();
    EXPECT_NE(a.value, b.value);
    EXPECT_EQ(slab.claim().value, nullptr);
    EXPECT_EQ(slab.in_use(), 2U);
    EXPECT_EQ(slab.get(SlabHandle{}), nullptr);
    EXPECT_EQ(slab.get(SlabHandle{99, 1}), nullptr);
}

} // namespace
} // namespace muster
