// SPDX-License-Identifier: Apache-2.0
#include "net/wire/dhcp_option.hh"

#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

TEST(DhcpOption, SkipsPadAndBorrowsTheValue) {
    const auto area = octets({0, 0, 53, 1, 3, 255});
    ByteReader reader{area};
    const auto option = read_dhcp_option(reader);
    ASSERT_TRUE(option.has_value() && option->has_value());
    EXPECT_EQ((*option)->code, DhcpOptionCode::message_type);
    EXPECT_EQ((*option)->value.data(), area.data() + 4) << "the value must not be copied";
    const auto end = read_dhcp_option(reader);
    ASSERT_TRUE(end.has_value());
    EXPECT_FALSE(end->has_value());
}

TEST(DhcpOption, EndsAtTheEndOfTheFieldToo) {
    const auto area = octets({0, 0});
    ByteReader reader{area};
    EXPECT_EQ(read_dhcp_option(reader), std::nullopt);
}

// Every length that points past the end, not one sample: the boundary is where parsers break.
TEST(DhcpOption, RejectsEveryLengthPastTheEndAndTakesEveryOtherOne) {
    for (unsigned have = 0; have <= 255; ++have) {
        for (unsigned len = 0; len <= 255; ++len) {
            auto area = octets({53, len});
            area.resize(2 + have);
            ByteReader reader{area};
            const auto option = read_dhcp_option(reader);
            ASSERT_EQ(option.has_value(), len <= have) << "len " << len << " of " << have;
            if (!option) {
                ASSERT_EQ(option.error(), DhcpError::truncated_option);
            } else {
                ASSERT_EQ((*option)->value.size(), len);
            }
        }
    }
    const auto code_alone = octets({53});
    ByteReader reader{code_alone};
    EXPECT_EQ(read_dhcp_option(reader).error(), DhcpError::truncated_option);
}

TEST(DhcpOption, FindsSubOptionsAndStopsWhereTheyBreakOff) {
    const auto value = octets({1, 2, 10, 11, 5, 4, 192, 0, 2, 0, 9, 200});
    const auto link = find_sub_option(value, 5);
    ASSERT_TRUE(link.has_value());
    EXPECT_EQ(link->size(), 4U);
    EXPECT_FALSE(find_sub_option(value, 9).has_value()) << "its length passes the end";
    EXPECT_FALSE(find_sub_option(value, 7).has_value());
    EXPECT_FALSE(find_sub_option({}, 1).has_value());
}

} // namespace
} // namespace muster::test
