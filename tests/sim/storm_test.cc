// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/storm.hh"

#include <gtest/gtest.h>

#include <numeric>

namespace muster {
namespace {

StormOptions small_storm() {
    StormOptions options;
    options.nodes = 40;
    options.kernel = 200'000;
    options.initrd = 300'000;
    options.image = 50'000'000;
    return options;
}

TEST(SimulatedStorm, TellsOfEveryMachine) {
    const auto storm = simulate_storm(small_storm());
    ASSERT_TRUE(storm) << storm.error();
    EXPECT_EQ(storm->installed, 40U);
    EXPECT_EQ(storm->lost, 0U);
    EXPECT_TRUE(storm->findings.empty());
    ASSERT_EQ(storm->machines.size(), 40U);
    for (const StormMachine& machine : storm->machines) {
        EXPECT_TRUE(machine.installed);
        EXPECT_FALSE(machine.firmware.empty());
        EXPECT_GT(machine.to_stage(ClientStage::disk), machine.to_stage(ClientStage::installer));
        EXPECT_GT(machine.to_stage(ClientStage::installer), machine.to_stage(ClientStage::kernel));
        const Duration spent =
            std::accumulate(machine.spent.begin(), machine.spent.end(), Duration{});
        EXPECT_LE(machine.entered[static_cast<std::size_t>(ClientStage::disk)], spent)
            << "every moment is in some stage";
    }
    ASSERT_FALSE(storm->timeline.empty());
    for (const StormProgress& step : storm->timeline) {
        EXPECT_EQ(std::accumulate(step.in_stage.begin(), step.in_stage.end(), 0U), 40U);
    }
    EXPECT_GE(storm->stream_bytes, 40 * 50e6);
}

TEST(SimulatedStorm, FollowsFromItsSeed) {
    StormOptions options = small_storm();
    const auto first = simulate_storm(options);
    const auto again = simulate_storm(options);
    options.seed = 2;
    const auto other = simulate_storm(options);
    ASSERT_TRUE(first && again && other);
    EXPECT_EQ(first->digest, again->digest);
    EXPECT_EQ(first->took, again->took);
    EXPECT_NE(first->digest, other->digest);
}

// Eight machines and a gigabit: the images alone take 8 * 500 MB / 125 MB/s.
TEST(SimulatedStorm, IsNoFasterThanItsLink) {
    StormOptions options = small_storm();
    options.nodes = 8;
    options.image = 500'000'000;
    options.own_time = 0;
    options.link = 1e9;
    options.power_on = 0s;
    const auto slow = simulate_storm(options);
    options.link = 100e9;
    const auto fast = simulate_storm(options);
    ASSERT_TRUE(slow && fast);
    EXPECT_GT(slow->took, fast->took + 20s);
    // Datagrams and TCP's flows do not wait for each other in this model: the few machines that
    // still load by TFTP come on top.
    EXPECT_LE(slow->link_use_peak, 1.05);
    EXPECT_GT(slow->link_use_peak, 0.9);
}

// The link carries what it carries, but who is done in a moment need not wait for the end.
TEST(SimulatedStorm, ItsGovernorLosesNoTimeAndHalvesTheMean) {
    StormOptions options = small_storm();
    options.nodes = 300;
    options.link = 1e9;
    options.power_on = 0s;
    const auto mean = [](const SimulatedStorm& storm) {
        Duration sum{};
        for (const StormMachine& machine : storm.machines) {
            sum += machine.to_stage(ClientStage::disk);
        }
        return sum / storm.machines.size();
    };
    const auto without = simulate_storm(options);
    options.boot_slots = 0;
    const auto with = simulate_storm(options);
    ASSERT_TRUE(with && without);
    EXPECT_EQ(with->lost, 0U);
    EXPECT_EQ(without->lost, 0U);
    EXPECT_LT(with->took, without->took * 11 / 10);
    EXPECT_LT(mean(*with), mean(*without) * 3 / 4);
}

TEST(SimulatedStorm, SaysWhatTheLimitsOfAnotherServerLose) {
    StormOptions options = small_storm();
    options.addresses = 30;
    const auto storm = simulate_storm(options);
    ASSERT_TRUE(storm);
    EXPECT_EQ(storm->installed, 30U);
}

TEST(SimulatedStorm, RefusesWhatCannotBe) {
    const auto error_of = [](const StormOptions& options) {
        const auto storm = simulate_storm(options);
        return storm ? std::string{} : storm.error();
    };
    StormOptions options = small_storm();
    options.nodes = 0;
    EXPECT_NE(error_of(options), "");
    options = small_storm();
    options.firmware = "no-such-firmware";
    EXPECT_NE(error_of(options), "");
    options = small_storm();
    options.link = 0;
    EXPECT_NE(error_of(options), "");
}

} // namespace
} // namespace muster
