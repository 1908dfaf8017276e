// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/values.hh"

#include "tools/muster/node.hh"

#include <gtest/gtest.h>

namespace muster::cli {
namespace {

using namespace std::chrono_literals;

TEST(ReadDuration, TakesEveryUnit) {
    const auto read = [](const char* text) {
        return read_duration("interval", text, 100ms, 1h);
    };
    EXPECT_EQ(read("100ms"), 100ms);
    EXPECT_EQ(read("2"), 2s);
    EXPECT_EQ(read("0.5"), 500ms);
    EXPECT_EQ(read("2s"), 2s);
    EXPECT_EQ(read("1.5m"), 90s);
    EXPECT_EQ(read("1h"), 1h);
}

TEST(ReadDuration, RefusesEverythingElse) {
    for (const char* text : {"", "s", "x", "99ms", "0", "-1", "3601s", "2h", "1d", "1 s", "1s ",
                             "nan", "inf", "1e3", "0x10", "1s1s"}) {
        EXPECT_THROW((void)read_duration("interval", text, 100ms, 1h), UsageError) << text;
    }
    try {
        (void)read_duration("interval", "9d", 100ms, 1h);
    } catch (const UsageError& error) {
        EXPECT_STREQ(error.what(), "--interval: '9d' is not allowed; allowed: 100ms to 1h00m, as "
                                   "500ms, 2s, 5m or 1h");
    }
}

TEST(ReadState, TakesTheEightStatesAndNothingElse) {
    for (const std::string_view state : node_states) {
        EXPECT_EQ(read_state(std::string{state}), state);
    }
    for (const char* text : {"", "Ready", "instaled", "ready "}) {
        EXPECT_THROW((void)read_state(text), UsageError) << text;
    }
}

TEST(ReadMac, GivesTheUsualForm) {
    EXPECT_EQ(read_mac("52-54-00-0A-0B-0C"), "52:54:00:0a:0b:0c");
    EXPECT_THROW((void)read_mac("52:54:00:0a:0b"), UsageError);
}

TEST(ReadIpv4, RefusesWhatIsNoAddress) {
    EXPECT_EQ(read_ipv4("10.0.0.21"), "10.0.0.21");
    for (const char* text : {"", "10.0.0", "10.0.0.256", "::1", "10.0.0.1/24"}) {
        EXPECT_THROW((void)read_ipv4(text), UsageError) << text;
    }
}

TEST(ReadVariable, SplitsAtTheFirstEqualsSign) {
    using Pair = std::pair<std::string, std::string>;
    EXPECT_EQ(read_variable("disk=/dev/vda"), (Pair{"disk", "/dev/vda"}));
    EXPECT_EQ(read_variable("a=b=c"), (Pair{"a", "b=c"}));
    EXPECT_EQ(read_variable("a="), (Pair{"a", ""}));
    EXPECT_THROW((void)read_variable("disk"), UsageError);
    EXPECT_THROW((void)read_variable("=x"), UsageError);
}

TEST(ApiPath, EncodesWhateverANameHolds) {
    EXPECT_EQ(api_path({"nodes", "r1n01"}), "/api/v1/nodes/r1n01");
    EXPECT_EQ(api_path({"nodes", "a/b?c#d e%"}), "/api/v1/nodes/a%2Fb%3Fc%23d%20e%25");
    EXPECT_EQ(api_path({"nodes", ".."}), "/api/v1/nodes/%2E%2E");
    EXPECT_EQ(api_path({"nodes"}, {{"state", ""}, {"tag", "a&b"}, {"limit", "3"}}),
              "/api/v1/nodes?tag=a%26b&limit=3");
}

TEST(ReadRfc3339, ReadsMomentsAndNothingElse) {
    EXPECT_EQ(read_rfc3339("1970-01-01T00:00:00Z"), UnixTime{0});
    EXPECT_EQ(read_rfc3339("2026-03-01T12:00:00.000Z"), UnixTime{1'772'366'400'000});
    EXPECT_EQ(read_rfc3339("2024-02-29T23:59:59.1Z"), UnixTime{1'709'251'199'100});
    EXPECT_EQ(read_rfc3339("1970-01-01T00:00:00.123456Z"), UnixTime{123});
    for (const char* text :
         {"", "Z", "2026-03-01T12:00:00", "2026-03-01T12:00:00+01:00", "2026-02-30T12:00:00Z",
          "2026-03-01T24:00:00Z", "2026-03-01T12:00:00.Z", "2026-03-01T12:00:00,5Z",
          "2026-03-01 12:00:00Z", "2026-3-01T12:00:00Z", "2026-03-01T12:00:00.5xZ"}) {
        EXPECT_EQ(read_rfc3339(text), std::nullopt) << text;
    }
}

// A newer or broken server must not break the client: every member as every type.
TEST(ReadNode, TakesAnyJson) {
    for (const char* value : {"null", "true", "-1", "1.5", "1e300", "\"x\"", "[]", "[1]", "{}"}) {
        for (const char* key :
             {"name", "mac", "address", "profile", "state", "attempt", "since", "stage_percent",
              "bytes_served", "expected_bytes", "message", "tags"}) {
            Json json = Json::object();
            json[key] = Json::parse(value);
            json["state"] = key == std::string_view{"state"} ? json["state"] : "loading";
            const Node node = read_node(json);
            EXPECT_LE(percent_of(node).value_or(0), 100U) << key << value;
        }
        (void)read_node(Json::parse(value));
    }
    const Node node = read_node(Json::parse(
        R"({"name": "a", "mac": ["m1", "m2"], "state": "loading", "attempt": 2, "since": "1970-01-01T00:00:01.005Z",
            "bytes_served": 3, "expected_bytes": 4, "tags": ["x", "y"]})"));
    EXPECT_EQ(node.mac, "m1,m2");
    EXPECT_EQ(percent_of(node), 75U);
    EXPECT_EQ(node.since, UnixTime{1005});
    EXPECT_EQ(node.tags, (std::vector<std::string>{"x", "y"}));
}

TEST(ReadNode, TellsThePlaceOfOneThatWaits) {
    EXPECT_EQ(read_node(Json::parse(R"({"message": "m", "queue_place": 3})")).message,
              "waits to load, place 3");
    EXPECT_EQ(read_node(Json::parse(R"({"message": "m", "queue_place": null})")).message, "m");
}

} // namespace
} // namespace muster::cli
