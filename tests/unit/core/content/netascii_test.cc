// SPDX-License-Identifier: Apache-2.0
#include "core/content/netascii.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

using namespace std::string_literals;

TEST(Netascii, LinesEndWithBothAndALoneReturnHasANul) {
    EXPECT_EQ(to_netascii(""), "");
    EXPECT_EQ(to_netascii("a\nb\n"), "a\r\nb\r\n");
    EXPECT_EQ(to_netascii("a\rb"), "a\r\0b"s);
    EXPECT_EQ(to_netascii("end\r"), "end\r\0"s);
    EXPECT_EQ(to_netascii("\n\n"), "\r\n\r\n");
}

TEST(Netascii, LinesThatEndWithBothStay) {
    EXPECT_EQ(to_netascii("dos\r\nfile\r\n"), "dos\r\nfile\r\n");
    EXPECT_EQ(to_netascii("\r\r\n"), "\r\0\r\n"s);
}

} // namespace
} // namespace muster
