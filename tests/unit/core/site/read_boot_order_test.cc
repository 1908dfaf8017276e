// SPDX-License-Identifier: Apache-2.0
#include "core/site/loader_parts.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

struct BootOrderRead {
    BootOrder boot;
    std::string problems;
};

BootOrderRead read_boot_order(const std::string& text) {
    SiteDraft draft;
    SubnetPlan plan;
    plan.subnet = *read_subnet("10.1.0.0/24");
    plan.relays = {*read_ipv4_address("192.0.2.1")};
    draft.site.subnets.push_back(plan);
    if (const auto value = read_yaml("site.yaml", text, draft.problems)) {
        read_boot_order_yaml(*value, draft);
    }
    BootOrderRead read{draft.site.boot, {}};
    for (const SiteProblem& problem : draft.problems) {
        read.problems += to_text(problem) + "\n";
    }
    return read;
}

TEST(ReadBootOrder, TakesPrioritiesAndSlots) {
    const auto read = read_boot_order("priorities: {storage: 10, spare: -5}\n"
                                      "slots:\n"
                                      "  tags: {rack1: 8}\n"
                                      "  relays: {10.1.0.254: 24, 192.0.2.1: 3}\n"
                                      "  switches: {sw-12: 20, '0x0001ff': 4}\n");
    EXPECT_EQ(read.problems, "");
    EXPECT_EQ(read.boot.priorities, (std::map<std::string, int>{{"storage", 10}, {"spare", -5}}));
    EXPECT_EQ(read.boot.tag_slots, (std::map<std::string, unsigned>{{"rack1", 8}}));
    EXPECT_EQ(read.boot.relay_slots.at(*read_ipv4_address("10.1.0.254")), 24U);
    EXPECT_EQ(read.boot.relay_slots.at(*read_ipv4_address("192.0.2.1")), 3U);
    EXPECT_EQ(read.boot.switch_slots.at("sw-12"), 20U);
    EXPECT_EQ(read.boot.switch_slots.at(std::string("\x00\x01\xff", 3)), 4U);
}

TEST(ReadBootOrder, SaysWhatIsWrong) {
    const std::pair<std::string, std::string> cases[] = {
        {"priorities: {storage: high}", "priority 'high' is no number from -1000 to 1000"},
        {"priorities: {storage: 1001}", "priority '1001' is no number from -1000 to 1000"},
        {"priorities: {'a b': 1}", "'a b' is no tag"},
        {"slots: {tags: {rack1: 0}}", "0 slots: no machine would ever load"},
        {"slots: {tags: {rack1: 100001}}", "100000"},
        {"slots: {tags: {'a b': 1}}", "'a b' is no tag"},
        {"slots: {relays: {10.2.0.1: 4}}", "relay 10.2.0.1 is of no subnet"},
        {"slots: {relays: {rack1: 4}}", "relay 'rack1' is no IPv4 address"},
        {"slots: {switches: {'0xz': 4}}", "switch '0xz' is neither"},
        {"slot: {tags: {}}", "slot"},
        {"slots: {tag: {}}", "tag"},
    };
    for (const auto& [text, problem] : cases) {
        const auto read = read_boot_order(text);
        EXPECT_NE(read.problems.find(problem), std::string::npos) << text << ": " << read.problems;
        EXPECT_TRUE(read.problems.starts_with("site.yaml:1:")) << read.problems;
        EXPECT_TRUE(read.boot.priorities.empty() && read.boot.tag_slots.empty() &&
                    read.boot.switch_slots.empty())
            << text;
    }
}

} // namespace
} // namespace muster
