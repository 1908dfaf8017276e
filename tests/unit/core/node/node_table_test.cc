// SPDX-License-Identifier: Apache-2.0
#include "core/node/node_table.hh"

#include "core/node/node_alias.hh"

#include <gtest/gtest.h>

#include <random>

namespace muster {
namespace {

constexpr MacAddress mac(std::uint8_t n) {
    return {{2, 0, 0, 0, 0, n}};
}

NodeRecord record(std::string name, std::vector<MacAddress> macs) {
    NodeRecord node;
    node.spec.name = std::move(name);
    node.spec.macs = std::move(macs);
    return node;
}

std::string uuid_key(std::uint8_t first) {
    const Uuid uuid{first};
    return std::string{NodeAlias::of_uuid(uuid).key()};
}

TEST(NodeTable, FindsByPortAndClientId) {
    const auto port = [](std::string_view circuit, std::string_view remote) {
        return std::string{NodeAlias::of_port(circuit, remote).key()};
    };
    NodeTable table;
    NodeRecord listed = record("a", {});
    listed.spec.match.circuit_id = "p1";
    listed.spec.match.remote_id = "sw";
    listed.spec.match.client_id = "id";
    table.put(listed);
    NodeRecord seen = record("b", {mac(1)});
    seen.origin = NodeOrigin::discovered;
    seen.circuit_id = "p2";
    seen.remote_id = "sw";
    table.put(seen);
    EXPECT_NE(table.find_alias(port("p1", "sw")), nullptr);
    EXPECT_EQ(table.find_alias(port("p1", "")), nullptr) << "the switch must be right, too";
    EXPECT_NE(table.find_alias(NodeAlias::of_client_id("id").key()), nullptr);
    for (const auto& key : {port("p2", "sw"), port("p2", ""), port("", "sw")}) {
        ASSERT_NE(table.find_seen(key), nullptr);
        EXPECT_EQ(table.find_seen(key)->name(), "b");
    }
    EXPECT_EQ(table.find_seen(port("p1", "sw")), nullptr);
    table.erase("b");
    EXPECT_EQ(table.find_seen(port("p2", "")), nullptr);
}

TEST(NodeTable, FindsByNameAddressUuidAndToken) {
    NodeTable table;
    NodeRecord node = record("a", {mac(1), mac(2)});
    node.learned_macs = {mac(3)};
    node.spec.match.uuid = Uuid{1};
    node.uuid = Uuid{2};
    node.boots = {{.attempt = 1, .token = {{7}}, .marks = {}},
                  {.attempt = 2, .token = {{8}}, .marks = {}}};
    table.put(node);
    for (std::uint8_t n = 1; n <= 3; ++n) {
        ASSERT_NE(table.find(mac(n)), nullptr);
        EXPECT_EQ(table.find(mac(n))->name(), "a");
    }
    EXPECT_EQ(table.find(mac(4)), nullptr);
    EXPECT_NE(table.find_alias(uuid_key(1)), nullptr);
    EXPECT_EQ(table.find_alias(uuid_key(2)), nullptr);
    EXPECT_NE(table.find_seen(uuid_key(2)), nullptr);
    EXPECT_NE(table.find(Token{{7}}), nullptr);
    EXPECT_NE(table.find(Token{{8}}), nullptr);
    EXPECT_EQ(table.find(std::string_view{"b"}), nullptr);

    table.put(record("a", {mac(9)}));
    EXPECT_EQ(table.find(mac(1)), nullptr);
    EXPECT_EQ(table.find(Token{{7}}), nullptr);
    EXPECT_EQ(table.find_alias(uuid_key(1)), nullptr);
    EXPECT_EQ(table.find_seen(uuid_key(2)), nullptr);
    EXPECT_NE(table.find(mac(9)), nullptr);
    table.erase("a");
    EXPECT_EQ(table.find(mac(9)), nullptr);
    EXPECT_EQ(table.size(), 0U);
}

TEST(NodeTable, TheLastClaimOfAnAddressCounts) {
    NodeTable table;
    table.put(record("a", {mac(1)}));
    table.put(record("b", {mac(1)}));
    EXPECT_EQ(table.find(mac(1))->name(), "b");
    table.erase("a");
    ASSERT_NE(table.find(mac(1)), nullptr) << "a's end does not take b's address";
    EXPECT_EQ(table.find(mac(1))->name(), "b");
}

// Against a plain model: random puts and erases, all lookups after each.
TEST(NodeTable, IndexesFollowEveryChange) {
    std::mt19937 random{42}; // NOLINT: the same run each time is what a test wants
    NodeTable table;
    std::map<std::string, std::uint8_t> model; // every address has one claimant at most
    for (int i = 0; i < 5'000; ++i) {
        const std::string name(1, static_cast<char>('a' + random() % 8));
        const auto n = static_cast<std::uint8_t>(random() % 16);
        const bool taken = std::any_of(model.begin(), model.end(), [&](const auto& entry) {
            return entry.second == n && entry.first != name;
        });
        if (random() % 3 == 0) {
            table.erase(name);
            model.erase(name);
        } else if (!taken) {
            table.put(record(name, {mac(n)}));
            model[name] = n;
        }
        ASSERT_EQ(table.size(), model.size());
        for (std::uint8_t m = 0; m < 16; ++m) {
            const auto owner = std::find_if(model.begin(), model.end(),
                                            [m](const auto& entry) { return entry.second == m; });
            const NodeRecord* const found = table.find(mac(m));
            ASSERT_EQ(found == nullptr, owner == model.end());
            if (found != nullptr) {
                ASSERT_EQ(found->name(), owner->first);
            }
        }
    }
}

TEST(NodeTable, DiscoveredNamesAreFromTheAddress) {
    EXPECT_EQ(discovered_name({{0x52, 0x54, 0, 0, 1, 1}}), "node-525400000101");
}

} // namespace
} // namespace muster
