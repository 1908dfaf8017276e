// SPDX-License-Identifier: Apache-2.0
// Each trouble by its story, and no word about a boot that goes well.
#include "core/flight/findings.hh"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace muster::test {
namespace {

using enum FlightKind;

class FindingsTest : public testing::Test {
protected:
    NodeRecord node;
    std::vector<FlightEntry> entries;
    UnixTime now{1'700'000'000'000};
    std::uint32_t boot = 1;
    bool has_answers = true;
    std::vector<std::string> same_uuid;

    FlightEntry& add(FlightKind kind, std::string text = {}, std::uint32_t count = 1) {
        FlightEntry& entry = entries.emplace_back();
        entry.boot = boot;
        entry.kind = kind;
        entry.text = std::move(text);
        entry.count = count;
        entry.at = now;
        now = now + 1s;
        entry.last = now;
        return entry;
    }
    FlightEntry& transfer(FlightKind kind, std::uint64_t bytes, FlightEnd end = FlightEnd::done) {
        FlightEntry& entry = add(kind, "/files/it");
        entry.bytes = bytes;
        entry.end = end;
        return entry;
    }
    [[nodiscard]] std::string codes() const {
        std::string all;
        for (const Finding& finding : find_troubles({.node = node,
                                      .entries = entries,
                                      .has_answers = has_answers,
                                      .same_uuid = same_uuid,
                                      .now = now})) {
            EXPECT_GT(finding.text.size(), 20U) << finding.code;
            all += std::string{finding.code} + " ";
        }
        return all;
    }
};

TEST_F(FindingsTest, NothingOfAMachineThatDoesWell) {
    EXPECT_EQ(codes(), "") << "nothing seen yet";
    add(offer);
    add(ack);
    transfer(loader, 1'000);
    add(script);
    transfer(payload, 1'000);
    add(answers);
    add(report);
    now = now + 1h;
    EXPECT_EQ(codes(), "");
}

TEST_F(FindingsTest, AnArchitectureThatNoLoaderRunsOn) {
    add(offer, fmt::format("PXE ROM, arm64 UEFI: 10.0.0.21{}", no_loader_text), 1);
    EXPECT_EQ(codes(), "no-loader ");
    add(offer, "PXE ROM, x64 UEFI: 10.0.0.21", 1);
    EXPECT_EQ(codes(), "") << "a machine whose firmware was set right";
}

TEST_F(FindingsTest, OffersThatNobodyTakes) {
    add(offer, "PXE ROM, x64 UEFI: 10.0.0.21", 2);
    EXPECT_EQ(codes(), "") << "it may be collecting offers";
    entries[0].count = 3;
    EXPECT_EQ(codes(), "offers-ignored ");
    entries[0].text = "PXE ROM, x64 UEFI: by proxy";
    EXPECT_EQ(codes(), "offers-ignored ");
    add(ack);
    EXPECT_EQ(codes(), "");
}

TEST_F(FindingsTest, AnotherServerIsNamed) {
    add(offer, "x", 5);
    add(other_server, "10.0.0.99");
    EXPECT_EQ(codes(), "other-dhcp-server ") << "and that explains the offers";
    const auto found =
        find_troubles({.node = node, .entries = entries, .same_uuid = {}, .now = now});
    EXPECT_NE(found[0].text.find("10.0.0.99"), std::string::npos);
}

TEST_F(FindingsTest, ALinkThatPassedNothingForHalfAMinute) {
    add(late, "31 s");
    add(offer);
    add(ack);
    EXPECT_EQ(codes(), "late-link ");
}

TEST_F(FindingsTest, ALoaderWithoutBytes) {
    add(ack);
    transfer(loader, 0);
    EXPECT_EQ(codes(), "empty-loader ");
    entries.back().end = FlightEnd::broken_off;
    EXPECT_EQ(codes(), "") << "firmware that asks for the size alone does that";
}

TEST_F(FindingsTest, ALoaderThatNeverComesToItsScript) {
    transfer(loader, 1'000);
    EXPECT_EQ(codes(), "") << "not yet";
    now = now + 2min;
    EXPECT_EQ(codes(), "loader-stopped ");
    entries.back().end = FlightEnd::broken_off;
    EXPECT_EQ(codes(), "loader-broken-off ");
    add(wait);
    EXPECT_EQ(codes(), "");
}

TEST_F(FindingsTest, AKernelWhoseInstallerNeverAsks) {
    add(script);
    transfer(payload, 1'000);
    now = now + 4min;
    EXPECT_EQ(codes(), "no-answers-asked ");
    has_answers = false;
    EXPECT_EQ(codes(), "") << "then nothing is to be asked";
    has_answers = true;
    add(report);
    EXPECT_EQ(codes(), "");
}

TEST_F(FindingsTest, AKernelThatIsBrokenOff) {
    transfer(payload, 500, FlightEnd::broken_off);
    EXPECT_EQ(codes(), "kernel-broken-off ");
}

TEST_F(FindingsTest, AMachineThatBootsInACircle) {
    BootTimeline attempt{.attempt = 2, .token = {}, .marks = {}};
    attempt.set(BootMark::offer, now);
    node.boots.push_back(attempt);
    node.install.state = InstallState::loading;
    for (boot = 1; boot <= 3; ++boot) {
        EXPECT_EQ(codes(), "");
        add(offer);
        add(ack);
        add(script);
    }
    EXPECT_EQ(codes(), "boot-loop ");
    node.install.state = InstallState::installed;
    EXPECT_EQ(codes(), "") << "later boots are no business of the attempt";
}

TEST_F(FindingsTest, OnlyTheLatestBootCounts) {
    add(offer, "x", 9);
    boot = 2;
    add(offer);
    add(ack);
    EXPECT_EQ(codes(), "");
}

TEST_F(FindingsTest, AUuidOfSeveral) {
    same_uuid = {"r1n02", "r1n03"};
    EXPECT_EQ(codes(), "duplicate-uuid ");
}

} // namespace
} // namespace muster::test
