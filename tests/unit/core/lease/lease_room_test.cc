// SPDX-License-Identifier: Apache-2.0
#include "core/lease/lease_room.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(LeaseRoom, IsWhatThePoolsOfTheLargerFamilyNeed) {
    SubnetPlan subnet;
    subnet.pools = {read_address_range("10.0.0.0-10.7.255.255").value()}; // 512 Ki
    Subnet6Plan small;
    small.pools = {{.range = read_range6("fd00::1:0-fd00::c:ffff").value()}}; // 768 Ki
    Subnet6Plan vast;
    vast.pools = {{.range = read_range6("fd00:1::-fd00:1::ffff:ffff:ffff:ffff").value()}};
    const std::vector subnets{subnet};
    EXPECT_EQ(lease_room({}, {}, 0), lease_room_least);
    EXPECT_EQ(lease_room(subnets, {}, 0), 524'288U + 16'384U);
    EXPECT_EQ(lease_room(subnets, std::vector{small}, 0), 786'432U + 16'384U);
    EXPECT_EQ(lease_room({}, std::vector{vast}, 0), lease_room_least)
        << "it says nothing of how many machines there are";
    EXPECT_EQ(lease_room(subnets, std::vector{small, vast}, 1'000'000), 1'016'384U);
    EXPECT_EQ(lease_room(subnets, std::vector{small, small}, 0), lease_room_most);
}

} // namespace
} // namespace muster
