// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/watch_view.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace muster::cli {
namespace {

constexpr UnixTime now{1'000'000'000};

Node node(std::string name, std::string state, std::uint64_t attempt = 1) {
    Node out;
    out.name = std::move(name);
    out.state = std::move(state);
    out.attempt = attempt;
    out.since = UnixTime{now.ms - 65'000};
    return out;
}

Look terminal(std::size_t width, std::size_t height) {
    Look look;
    look.width = width;
    look.height = height;
    look.redraws = true;
    return look;
}

std::vector<Node> rack(std::size_t count) {
    std::vector<Node> nodes;
    for (std::size_t at = 0; at < count; ++at) {
        nodes.push_back(node("n" + std::to_string(at), std::string{node_states[at % 8]}));
    }
    return nodes;
}

TEST(WatchFrame, ShowsSummaryAndABarForEachNode) {
    Node loading = node("r1n01", "loading");
    loading.stage_percent = 50;
    loading.bytes_served = 1024;
    loading.expected_bytes = 2048;
    EXPECT_EQ(watch_frame({loading, node("r1n02", "installed")}, {}, now, terminal(100, 24)),
              "############............  50 %  2 nodes: 1 loading, 1 installed\n"
              "NAME   STATE      PROGRESS                  FOR              BYTES  MESSAGE\n"
              "r1n01  loading    ########........  50 %  1m05s  1.0 KiB / 2.0 KiB  -\n"
              "r1n02  installed  ################ 100 %  1m05s                  -  -\n");
}

TEST(WatchFrame, SaysWhatWasWaitedForBelowTheSummary) {
    const std::string frame = watch_frame({node("r1n02", "installed")},
                                          "waited: governor 12m of 40", now, terminal(100, 24));
    EXPECT_NE(frame.find("1 installed\nwaited: governor 12m of 40\nNAME"), std::string::npos)
        << frame;
    for (std::size_t height = 3; height < 20; ++height) {
        const std::string small =
            watch_frame(rack(40), "waited: governor 12m of 40", now, terminal(20, height));
        EXPECT_LT(static_cast<std::size_t>(std::ranges::count(small, '\n')), height) << small;
    }
}

TEST(WatchWaits, TheLargestSumComesFirst) {
    const Json answer = Json::parse(R"({
        "causes": {"dhcp_flush": {"total_ms": 900.0, "longest_ms": 9.0, "nodes": 100},
                   "dhcp_probe": {"total_ms": 2500.5, "longest_ms": 500.0, "nodes": 5},
                   "governor": {"total_ms": 720000.0, "longest_ms": 95000.0, "nodes": 40}},
        "worst": [{"name": "r1n07", "cause": "governor", "waited_ms": 95000.0},
                  {"name": "r1n08", "cause": "governor", "waited_ms": 94000.0}]})");
    EXPECT_EQ(waits_text(answer),
              "waited: governor 12m00s of 40 (r1n07 1m35s), dhcp_probe 2s of 5");
    EXPECT_EQ(waits_text(Json::parse(R"({"causes": {"governor": {"total_ms": 0}}, "worst": []})")),
              "");
    EXPECT_EQ(waits_text(Json::object()), "");
}

TEST(WatchFrame, FitsEveryTerminal) {
    const auto nodes = rack(40);
    for (std::size_t height = 5; height < 60; ++height) {
        for (const std::size_t width : {10U, 40U, 80U, 200U}) {
            std::istringstream lines{watch_frame(nodes, {}, now, terminal(width, height))};
            std::size_t count = 0;
            for (std::string line; std::getline(lines, line); ++count) {
                EXPECT_LE(display_width(line), width) << line;
            }
            EXPECT_LT(count, height) << "the cursor needs a line";
        }
    }
}

TEST(WatchFrame, ShowsFailedAndBusyNodesWhenRoomIsShort) {
    std::vector<Node> nodes(50, node("idle", "installed"));
    nodes.push_back(node("busy", "loading"));
    nodes.push_back(node("broken", "failed"));
    const std::string frame = watch_frame(nodes, {}, now, terminal(80, 10));
    EXPECT_LT(frame.find("\nbroken"), frame.find("\nbusy"));
    EXPECT_LT(frame.find("\nbusy"), frame.find("\nidle"));
    EXPECT_NE(frame.find("\nand 46 more\n"), std::string::npos) << frame;
}

TEST(Redraw, GoesUpOverWhatWasDrawnAndClearsItsRests) {
    EXPECT_EQ(redraw("a\nb\n", 0), "a\x1b[K\nb\x1b[K\n\x1b[J");
    EXPECT_EQ(redraw("a\n", 2), "\r\x1b[2Aa\x1b[K\n\x1b[J");
}

TEST(StateChanges, TellsEachChangeOnce) {
    StateChanges changes;
    using Lines = std::vector<std::string>;
    EXPECT_EQ(changes.lines({node("a", "ready", 0), node("b", "installed")}),
              (Lines{"a ready", "b installed"}));
    EXPECT_EQ(changes.lines({node("a", "ready", 0), node("b", "installed")}), Lines{});
    EXPECT_EQ(changes.lines({node("a", "booting", 1), node("b", "installed")}),
              Lines{"a ready -> booting"});
    Node failed = node("a", "booting", 2);
    failed.message = "deadline\x1b passed";
    EXPECT_EQ(changes.lines({failed}), (Lines{"a booting -> booting (attempt 2): deadline? passed",
                                              "b installed -> removed"}));
    EXPECT_EQ(changes.lines({failed, node("b", "new", 0)}), Lines{"b new"});
}

TEST(UntilInstalled, WaitsForEveryStateButInstalledAndFailed) {
    for (const std::string_view state : node_states) {
        const std::vector<Node> nodes{node("done", "installed"), node("a", std::string{state})};
        const Verdict named = state == "installed" ? Verdict::reached
                              : state == "failed"  ? Verdict::failed
                                                   : Verdict::waiting;
        EXPECT_EQ(until_installed(nodes, true), named) << state;
        const bool skipped = state == "new" || state == "ignored";
        EXPECT_EQ(until_installed(nodes, false), skipped ? Verdict::reached : named) << state;
    }
}

TEST(UntilInstalled, WaitsWhileNoNodeIsKnown) {
    EXPECT_EQ(until_installed({}, false), Verdict::waiting);
    EXPECT_EQ(until_installed({node("a", "new"), node("b", "ignored")}, false), Verdict::waiting);
    EXPECT_EQ(what_is_missing({node("a", "new")}, false), "no node to install is known");
}

TEST(WhatIsMissing, NamesAFewNodesAndCountsTheRest) {
    EXPECT_EQ(what_is_missing({node("a", "installed"), node("b", "failed")}, false),
              "1 of 2 installed; not: b (failed)");
    const std::vector<Node> many(20, node("x", "loading"));
    const std::string text = what_is_missing(many, false);
    EXPECT_NE(text.find("0 of 20 installed; not: x (loading), "), std::string::npos) << text;
    EXPECT_TRUE(text.ends_with("x (loading) and 12 more")) << text;
}

} // namespace
} // namespace muster::cli
