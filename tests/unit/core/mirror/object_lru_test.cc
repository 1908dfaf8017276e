// SPDX-License-Identifier: Apache-2.0
#include "core/mirror/object_lru.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

constexpr ObjectId a{1};
constexpr ObjectId b{2};
constexpr ObjectId c{3};

void put(ObjectLru& lru, ObjectId id, std::uint64_t room) {
    lru.reserve(room);
    lru.add(id, room);
}

TEST(ObjectLru, RoomIsBlocksAndOneMore) {
    EXPECT_EQ(ObjectLru::room_of(0), 4096U);
    EXPECT_EQ(ObjectLru::room_of(1), 8192U);
    EXPECT_EQ(ObjectLru::room_of(4096), 8192U);
    EXPECT_EQ(ObjectLru::room_of(4097), 12288U);
}

TEST(ObjectLru, WhatWasUsedLongestAgoGoesFirst) {
    ObjectLru lru{25};
    put(lru, a, 10);
    put(lru, b, 10);
    EXPECT_EQ(lru.excess(), std::nullopt);
    put(lru, c, 10);
    EXPECT_EQ(lru.excess(), a);
    lru.touch(a);
    EXPECT_EQ(lru.excess(), b);
    lru.remove(b);
    EXPECT_EQ(lru.excess(), std::nullopt);
    EXPECT_EQ(lru.used(), 20U);
    EXPECT_EQ(lru.count(), 2U);
}

TEST(ObjectLru, RoomOfWhatArrivesCounts) {
    ObjectLru lru{25};
    put(lru, a, 10);
    lru.reserve(20);
    EXPECT_EQ(lru.excess(), a);
    lru.remove(a);
    EXPECT_EQ(lru.excess(), std::nullopt) << "nothing is left that could go";
    lru.release(20);
    EXPECT_EQ(lru.used(), 0U);
    lru.remove(a); // gone already
    lru.touch(a);
    EXPECT_EQ(lru.used(), 0U);
}

} // namespace
} // namespace muster::test
