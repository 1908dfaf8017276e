// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/report.hh"

#include "tools/muster-load/plot.hh"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <set>

namespace muster::load {
namespace {

using Json = nlohmann::json;

Outcome outcome_of(Kind kind) {
    Outcome outcome;
    outcome.options.kind = kind;
    outcome.options.clients = 20'000;
    outcome.options.firmware = "mixed <&>";
    outcome.seconds = 2;
    outcome.figures.exchanges = 20'000;
    outcome.figures.latency.record(1'500'000);
    outcome.figures.waited[0] = 3s;
    return outcome;
}

std::set<std::string> keys_of(const Json& json) {
    std::set<std::string> keys;
    for (const auto& [key, value] : json.items()) {
        keys.insert(key);
    }
    return keys;
}

TEST(LoadReport, KeysAreThoseThatScriptsRelyOn) {
    const std::set<std::string> common{"command",
                                       "clients",
                                       "seconds",
                                       "failed",
                                       "seed",
                                       "server_cpu_seconds",
                                       "server_peak_rss_bytes",
                                       "client_limited",
                                       "client_cpu_share"};
    for (auto [kind, own] : std::vector<std::pair<Kind, std::set<std::string>>>{
             {Kind::dhcp,
              {"exchanges", "exchanges_per_second", "retransmissions", "duplicate_addresses",
               "latency_ms"}},
             {Kind::tftp,
              {"transfers", "bytes", "bytes_per_second", "retransmissions", "completion_ms"}},
             {Kind::multicast, {"transfers", "bytes", "wire_bytes", "completion_ms"}},
             {Kind::http,
              {"requests", "bytes", "bytes_per_second", "requests_per_second", "latency_ms"}},
             {Kind::storm,
              {"installed", "lost", "waited_ms_by_cause", "time_to_loader_ms", "time_to_kernel_ms",
               "time_to_installed_ms"}}}) {
        own.insert(common.begin(), common.end());
        const std::string text = json_text(outcome_of(kind));
        EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
        EXPECT_EQ(keys_of(Json::parse(text)), own) << to_text(kind);
    }
}

TEST(LoadReport, ValuesAreInTheUnitsOfTheirKeys) {
    const Json json = Json::parse(json_text(outcome_of(Kind::dhcp)));
    EXPECT_EQ(json["exchanges_per_second"], 10'000.0);
    EXPECT_EQ(json["latency_ms"]["p50"], 1.5);
    EXPECT_EQ(keys_of(json["latency_ms"]), (std::set<std::string>{"p50", "p99", "max"}));
    EXPECT_TRUE(json["server_cpu_seconds"].is_null()) << "nobody said which process it is";
    EXPECT_EQ(json["client_limited"], false);
    const Json storm = Json::parse(json_text(outcome_of(Kind::storm)));
    EXPECT_EQ(storm["waited_ms_by_cause"]["dhcp_no_answer"], 3000.0);
    EXPECT_EQ(storm["waited_ms_by_cause"].size(), client_wait_count);
    Outcome watched = outcome_of(Kind::dhcp);
    watched.watched = true;
    watched.server_cpu_seconds = 0.25;
    watched.server_peak_bytes = 4096;
    EXPECT_EQ(Json::parse(json_text(watched))["server_cpu_seconds"], 0.25);
    EXPECT_EQ(Json::parse(json_text(watched))["server_peak_rss_bytes"], 4096);
}

TEST(LoadReport, SaysWhenTheGeneratorWasTheLimit) {
    Outcome outcome = outcome_of(Kind::dhcp);
    EXPECT_EQ(outcome.limit(), "");
    outcome.client_cpu_share = 0.95;
    EXPECT_NE(outcome.limit(), "");
    EXPECT_NE(report_text(outcome).find("it had no time left"), std::string::npos);
    outcome.client_cpu_share = 0.2;
    outcome.overruns = 1;
    EXPECT_NE(outcome.limit(), "");
    outcome.overruns = 0;
    outcome.figures.lateness.record(50'000'000);
    EXPECT_NE(outcome.limit(), "");
}

TEST(LoadReport, TellsWhyMachinesFailed) {
    Outcome outcome = outcome_of(Kind::tftp);
    outcome.figures.reasons = {{"status 404", 7}, {"esc\x1b[2J", 2000}};
    outcome.given_up = "gave up: nothing came";
    const std::string text = remarks_text(outcome);
    EXPECT_NE(text.find("gave up: nothing came"), std::string::npos);
    EXPECT_LT(text.find("2,000 times: esc?[2J"), text.find("7 times: status 404"));
    EXPECT_EQ(remarks_text(outcome_of(Kind::tftp)), "");
    outcome.neighbour_overflows = 1;
    EXPECT_EQ(remarks_text(outcome).find("gc_thresh3"), std::string::npos) << "nothing failed";
    outcome.figures.failed = 1;
    EXPECT_NE(remarks_text(outcome).find("gc_thresh3"), std::string::npos);
}

TEST(LoadReport, TextHasTheFiguresOfEachSubcommand) {
    EXPECT_NE(report_text(outcome_of(Kind::dhcp)).find("20,000 (10,000/s)"), std::string::npos);
    for (const Kind kind : {Kind::dhcp, Kind::tftp, Kind::multicast, Kind::http, Kind::storm}) {
        EXPECT_NE(report_text(outcome_of(kind)).find("failed"), std::string::npos);
    }
}

TEST(LoadPlot, ShowsEveryStageAndCauseAndEscapesNames) {
    Outcome outcome = outcome_of(Kind::storm);
    for (int i = 0; i < 2000; ++i) {
        StageSample sample{.at = i * Duration{100ms}, .machines = {}};
        sample.machines[static_cast<std::size_t>(i / 300)] = 20'000;
        outcome.figures.stages.push_back(sample);
    }
    const std::string svg = storm_plot(outcome);
    EXPECT_TRUE(svg.starts_with("<svg "));
    EXPECT_TRUE(svg.ends_with("</svg>\n"));
    EXPECT_EQ(svg.find("<&>"), std::string::npos);
    for (std::size_t i = 0; i < client_stage_count; ++i) {
        EXPECT_NE(svg.find(to_text(static_cast<ClientStage>(i))), std::string::npos);
    }
    for (std::size_t i = 0; i < client_wait_count; ++i) {
        EXPECT_NE(svg.find(to_text(static_cast<ClientWait>(i))), std::string::npos);
    }
    EXPECT_LT(svg.size(), 200'000U);
    outcome.figures.stages.clear();
    EXPECT_EQ(storm_plot(outcome).find("nan"), std::string::npos) << "also of nothing";
}

TEST(LoadPlot, SaysWhereItCouldNotWrite) {
    EXPECT_THROW(write_plot(outcome_of(Kind::storm), "/no/such/folder/x.svg"), Failure);
}

} // namespace
} // namespace muster::load
