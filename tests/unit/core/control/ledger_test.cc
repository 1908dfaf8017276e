// SPDX-License-Identifier: Apache-2.0
#include "core/control/ledger.hh"

#include "core/store/memory_store.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

NodeRecord record(std::string name, std::uint8_t mac) {
    NodeRecord node;
    node.spec.name = std::move(name);
    node.spec.macs = {MacAddress{{2, 0, 0, 0, 0, mac}}};
    return node;
}

LeaseRecord lease(std::uint8_t address, std::uint8_t mac) {
    LeaseRecord lease;
    lease.address = {{10, 0, 0, address}};
    lease.mac = {{2, 0, 0, 0, 0, mac}};
    return lease;
}

struct LedgerTest : testing::Test {
    MemoryStore store;
    Ledger ledger{store};
};

TEST_F(LedgerTest, ARefusedBatchLeavesNoTrace) {
    ledger.put(record("a", 1));
    ledger.put(record("b", 2));
    ASSERT_TRUE(ledger.commit().has_value());
    store.set_full(true);
    NodeRecord changed = *ledger.nodes().find("a");
    changed.spec.macs = {MacAddress{{2, 0, 0, 0, 0, 9}}};
    ledger.put(changed);
    ledger.erase("b");
    ledger.put(record("c", 2)); // takes b's address over
    ledger.add_lease(lease(5, 1));
    ledger.note(UnixTime{1}, EventKind::order, "a", "x");
    EXPECT_EQ(ledger.nodes().find(MacAddress{{2, 0, 0, 0, 0, 2}})->name(), "c");
    EXPECT_FALSE(ledger.commit().has_value());

    EXPECT_EQ(ledger.nodes().size(), 2U);
    EXPECT_EQ(ledger.nodes().find("a")->revision, 1U);
    EXPECT_EQ(ledger.nodes().find(MacAddress{{2, 0, 0, 0, 0, 9}}), nullptr);
    EXPECT_EQ(ledger.nodes().find(MacAddress{{2, 0, 0, 0, 0, 2}})->name(), "b");
    EXPECT_TRUE(ledger.leases().empty());
    EXPECT_TRUE(ledger.events().empty());
    EXPECT_TRUE(ledger.batch_empty());
}

TEST_F(LedgerTest, TokensAreThoseThatAreCommitted) {
    ledger.put_api_token({.name = "a", .role = ApiRole::view, .digest = {1}, .made = UnixTime{5}});
    EXPECT_TRUE(ledger.changes_api_tokens());
    EXPECT_FALSE(ledger.batch_empty());
    EXPECT_EQ(ledger.edits(), 1U);
    EXPECT_TRUE(ledger.api_tokens().empty());
    ASSERT_TRUE(ledger.commit().has_value());
    EXPECT_EQ(ledger.api_tokens().at("a").digest, Sha256{1});
    store.set_full(true);
    ledger.remove_api_token("a");
    EXPECT_FALSE(ledger.commit().has_value());
    EXPECT_FALSE(ledger.changes_api_tokens());
    EXPECT_TRUE(ledger.api_tokens().contains("a"));
    store.set_full(false);
    ledger.remove_api_token("a");
    ASSERT_TRUE(ledger.commit().has_value());
    EXPECT_TRUE(ledger.api_tokens().empty());
    EXPECT_TRUE(store.load()->api_tokens.empty());
}

TEST_F(LedgerTest, SeveralChangesOfANodeAreOneRecordAndKnowWhereTheyBegan) {
    ledger.put(record("a", 1));
    ASSERT_TRUE(ledger.commit().has_value());
    for (int i = 0; i < 3; ++i) {
        ledger.put(*ledger.nodes().find("a"));
    }
    const auto committed = ledger.commit();
    ASSERT_TRUE(committed.has_value());
    ASSERT_EQ(committed->changes.size(), 1U);
    EXPECT_EQ(committed->changes[0].before->revision, 1U);
    EXPECT_EQ(ledger.nodes().find("a")->revision, 4U);
    EXPECT_EQ(store.last().nodes.size(), 1U);
}

TEST_F(LedgerTest, AddedAndRemovedInOneBatchIsRemoved) {
    ledger.put(record("a", 1));
    ledger.erase("a");
    ASSERT_TRUE(ledger.commit().has_value());
    EXPECT_TRUE(store.load()->nodes.empty());
    ledger.erase("never there");
    EXPECT_TRUE(ledger.batch_empty());
}

