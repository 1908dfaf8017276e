// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/tally.hh"

#include <gtest/gtest.h>

namespace muster::load {
namespace {

using Note = ClientNote;
constexpr Instant zero{1'000'000'000};

TEST(Tally, LatencyCountsFromTheMomentThatWasPlanned) {
    Tally tally{Kind::dhcp, 2};
    tally.on_started(0, zero, zero + 40ms); // we were 40 ms late
    tally.on_note({.kind = Note::Kind::exchange, .machine = 0, .duration = 10ms}, zero + 50ms);
    EXPECT_EQ(tally.figures().latency.max(), Duration{50ms}.count());
    EXPECT_EQ(tally.figures().lateness.max(), Duration{40ms}.count());
}

TEST(Tally, OnlyTheFirstRequestOfAConnectionWasPlanned) {
    Tally tally{Kind::http, 1};
    tally.on_started(0, zero, zero + 40ms);
    for (int i = 0; i < 2; ++i) {
        tally.on_note({.kind = Note::Kind::request, .status = 200, .duration = 1ms}, zero);
    }
    EXPECT_EQ(tally.figures().latency.max(), Duration{41ms}.count());
    EXPECT_LE(tally.figures().latency.quantile(0.5), Duration{1ms}.count() * 129 / 128);
}

TEST(Tally, AnAddressThatTwoMachinesHaveIsADuplicate) {
    Tally tally{Kind::dhcp, 3};
    const Ipv4Address a{{10, 0, 0, 5}};
    const Ipv4Address b{{10, 0, 0, 6}};
    const auto exchange = [&](MachineIndex machine, const Ipv4Address& address) {
        tally.on_note({.kind = Note::Kind::exchange, .machine = machine, .address = address}, zero);
    };
    exchange(0, a);
    exchange(0, a); // again, its own
    exchange(1, b);
    EXPECT_EQ(tally.figures().duplicate_addresses, 0U);
    exchange(2, a);
    EXPECT_EQ(tally.figures().duplicate_addresses, 1U);
}

TEST(Tally, AFailureIsCountedOnce) {
    Tally tally{Kind::tftp, 2};
    tally.on_started(0, zero, zero);
    tally.on_note({.kind = Note::Kind::failed, .machine = 0, .ok = false, .text = "why"}, zero);
    tally.on_note({.kind = Note::Kind::finished, .machine = 0, .ok = false}, zero);
    EXPECT_EQ(tally.figures().failed, 1U);
    EXPECT_EQ(tally.figures().reasons.at("why"), 1U);
    tally.on_started(1, zero, zero);
    tally.on_note({.kind = Note::Kind::finished, .machine = 1, .ok = false, .text = "x"}, zero);
    EXPECT_EQ(tally.figures().failed, 2U);
    EXPECT_EQ(tally.figures().finished, 2U);
}

TEST(Tally, AnAnswerThatWasNotAskedForIsNoSuccess) {
    Tally tally{Kind::http, 1};
    tally.on_started(0, zero, zero);
    tally.on_note({.kind = Note::Kind::request, .ok = false, .status = 404}, zero);
    tally.on_note({.kind = Note::Kind::failed, .ok = false, .text = "status 404"}, zero);
    EXPECT_EQ(tally.successes(), 0U);
    EXPECT_EQ(tally.figures().failed, 1U);
}

TEST(Tally, WhatIsStoppedHasFailedOnlyForAReason) {
    Tally tally{Kind::http, 2};
    tally.on_started(0, zero, zero);
    tally.on_started(1, zero, zero);
    tally.on_stopped(0, "");
    EXPECT_EQ(tally.figures().failed, 0U);
    tally.on_stopped(1, "no answer");
    EXPECT_EQ(tally.figures().failed, 1U);
    tally.on_missed(3);
    EXPECT_EQ(tally.figures().failed, 4U);
}

TEST(Tally, AStormKnowsWhereItsMachinesAre) {
    Tally tally{Kind::storm, 3};
    const auto enter = [&](MachineIndex machine, ClientStage stage, Instant at) {
        tally.on_note({.kind = Note::Kind::stage, .machine = machine, .stage = stage}, at);
    };
    const auto count = [&](ClientStage stage) {
        return tally.stages()[static_cast<std::size_t>(stage)];
    };
    EXPECT_EQ(count(ClientStage::off), 3U);
    for (MachineIndex machine = 0; machine < 2; ++machine) {
        tally.on_started(machine, zero, zero);
        enter(machine, ClientStage::dhcp, zero);
        enter(machine, ClientStage::loader, zero + 2s);
        enter(machine, ClientStage::loader, zero + 9s); // the next program: not the first any more
        enter(machine, ClientStage::kernel, zero + 10s);
    }
    tally.on_note({.kind = Note::Kind::failed, .machine = 0, .text = "tried again"}, zero);
    enter(0, ClientStage::disk, zero + 30s);
    tally.on_note({.kind = Note::Kind::finished, .machine = 0}, zero + 30s);
    tally.on_note({.kind = Note::Kind::finished, .machine = 1, .ok = false, .text = "gave up"},
                  zero + 40s);
    EXPECT_EQ(count(ClientStage::off), 1U);
    EXPECT_EQ(count(ClientStage::disk), 1U);
    EXPECT_EQ(count(ClientStage::lost), 1U);
    const Figures& figures = tally.figures();
    EXPECT_EQ(figures.installed, 1U);
    EXPECT_EQ(figures.lost, 1U);
    EXPECT_EQ(figures.failed, 1U) << "a fetch that went well in the end is no failure";
    EXPECT_EQ(figures.to_loader.max(), Duration{2s}.count());
    EXPECT_EQ(figures.to_kernel.max(), Duration{10s}.count());
    EXPECT_EQ(figures.to_installed.max(), Duration{30s}.count());
    tally.sample(40s);
    EXPECT_EQ(figures.stages.back().machines[static_cast<std::size_t>(ClientStage::lost)], 1U);
}

TEST(Tally, AWarmUpLeavesNothingBehind) {
    Tally tally{Kind::http, 1};
    tally.on_started(0, zero, zero);
    tally.on_note({.kind = Note::Kind::request, .status = 200, .bytes = 9}, zero);
    tally.restart();
    EXPECT_EQ(tally.successes(), 0U);
    EXPECT_EQ(tally.figures().bytes, 0U);
    EXPECT_EQ(tally.figures().latency.count(), 0U);
}

} // namespace
} // namespace muster::load
