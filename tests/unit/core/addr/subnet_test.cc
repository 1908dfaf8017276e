// SPDX-License-Identifier: Apache-2.0
#include "core/addr/subnet.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(Subnet, EveryPrefixLengthHasItsMaskAndBroadcast) {
    for (unsigned length = 0; length <= 32; ++length) {
        const std::string text = (length == 0 ? "0.0.0.0/" : "128.0.0.0/") + std::to_string(length);
        const auto subnet = read_subnet(text);
        ASSERT_TRUE(subnet) << text;
        const std::uint64_t size = std::uint64_t{1} << (32U - length);
        EXPECT_EQ(std::uint64_t{to_number(subnet->broadcast())} - to_number(subnet->network) + 1,
                  size);
        EXPECT_EQ(to_number(subnet->mask()),
                  length == 0 ? 0U : ~static_cast<std::uint32_t>(size - 1));
        EXPECT_TRUE(subnet->contains(subnet->network) && subnet->contains(subnet->broadcast()));
    }
}

TEST(Subnet, RefusesHostBitsAndBadText) {
    for (const char* text : {"10.0.0.1/24", "10.0.0.0/33", "10.0.0.0", "10.0.0.0/", "10.0.0/8",
                             "10.0.0.0/8x", "10.0.0.0/-1"}) {
        EXPECT_FALSE(read_subnet(text)) << text;
    }
}

TEST(AddressRange, CountsAndContains) {
    const auto range = read_address_range("10.0.1.0-10.0.255.250");
    ASSERT_TRUE(range);
    EXPECT_EQ(range->count(), 65275U);
    EXPECT_TRUE(range->contains({{10, 0, 2, 0}}));
    EXPECT_FALSE(range->contains({{10, 0, 0, 255}}));
    EXPECT_EQ(read_address_range("0.0.0.0-255.255.255.255")->count(), std::uint64_t{1} << 32U);
    EXPECT_EQ(read_address_range("10.0.0.7")->count(), 1U);
    EXPECT_FALSE(read_address_range("10.0.0.7-10.0.0.6"));
    EXPECT_FALSE(read_address_range("10.0.0.7-"));
}

} // namespace
} // namespace muster
