// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/flight.hh"

#include <gtest/gtest.h>

namespace muster::cli {
namespace {

TEST(Flight, ShowsEachBootInItsOwnSeconds) {
    const Json timeline = Json::parse(R"({"recorder": [
        {"boot": 1, "time": 1000, "last": 13000, "count": 3, "kind": "offer", "text": "a ROM"},
        {"boot": 1, "time": 14000, "last": 14500, "count": 1, "kind": "loader",
         "text": "/loaders/a", "bytes": 2048, "end": "broken-off"},
        {"boot": 2, "time": 60000, "last": 60000, "count": 1, "kind": "offer", "text": "a ROM"},
        {"boot": 2, "time": 61500, "last": 63500, "count": 7, "kind": "file",
         "text": "/mirror/d/…", "bytes": 1048576, "end": "runs"}]})");
    EXPECT_EQ(flight_text(timeline, Look{}),
              "BOOT  SECONDS  KIND    WHAT\n"
              "   1      0.0  offer   a ROM (3 times in 12.0 s)\n"
              "   1     13.0  loader  /loaders/a: 2.0 KiB in 0.5 s, broken off\n"
              "   2      0.0  offer   a ROM\n"
              "   2      1.5  file    /mirror/d/…: 1.0 MiB in 2.0 s, runs (7 transfers)\n");
}

TEST(Flight, SaysWhatWasFound) {
    EXPECT_EQ(findings_text(Json::parse(R"({"findings": [{"code": "late-link", "message": "slow"},
                                                         {"code": "x", "message": "y"}]})"),
                            Look{}),
              "late-link: slow\nx: y\n");
}

TEST(Flight, IsEmptyWhereTheServerHasNone) {
    for (const char* text : {"{}", "null", "[]", R"({"recorder": 1, "findings": [2]})"}) {
        EXPECT_EQ(flight_text(Json::parse(text), Look{}), "") << text;
        EXPECT_EQ(findings_text(Json::parse(text), Look{}), "") << text;
    }
}

} // namespace
} // namespace muster::cli
