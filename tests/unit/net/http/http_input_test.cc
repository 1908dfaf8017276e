// SPDX-License-Identifier: Apache-2.0
#include "net/http/http_input.hh"

#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

TEST(HttpInputPool, LendsEachBlockOnceAndTakesItBackWhenEmpty) {
    HttpInputPool pool{2, 8};
    HttpInput a;
    HttpInput b;
    HttpInput c;
    EXPECT_TRUE(pool.claim(a));
    EXPECT_TRUE(pool.claim(a)) << "has one already";
    EXPECT_TRUE(pool.claim(b));
    EXPECT_FALSE(pool.claim(c));
    EXPECT_NE(a.block, b.block);
    EXPECT_EQ(pool.add(a, as_bytes("abc")), 3U);
    pool.drop(a, 3);
    EXPECT_EQ(pool.blocks_free(), 1U);
    EXPECT_TRUE(pool.claim(c));
    pool.drop_all(c);
    pool.drop_all(b);
    EXPECT_EQ(pool.blocks_free(), 2U) << "also blocks that never held a byte";
    pool.drop_all(b);
    EXPECT_EQ(pool.blocks_free(), 2U) << "once";
}

// Every way to fill and drain a small block, against a plain string.
TEST(HttpInputPool, KeepsOrderWhereverItsBytesLie) {
    constexpr std::size_t size = 6;
    for (std::size_t first = 0; first <= size; ++first) {
        for (std::size_t dropped = 0; dropped <= first; ++dropped) {
            for (std::size_t second = 0; second <= size + 2; ++second) {
                HttpInputPool pool{1, size};
                HttpInput input;
                ASSERT_TRUE(pool.claim(input));
                ASSERT_EQ(pool.add(input, as_bytes(std::string(first, 'a'))), first);
                pool.drop(input, dropped);
                ASSERT_TRUE(pool.claim(input)); // a drained one was given back
                const std::size_t room = size - (first - dropped);
                EXPECT_EQ(pool.room(input), room);
                EXPECT_EQ(pool.add(input, as_bytes(std::string(second, 'b'))),
                          std::min(second, room));
                EXPECT_EQ(as_text(pool.held(input)), std::string(first - dropped, 'a') +
                                                         std::string(std::min(second, room), 'b'));
            }
        }
    }
}

TEST(HttpInputPool, BlocksDoNotOverlap) {
    HttpInputPool pool{3, 4};
    HttpInput inputs[3];
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(pool.claim(inputs[i]));
        ASSERT_EQ(pool.add(inputs[i], as_bytes(std::string(4, static_cast<char>('a' + i)))), 4U);
    }
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(as_text(pool.held(inputs[i])), std::string(4, static_cast<char>('a' + i)));
    }
}

} // namespace
} // namespace muster
