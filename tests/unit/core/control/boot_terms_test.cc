// SPDX-License-Identifier: Apache-2.0
#include "core/control/boot_terms.hh"

#include "core/node/node_record.hh"
#include "core/site/site.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

Ipv4Address address(std::string_view text) {
    return *read_ipv4_address(text);
}

Site site() {
    Site made;
    SubnetPlan near;
    near.subnet = *read_subnet("10.0.0.0/24");
    SubnetPlan far;
    far.subnet = *read_subnet("10.1.0.0/24");
    far.relays = {address("192.0.2.1")};
    made.subnets = {near, far};
    made.profiles["wide"].name = "wide";
    made.profiles["narrow"].name = "narrow";
    made.profiles["narrow"].boot_slots = 5;
    made.boot = {.priorities = {{"storage", 10}, {"spare", -5}, {"late", -9}},
                 .tag_slots = {{"rack1", 8}},
                 .switch_slots = {{std::string("\x00\x01", 2), 20}},
                 .relay_slots = {{address("192.0.2.1"), 3}}};
    return made;
}

TEST(BootTerms, AreNoneUnlessTheSiteHasSome) {
    NodeRecord node;
    node.spec.profile = "wide";
    node.spec.tags = {"rack2"};
    node.address = address("10.0.0.7");
    const BootTerms terms = boot_terms(node, site());
    EXPECT_EQ(terms.priority, 0);
    EXPECT_TRUE(terms.budgets.empty());
    EXPECT_TRUE(boot_terms(NodeRecord{}, Site{}).budgets.empty());
}

TEST(BootTerms, AreThoseOfTagProfileSwitchAndRelay) {
    NodeRecord node;
    node.spec.profile = "narrow";
    node.spec.tags = {"compute", "rack1"};
    node.remote_id = std::string("\x00\x01", 2);
    node.address = address("10.1.0.7");
    EXPECT_EQ(boot_terms(node, site()).budgets, (std::vector<BootBudget>{{"tag rack1", 8},
                                                                         {"profile narrow", 5},
                                                                         {"switch 0x0001", 20},
                                                                         {"relay 192.0.2.1", 3}}));
}

TEST(BootTerms, TheHighestPriorityOfItsTagsCounts) {
    NodeRecord node;
    node.spec.tags = {"late", "spare"};
    EXPECT_EQ(boot_terms(node, site()).priority, -5) << "not 0, which none of them says";
    node.spec.tags = {"late", "storage", "spare"};
    EXPECT_EQ(boot_terms(node, site()).priority, 10);
}

} // namespace
} // namespace muster
