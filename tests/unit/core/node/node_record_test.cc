// SPDX-License-Identifier: Apache-2.0
#include "core/node/node_record.hh"

#include "core/site/scalar.hh"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace muster {
namespace {

NodeRecord full_record() {
    NodeRecord node;
    node.spec.name = "r1n01";
    node.spec.macs = {MacAddress{{2, 0, 0, 0, 0, 1}}, MacAddress{{2, 0, 0, 0, 0, 2}}};
    node.spec.match.uuid = Uuid{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    node.spec.match.circuit_id = "rack1/port17";
    node.spec.match.remote_id = std::string{"\0\6\xff", 3};
    node.spec.match.client_id = "0x is text here";
    node.spec.options.set(42, {std::byte{10}, std::byte{0}, std::byte{0}, std::byte{5}}, true);
    node.spec.options.set(3, {});
    node.circuit_id = "p9";
    node.remote_id = std::string{"\1\0", 2};
    node.spec.profile = "debian12";
    node.spec.address = Ipv4Address{{10, 0, 0, 21}};
    node.spec.tags = {"rack1", "compute"};
    node.spec.variables = {{"disk", "/dev/vda"}, {"n", 3}, {"list", {1, 2}}};
    node.origin = NodeOrigin::api;
    node.revision = 77;
    node.install = {.state = InstallState::installing,
                    .attempt = 5,
                    .tries = 2,
                    .token = {{9, 9}},
                    .token_use = TokenUse::open,
                    .answered = true,
                    .started = true,
                    .order_waits = true,
                    .was_installed = true,
                    .percent = 42,
                    .since = UnixTime{1'000},
                    .deadline = UnixTime{2'000},
                    .message = "un\"packing\n"};
    node.learned_macs = {MacAddress{{2, 0, 0, 0, 0, 3}}};
    node.uuid = node.spec.match.uuid;
    node.arch = 7;
    node.address = {{10, 0, 1, 1}};
    node.bytes_served = UINT64_MAX;
    node.loading_bytes = 2;
    node.expected_bytes = 3;
    BootTimeline boot{.attempt = 5, .token = {{9, 9}}, .marks = {}};
    boot.set(BootMark::offer, UnixTime{10});
    boot.set(BootMark::installed, UnixTime{20});
    boot.add(BootWait::dhcp_collecting, 4s);
    boot.add(BootWait::dhcp_flush, 1500us);
    node.boots = {boot};
    return node;
}

TEST(NodeRecord, IsReadBackWhole) {
    const NodeRecord node = full_record();
    const std::string text = write_node_record(node);
    const auto read = read_node_record(text);
    ASSERT_TRUE(read.has_value()) << read.error();
    EXPECT_EQ(write_node_record(*read), text);
    EXPECT_EQ(read->install, node.install);
    EXPECT_EQ(read->boots, node.boots);
    EXPECT_EQ(read->macs(), node.macs());
    EXPECT_EQ(read->spec.variables, node.spec.variables);
    EXPECT_EQ(read->spec.match, node.spec.match);
    EXPECT_EQ(read->spec.options, node.spec.options);
    EXPECT_EQ(read->circuit_id, node.circuit_id);
    EXPECT_EQ(read->remote_id, node.remote_id);
    EXPECT_EQ(read->bytes_served, UINT64_MAX);
}

TEST(NodeRecord, AnEmptyOneIsReadBack) {
    NodeRecord node;
    node.spec.name = "x";
    const std::string text = write_node_record(node);
    const auto read = read_node_record(text);
    ASSERT_TRUE(read.has_value()) << read.error();
    EXPECT_EQ(write_node_record(*read), text);
}

// Whatever is cut off or flipped, it is an error or a record, never an exception.
TEST(NodeRecord, DamagedTextIsAnError) {
    const std::string text = write_node_record(full_record());
    for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_FALSE(read_node_record(text.substr(0, size)).has_value());
    }
    for (std::size_t at = 0; at < text.size(); ++at) {
        for (const char c : {'\0', '"', '{', '9', '\xFF'}) {
            std::string flipped = text;
            flipped[at] = c;
            (void)read_node_record(flipped);
        }
    }
}

TEST(NodeRecord, ANumberThatDoesNotFitIsAnErrorAndNotAnotherNumber) {
    const std::string text = write_node_record(full_record());
    const auto with = [&](std::string_view key, std::string_view value) {
        const std::size_t at = text.find(fmt::format("\"{}\":", key)) + key.size() + 3;
        return read_node_record(text.substr(0, at) + std::string{value} +
                                text.substr(text.find_first_of(",}", at)));
    };
    EXPECT_TRUE(with("attempt", "4294967295").has_value());
    EXPECT_TRUE(with("since_ms", "-1").has_value());
    for (const std::string_view value :
         {"4294967296", "-1", "1e3", "1.5", "98446744073709551616"}) {
        EXPECT_FALSE(with("attempt", value).has_value()) << value;
    }
}

TEST(NodeRecord, TextThatIsNotUtf8IsKeptAsFarAsItGoes) {
    NodeRecord node = full_record();
    node.install.message = "a\xFF"
                           "b";
    EXPECT_TRUE(read_node_record(write_node_record(node)).has_value());
}

TEST(NodeRecord, PercentOfLoadingIsOfWhatIsExpected) {
    NodeRecord node;
    node.install.state = InstallState::loading;
    for (const auto& [loaded, expected, percent] :
         std::vector<std::array<std::uint64_t, 3>>{{0, 0, 0},
                                                   {5, 0, 0},
                                                   {0, 100, 0},
                                                   {50, 100, 50},
                                                   {100, 100, 100},
                                                   {1'000, 100, 100},
                                                   {3, 7, 3},
                                                   {1ULL << 62U, UINT64_MAX, 25}}) {
        node.loading_bytes = loaded;
        node.expected_bytes = expected;
        EXPECT_EQ(stage_percent(node), percent) << loaded << " of " << expected;
    }
}

TEST(NodeRecord, UuidTextIsWhatTheSiteReads) {
    const std::string text = "79000000-0123-4567-89ab-cdef01234567";
    const auto uuid = read_uuid(text);
    ASSERT_TRUE(uuid.has_value());
    EXPECT_EQ(uuid_text(*uuid), text);
}

TEST(NodeRecord, OneOfAnEarlierVersionWaitedForNothing) {
    auto json = nlohmann::json::parse(write_node_record(full_record()));
    json["boots"][0].erase("waited_us");
    const auto read = read_node_record(json.dump());
    ASSERT_TRUE(read.has_value()) << read.error();
    EXPECT_EQ(read->boots.at(0).waited, (BootTimeline{}.waited));
    EXPECT_EQ(read->boots.at(0).marks, full_record().boots.at(0).marks);
}

TEST(NodeRecord, WaitsThatCannotBeAreBounded) {
    auto json = nlohmann::json::parse(write_node_record(full_record()));
    json["boots"][0]["waited_us"] = {{"dhcp_flush", INT64_MAX}, {"tftp_no_answer", -1}};
    const auto read = read_node_record(json.dump());
    ASSERT_TRUE(read.has_value()) << read.error();
    BootTimeline boot = read->boots.at(0);
    EXPECT_EQ(boot.waited_for(BootWait::tftp_no_answer), Duration{});
    boot.add(BootWait::dhcp_flush, Duration::max());
    EXPECT_EQ(boot.waited_for(BootWait::dhcp_flush), BootTimeline::waited_max);
}

TEST(BootTimeline, WaitsOfACauseAddUp) {
    BootTimeline boot;
    boot.add(BootWait::dhcp_collecting, 3s);
    boot.add(BootWait::dhcp_collecting, 1s);
    boot.add(BootWait::dhcp_collecting, -5s);
    EXPECT_EQ(boot.waited_for(BootWait::dhcp_collecting), Duration{4s});
    EXPECT_EQ(boot.waited_for(BootWait::dhcp_flush), Duration{});
}

TEST(BootTimeline, TheFirstMarkOfAKindCounts) {
    BootTimeline boot;
    EXPECT_EQ(boot.begin(), UnixTime{});
    EXPECT_TRUE(boot.set(BootMark::script, UnixTime{5}));
    EXPECT_FALSE(boot.set(BootMark::script, UnixTime{6}));
    EXPECT_TRUE(boot.set(BootMark::offer, UnixTime{3}));
    EXPECT_EQ(boot.begin(), UnixTime{3});
    EXPECT_EQ(boot.at(BootMark::script), UnixTime{5});
}

} // namespace
} // namespace muster
