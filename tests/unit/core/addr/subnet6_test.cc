// SPDX-License-Identifier: Apache-2.0
#include "core/addr/subnet6.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

Ipv6Address ip6(std::string_view text) {
    return read_ipv6_address(text).value();
}

TEST(Subnet6, ReadsAndContains) {
    const auto subnet = read_subnet6("2001:db8:8000::/33");
    ASSERT_TRUE(subnet);
    EXPECT_TRUE(subnet->contains(ip6("2001:db8:ffff::1")));
    EXPECT_FALSE(subnet->contains(ip6("2001:db8:7fff::1")));
    EXPECT_EQ(to_text(*subnet), "2001:db8:8000::/33");
    EXPECT_TRUE(read_subnet6("::/0")->contains(ip6("ffff::1")));
    EXPECT_TRUE(read_subnet6("fd00::1/128")->contains(ip6("fd00::1")));
    EXPECT_FALSE(read_subnet6("fd00::1/128")->contains(ip6("fd00::2")));
    for (const char* wrong :
         {"fd00::1/64", "fd00::/129", "fd00::", "fd00::/", "10.0.0.0/8", "fd00::/x"}) {
        EXPECT_FALSE(read_subnet6(wrong)) << wrong;
    }
}

TEST(Range6, CountsOverTheMiddleOfTheAddress) {
    const auto range = read_range6("fd00::ffff:ffff:ffff:fffe-fd00:0:0:1::1");
    ASSERT_TRUE(range);
    EXPECT_EQ(range->count(), 4U);
    EXPECT_EQ(to_text(address_at(*range, 2)), "fd00:0:0:1::");
    EXPECT_EQ(index_in(*range, ip6("fd00:0:0:1::1")), 3U);
    EXPECT_EQ(read_range6("::-ffff::")->count(), UINT64_MAX);
    EXPECT_EQ(index_in(*read_range6("::-ffff::"), ip6("ffff::")), UINT32_MAX);
    EXPECT_EQ(read_range6("fd00::7")->count(), 1U);
    EXPECT_FALSE(read_range6("fd00::7-fd00::6"));
}

TEST(Range6, WhatMachinesCanHaveOfIt) {
    const auto part = [](const char* subnet, const char* range, std::uint32_t limit) {
        const auto usable = usable_part(*read_subnet6(subnet), *read_range6(range), limit);
        return usable ? to_text(usable->first) + "-" + to_text(usable->last) : std::string{"none"};
    };
    EXPECT_EQ(part("fd00::/64", "fd00::-fd00::ff", 1000), "fd00::1-fd00::ff");
    EXPECT_EQ(part("fd00::/64", "fd00::5-fd00::ff", 16), "fd00::5-fd00::14");
    EXPECT_EQ(part("fd00::/127", "fd00::-fd00::1", 16), "fd00::-fd00::1");
    EXPECT_EQ(part("fd00::/64", "fd00::-fd00::", 16), "none");
    EXPECT_EQ(part("fd00::/64", "fd01::1-fd01::2", 16), "none");
}

} // namespace
} // namespace muster
