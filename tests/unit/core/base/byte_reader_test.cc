// SPDX-License-Identifier: Apache-2.0
#include "core/base/byte_reader.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(ByteReader, TakesBigEndianNumbers) {
    ByteReader reader{as_bytes(std::string_view{"\x01\x02\x03\x04\x05\x06\x07", 7})};
    EXPECT_EQ(reader.u8(), 0x01);
    EXPECT_EQ(reader.u16(), 0x0203);
    EXPECT_EQ(reader.u32(), 0x04050607U);
    EXPECT_TRUE(reader.empty());
}

// A take that fails must leave the cursor where it was, for every size past the end.
TEST(ByteReader, ATakePastTheEndMovesNothing) {
    for (std::size_t size = 4; size < 300; ++size) {
        ByteReader reader{as_bytes("abc")};
        EXPECT_FALSE(reader.take(size));
        EXPECT_FALSE(reader.u32());
        EXPECT_EQ(reader.remaining(), 3U);
    }
}

TEST(ByteReader, TextEndsAtItsNul) {
    ByteReader reader{as_bytes(std::string_view{"ab\0cd", 5})};
    EXPECT_EQ(reader.text_until_nul(), "ab");
    EXPECT_FALSE(reader.text_until_nul()) << "no NUL follows";
    EXPECT_EQ(as_text(reader.rest()), "cd");
}

} // namespace
} // namespace muster
