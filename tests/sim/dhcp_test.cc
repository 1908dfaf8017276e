// SPDX-License-Identifier: Apache-2.0
// Worlds that do nothing but DHCP, so that much of it happens: loss, and a server that is killed
// again and again.
#include "net/client/load_machines.hh"

#include "tools/simulator/world.hh"

#include <gtest/gtest.h>

#include <set>

namespace muster::test {
namespace {

using sim::World;
using sim::WorldOptions;

/// Clients that ask every second, as long as it takes.
WorldOptions clients(std::uint64_t seed, std::uint32_t count, Duration over) {
    static constexpr std::array<Duration, 60> waits = [] {
        std::array<Duration, 60> all{};
        all.fill(1s);
        return all;
    }();
    WorldOptions options = WorldOptions::swarm(seed);
    options.faults = {};
    options.machines.count = count;
    options.site.machines = count;
    options.site.addresses = 0;
    options.site.reserved = 0;
    options.operators = false;
    options.server.engine.dhcp_limits.leases_max = 4'096;
    options.server.engine.dhcp_limits.commits_max = 256;
    options.server.mailbox_capacity = 1'024;
    options.power = {.over = over, .rack = 0};
    options.make = [](const sim::PowerOn& power) {
        return make_dhcp_load_machine({.pxe = power.index % 2 == 0,
                                       .waits = waits,
                                       .seed = static_cast<std::uint32_t>(power.seed)});
    };
    return options;
}

/// Runs until every machine has an address or `limit` is over; how many have one. The faults stay
/// on to the end.
std::size_t run(World& world, Duration limit) {
    std::set<MachineIndex> bound;
    world.machines().on_note = [&](const ClientNote& note) {
        if (note.kind == ClientNote::Kind::exchange) {
            bound.insert(note.machine);
        }
    };
    while (bound.size() < world.machines().count() &&
           world.universe().now.steady < Instant{} + limit && world.step()) {
    }
    return bound.size();
}

std::string first_finding(const World& world) {
    return world.findings().empty()
               ? std::string{}
               : world.findings().front().checker + ": " + world.findings().front().text;
}

TEST(SimDhcp, EveryClientIsBoundWhenPacketsAreLost) {
    for (const double loss : {0.01, 0.10, 0.30}) {
        for (std::uint64_t seed = 1; seed <= 5; ++seed) {
            WorldOptions options = clients(seed, 300, 1s);
            options.faults.link.loss = loss;
            World world{options};
            EXPECT_EQ(run(world, 3min), 300U) << "loss " << loss << ", seed " << seed;
            EXPECT_EQ(first_finding(world), "");
        }
    }
}

// kill -9 at any event: what was acknowledged is there after it, and no address is two machines'.
TEST(SimDhcp, AThousandKillsLoseNoLease) {
    std::uint64_t kills = 0;
    std::size_t bound = 0;
    for (std::uint64_t seed = 1; kills < 1'000; ++seed) {
        ASSERT_LE(seed, 40U) << "too few kills: " << kills;
        WorldOptions options = clients(seed, 1'000, 30s);
        options.faults.crash = {.every = 150ms, .least = 1ms, .most = 50ms};
        options.faults.link.loss = 0.01;
        options.server.process_start = 20ms;
        options.safety = 1h; // faults to the end
        World world{options};
        bound += run(world, 40s);
        EXPECT_EQ(first_finding(world), "") << "seed " << seed;
        kills += world.server().starts() - 1;
    }
    EXPECT_GT(bound, 1'000U);
    RecordProperty("kills", std::to_string(kills));
}

} // namespace
} // namespace muster::test
