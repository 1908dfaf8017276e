// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/timeline.hh"

#include <gtest/gtest.h>

namespace muster::cli {
namespace {

TEST(Timeline, CountsSecondsFromTheFirstMarkOfEachAttempt) {
    const auto attempts = read_timeline(Json::parse(R"({"attempts": [
        {"attempt": 1, "marks": {"loader": 102500, "offer": 100000}},
        {"attempt": 2, "marks": {"offer": 900000, "loader": 0, "installed": 926040}}]})"));
    EXPECT_EQ(timeline_text(attempts, Look{}), "TRY  SECONDS   STEP  WHAT\n"
                                               "  1      0.0      -  offer\n"
                                               "  1      2.5   +2.5  loader\n"
                                               "  2      0.0      -  offer\n"
                                               "  2     26.0  +26.0  installed\n");
}

TEST(Timeline, KnowsTheOrderOfABootWhereTimesAreEqual) {
    const auto attempts = read_timeline(
        Json::parse(R"({"attempts": [{"attempt": 1, "marks": {"another": 5, "kernel": 5,
            "loader": 5, "offer": 5, "script": 5}}]})"));
    ASSERT_EQ(attempts.size(), 1U);
    std::string order;
    for (const TimelineMark& mark : attempts.front().marks) {
        order += mark.name + " ";
    }
    EXPECT_EQ(order, "offer loader script kernel another ");
}

TEST(Timeline, WaitsAreTheLongestFirstAndOnlyThoseThatTookTime) {
    const auto attempts = read_timeline(Json::parse(R"({"attempts": [
        {"attempt": 1, "marks": {"offer": 5}},
        {"attempt": 2, "marks": {"offer": 5}, "waited_ms_by_cause": {"dhcp_collecting": 4001.5,
            "dhcp_flush": 0.4, "dhcp_probe": 0.0, "odd": "x", "tftp_no_answer": 5000}},
        {"attempt": 3, "marks": {"offer": 5}, "waited_ms_by_cause": [1]}]})"));
    EXPECT_EQ(waits_text(attempts, Look{}), "TRY  SECONDS  CAUSE\n"
                                            "  2    5.000  tftp_no_answer\n"
                                            "  2    4.002  dhcp_collecting\n"
                                            "  2    0.000  dhcp_flush\n");
    EXPECT_EQ(waits_text(read_timeline(Json::parse("{}")), Look{}), "");
}

TEST(Timeline, IsEmptyWhereNothingWasSeen) {
    for (const char* text : {"{}", "null", "[]", R"({"attempts": []})", R"({"attempts": [1, {}]})",
                             R"({"attempts": [{"attempt": 1, "marks": {}}]})",
                             R"({"attempts": [{"attempt": 1, "marks": {"offer": null}}]})"}) {
        EXPECT_EQ(timeline_text(read_timeline(Json::parse(text)), Look{}), "") << text;
    }
}

} // namespace
} // namespace muster::cli
