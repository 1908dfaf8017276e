// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/live_view.hh"

#include <gtest/gtest.h>

namespace muster::load {
namespace {

TEST(LiveView, OneLineThatFits) {
    Options options;
    options.kind = Kind::dhcp;
    options.clients = 4;
    Tally tally{Kind::dhcp, 4};
    tally.on_started(0, Instant{}, Instant{});
    tally.on_note({.kind = ClientNote::Kind::exchange, .duration = 2ms}, Instant{});
    tally.on_note({.kind = ClientNote::Kind::finished}, Instant{});
    cli::Look look;
    const std::string text = view_text(options, moment_of(tally, 2s), look);
    EXPECT_NE(text.find(" 25 %"), std::string::npos) << text;
    EXPECT_NE(text.find("1 exchanges"), std::string::npos) << text;
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
    look.width = 30;
    EXPECT_LE(view_text(options, moment_of(tally, 2s), look).size(), 31U);
    options.duration = 4s;
    EXPECT_NE(view_text(options, moment_of(tally, 2s), cli::Look{}).find(" 50 %"),
              std::string::npos);
}

TEST(LiveView, AStormHasALineForEachStage) {
    Options options;
    options.kind = Kind::storm;
    options.clients = 10;
    const Tally tally{Kind::storm, 10};
    const std::string text = view_text(options, moment_of(tally, 1s), cli::Look{});
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1 + int{client_stage_count});
    EXPECT_NE(text.find("100 %"), std::string::npos) << "all are off";
}

} // namespace
} // namespace muster::load
