// SPDX-License-Identifier: Apache-2.0
#include "core/control/waits_json.hh"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace muster {
namespace {

using Json = nlohmann::json;

NodeRecord waiter(std::string name, std::string tag, Duration governor, Duration probe = {}) {
    NodeRecord node;
    node.spec.name = std::move(name);
    node.spec.tags = {std::move(tag)};
    BootTimeline boot;
    boot.waited[static_cast<std::size_t>(BootWait::governor)] = governor;
    boot.waited[static_cast<std::size_t>(BootWait::dhcp_probe)] = probe;
    node.boots = {BootTimeline{}, boot};
    return node;
}

NodeTable rack() {
    NodeTable nodes;
    nodes.put(waiter("r1n01", "rack1", 3s, 500ms));
    nodes.put(waiter("r1n02", "rack1", 5s));
    nodes.put(waiter("r2n01", "rack2", 9s));
    NodeRecord fresh;
    fresh.spec.name = "r2n02";
    nodes.put(fresh);
    return nodes;
}

TEST(Waits, SumsByCauseAndTheLongestFirst) {
    const Json waits = waits_json(rack(), "", 3);
    EXPECT_EQ(waits["causes"]["governor"],
              (Json{{"total_ms", 17'000.0}, {"longest_ms", 9'000.0}, {"nodes", 3}}));
    EXPECT_EQ(waits["causes"]["dhcp_flush"]["nodes"], 0);
    ASSERT_EQ(waits["worst"].size(), 3U);
    EXPECT_EQ(waits["worst"][0]["name"], "r2n01");
    EXPECT_EQ(waits["worst"][1]["name"], "r1n02");
    EXPECT_EQ(waits["worst"][2]["cause"], "governor");
    EXPECT_EQ(waits_json(rack(), "", 9)["worst"].size(), 4U);
}

TEST(Waits, OfOneTag) {
    const Json waits = waits_json(rack(), "rack1", 10);
    EXPECT_EQ(waits["causes"]["governor"]["total_ms"], 8'000.0);
    EXPECT_EQ(waits["worst"].size(), 3U);
    EXPECT_EQ(waits["worst"][0]["name"], "r1n02");
    EXPECT_TRUE(waits_json(rack(), "rack3", 10)["worst"].empty());
}

} // namespace
} // namespace muster
