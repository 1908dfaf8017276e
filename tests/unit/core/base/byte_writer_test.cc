// SPDX-License-Identifier: Apache-2.0
#include "core/base/byte_writer.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(ByteWriter, WritesBigEndianNumbers) {
    std::array<std::byte, 8> buffer{};
    ByteWriter writer{buffer};
    writer.u8(1);
    writer.u16(0x0203);
    writer.u32(0x04050607);
    writer.patch_u8(0, 9);
    EXPECT_EQ(as_text(writer.written()), "\x09\x02\x03\x04\x05\x06\x07");
    EXPECT_FALSE(writer.overflow());
}

TEST(ByteWriter, APutThatDoesNotFitWritesNothingAndIsRemembered) {
    std::array<std::byte, 3> buffer{};
    ByteWriter writer{buffer};
    writer.u16(0x4142);
    writer.u32(0xFFFFFFFF);
    EXPECT_TRUE(writer.overflow());
    writer.u8(0x43);
    EXPECT_EQ(as_text(writer.written()), "ABC");
    EXPECT_TRUE(writer.overflow()) << "an overflow stays known";
}

} // namespace
} // namespace muster
