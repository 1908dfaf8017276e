// SPDX-License-Identifier: Apache-2.0
#include "io/host/interfaces.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(Interfaces, FindsTheLoopback) {
    const auto lo = find_interface("lo");
    ASSERT_TRUE(lo) << lo.error().text();
    EXPECT_EQ(lo->address, (Ipv4Address{{127, 0, 0, 1}}));
    EXPECT_EQ(lo->prefix_length, 8);
    EXPECT_GT(lo->index, 0U);
}

TEST(Interfaces, NamesTheOneThatIsMissing) {
    const auto missing = find_interface("no-such-if0");
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().text().find("no-such-if0"), std::string::npos);
}

TEST(Interfaces, ALinkThatSaysNothingOfItsRateMakesTheSumUnknown) {
    EXPECT_EQ(link_rate({}), 0U);
    EXPECT_EQ(link_rate({"lo"}), 0U);
    EXPECT_EQ(link_rate({"no-such-interface"}), 0U);
}

} // namespace
} // namespace muster
