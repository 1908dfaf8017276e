// SPDX-License-Identifier: Apache-2.0
#include "core/site/neighbour_warning.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

SubnetPlan subnet(std::string_view network, std::string_view pool) {
    SubnetPlan plan;
    plan.subnet = read_subnet(network).value();
    plan.pools = {read_address_range(pool).value()};
    return plan;
}

std::vector<InterfaceInfo> rack() {
    InterfaceInfo interface;
    interface.name = "rack0";
    interface.address = read_ipv4_address("10.1.0.1").value();
    return {interface};
}

TEST(NeighbourWarning, NamesTheSysctlAndAValueThatIsEnough) {
    const std::vector subnets{subnet("10.1.0.0/16", "10.1.1.0-10.1.16.255")}; // 4096
    EXPECT_EQ(neighbour_warning(subnets, rack(), 4'096), std::nullopt);
    const auto warning = neighbour_warning(subnets, rack(), 4'095);
    ASSERT_TRUE(warning);
    EXPECT_NE(warning->find("at most 4095 neighbours"), std::string::npos) << *warning;
    EXPECT_NE(warning->find("hold 4096 addresses"), std::string::npos);
    EXPECT_NE(warning->find("net.ipv4.neigh.default.gc_thresh3=8192 "), std::string::npos);
}

TEST(NeighbourWarning, MachinesBehindRelaysAreTheRoutersNeighbours) {
    const std::vector subnets{subnet("10.1.0.0/16", "10.1.1.0-10.1.1.255"),
                              subnet("10.2.0.0/16", "10.2.1.0-10.2.40.255")};
    EXPECT_EQ(neighbour_warning(subnets, rack(), 1'024), std::nullopt);
}

TEST(NeighbourWarning, CountsWhatSharesALinkOrIsTiedToTheInterface) {
    std::vector subnets{subnet("10.1.0.0/16", "10.1.1.0-10.1.2.255"),
                        subnet("10.2.0.0/16", "10.2.1.0-10.2.2.255"),
                        subnet("10.3.0.0/16", "10.3.1.0-10.3.2.255")};
    EXPECT_EQ(neighbour_warning(subnets, rack(), 512), std::nullopt);
    subnets[0].shared_network = subnets[1].shared_network = "hall";
    EXPECT_NE(neighbour_warning(subnets, rack(), 512), std::nullopt);
    EXPECT_EQ(neighbour_warning(subnets, rack(), 1'024), std::nullopt);
    subnets[2].interface = "rack0";
    EXPECT_NE(neighbour_warning(subnets, rack(), 1'024), std::nullopt);
    EXPECT_EQ(neighbour_warning({}, rack(), 0), std::nullopt);
}

} // namespace
} // namespace muster