TEST_F(LedgerTest, AnAddressBelongsToItsLastOwner) {
    ledger.put(record("a", 1));
    ledger.put(record("b", 2));
    ledger.add_lease(lease(5, 1));
    ASSERT_TRUE(ledger.commit().has_value());
    EXPECT_EQ(ledger.node_at(Ipv4Address{{10, 0, 0, 5}})->name(), "a");
    EXPECT_EQ(ledger.address_of(*ledger.nodes().find("a")), (Ipv4Address{{10, 0, 0, 5}}));
    ledger.add_lease(lease(5, 2));
    ASSERT_TRUE(ledger.commit().has_value());
    EXPECT_EQ(ledger.node_at(Ipv4Address{{10, 0, 0, 5}})->name(), "b");
    EXPECT_TRUE(ledger.address_of(*ledger.nodes().find("a")).is_unspecified());
    LeaseRecord declined = lease(5, 2);
    declined.state = LeaseRecord::State::declined;
    ledger.add_lease(declined);
    ASSERT_TRUE(ledger.commit().has_value());
    EXPECT_EQ(ledger.node_at(Ipv4Address{{10, 0, 0, 5}}), nullptr) << "somebody else is there";
}

TEST(Ledger, AnIpv6LeaseNamesItsNodeToo) {
    MemoryStore store;
    Ledger ledger{store};
    ledger.put(record("a", 1));
    Lease6Record lease6;
    lease6.address = read_ipv6_address("fd00:79::100").value();
    lease6.mac = lease(5, 1).mac;
    ledger.add_lease(lease6);
    EXPECT_EQ(ledger.node_at(lease6.address), nullptr) << "not before it is kept";
    ASSERT_TRUE(ledger.commit().has_value());
    EXPECT_EQ(ledger.node_at(lease6.address)->name(), "a");
    EXPECT_EQ(ledger.address6_of(*ledger.nodes().find("a")), lease6.address);
    EXPECT_TRUE(ledger.address_of(*ledger.nodes().find("a")).is_unspecified());
    Ledger again{store};
    again.load(store.load().value());
    EXPECT_EQ(again.node_at(lease6.address)->name(), "a");
    EXPECT_EQ(again.leases6().size(), 1U);
}

TEST_F(LedgerTest, EventsAreBoundedAndCountOn) {
    for (std::uint64_t i = 0; i < events_kept_max + 10; ++i) {
        ledger.note(UnixTime{1}, EventKind::order, "", "x");
        if (i % 1'000 == 0) {
            ASSERT_TRUE(ledger.commit().has_value());
        }
    }
    ASSERT_TRUE(ledger.commit().has_value());
    EXPECT_EQ(ledger.events().size(), events_kept_max);
    EXPECT_EQ(ledger.events().front().id, 11U);
    EXPECT_EQ(ledger.events().back().id, events_kept_max + 10);
}

TEST_F(LedgerTest, AnEventsMessageIsBounded) {
    ledger.note(UnixTime{1}, EventKind::order, "", std::string(100'000, 'x'));
    ASSERT_TRUE(ledger.commit().has_value());
    EXPECT_EQ(ledger.events().back().message.size(), 1'000U);
}

// A ROM shows no name, and a RELEASE none: what is known of the machine at the address stays.
TEST_F(LedgerTest, ARecordWithoutAHostNameKeepsTheOneThatIsKnown) {
    LeaseRecord named = lease(5, 1);
    named.hostname[0] = 'n';
    ledger.add_lease(named);
    ASSERT_TRUE(ledger.commit());
    LeaseRecord released = lease(5, 1);
    released.state = LeaseRecord::State::released;
    ledger.add_lease(released);
    ASSERT_TRUE(ledger.commit());
    EXPECT_EQ(ledger.leases().find(released.address)->state, LeaseRecord::State::released);
    EXPECT_STREQ(ledger.leases().find(released.address)->hostname.data(), "n");
    EXPECT_STREQ(store.load()->leases.at(0).hostname.data(), "n") << "and in the store";
    ledger.add_lease(lease(5, 2));
    ASSERT_TRUE(ledger.commit());
    EXPECT_STREQ(ledger.leases().find(released.address)->hostname.data(), "") << "another machine";
}

TEST_F(LedgerTest, AnIpv6RecordWithoutAHostNameKeepsTheOneThatIsKnown) {
    Lease6Record named;
    named.address = read_ipv6_address("fd00:79::100").value();
    named.mac = lease(5, 1).mac;
    named.hostname[0] = 'n';
    ledger.add_lease(named);
    ASSERT_TRUE(ledger.commit());
    Lease6Record firmware = named;
    firmware.hostname = {};
    firmware.iaid = 7;
    ledger.add_lease(firmware);
    ASSERT_TRUE(ledger.commit());
    EXPECT_EQ(ledger.leases6().at(named.address).iaid, 7U);
    EXPECT_STREQ(ledger.leases6().at(named.address).hostname.data(), "n");
    EXPECT_STREQ(store.load()->leases6.at(0).hostname.data(), "n") << "and in the store";
    firmware.mac = lease(5, 2).mac;
    ledger.add_lease(firmware);
    ASSERT_TRUE(ledger.commit());
    EXPECT_STREQ(ledger.leases6().at(named.address).hostname.data(), "") << "another machine";
}

} // namespace
} // namespace muster
