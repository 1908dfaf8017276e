// SPDX-License-Identifier: Apache-2.0
// Worlds: they repeat, they are the same on a NIC and on sockets, they end well without faults.
// The many seeds with faults are `sim`'s, which tests/run starts.
#include "tools/simulator/world.hh"

#include "tests/sim/scripted_machine.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

using sim::World;
using sim::WorldOptions;

WorldOptions swarm(std::uint64_t seed) {
    WorldOptions options = WorldOptions::swarm(seed);
    options.make = sim::boot_machines(options);
    return options;
}

std::string first_finding(const World& world) {
    return world.findings().empty()
               ? std::string{}
               : world.findings().front().checker + ": " + world.findings().front().text;
}

TEST(SimWorld, TheSameSeedGivesTheSameWorld) {
    std::uint64_t before = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        World first{swarm(seed)};
        World again{swarm(seed)};
        first.run();
        again.run();
        EXPECT_EQ(first.digest(), again.digest()) << "seed " << seed;
        EXPECT_EQ(first.events(), again.events()) << "seed " << seed;
        EXPECT_NE(first.digest(), before) << "seed " << seed;
        before = first.digest();
    }
}

TEST(SimWorld, WatchingAWorldDoesNotChangeIt) {
    WorldOptions options = swarm(11);
    World unwatched{options};
    unwatched.run();
    options.trace = true;
    World watched{options};
    watched.run();
    EXPECT_EQ(unwatched.digest(), watched.digest());
    EXPECT_FALSE(watched.trace().empty());
}

// What a driver of NICs would see and what sockets see lead to the same datagrams at the same time.
// The thousand seeds: sim --both --seeds 1-1000.
TEST(SimWorld, FramesAndSocketsAreTheSameWorld) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        WorldOptions options = swarm(seed);
        options.network.frames = false;
        World sockets{options};
        options.network.frames = true;
        World frames{options};
        sockets.run();
        frames.run();
        EXPECT_EQ(sockets.digest(), frames.digest()) << "seed " << seed;
        EXPECT_EQ(sockets.datagrams().counts().losses, frames.datagrams().counts().losses);
        EXPECT_EQ(first_finding(frames), "") << "seed " << seed;
    }
}

TEST(SimWorld, WithoutFaultsNobodyIsLostAndNothingIsSaidTwice) {
    WorldOptions options;
    options.machines = {.count = 60, .streams_max = 512};
    options.streams.streams_max = 512;
    options.server.workers = 2;
    options.server.connections_max = 512;
    options.content.image = 100'000'000;
    options.power.over = 30s;
    options.operators = false;
    options.make = sim::boot_machines(options);
    World world{options};
    unsigned again = 0;
    unsigned lost = 0;
    world.machines().on_note = [&](const ClientNote& note) {
        again += note.kind == ClientNote::Kind::retransmission ? 1U : 0U;
        lost += note.kind == ClientNote::Kind::finished && !note.ok ? 1U : 0U;
    };
    world.run();
    EXPECT_EQ(first_finding(world), "");
    EXPECT_TRUE(world.all_done());
    EXPECT_EQ(lost, 0U);
    EXPECT_EQ(again, 0U);
    EXPECT_GT(world.tftp_check().compared(), 50'000U);
    EXPECT_GT(world.http_check().answers(), 60U);
    EXPECT_EQ(world.server().control()->counters().installs_completed, 60U);
}

// EDK2 collects offers for seconds although the first one is there at once. The server knows when
// it sent that and when the REQUEST came, so the two agree but for the way there and back.
TEST(SimWorld, TimelinesSayWhatMachinesWaitedFor) {
    WorldOptions options;
    options.machines = {.count = 12, .streams_max = 512};
    options.streams.streams_max = 512;
    options.server.connections_max = 512;
    options.content.image = 10'000'000;
    options.power.over = 10s;
    options.operators = false;
    options.firmware = "edk2";
    options.make = sim::boot_machines(options);
    World world{options};
    Duration noted{};
    world.machines().on_note = [&](const ClientNote& note) {
        if (note.kind == ClientNote::Kind::waited && note.wait == ClientWait::dhcp_collecting) {
            noted += note.duration;
        }
    };
    world.run();
    EXPECT_EQ(first_finding(world), "");
    Duration seen{};
    unsigned attempts = 0;
    for (const auto& [name, node] : world.server().control()->ledger().nodes().all()) {
        for (const BootTimeline& boot : node.boots) {
            ++attempts;
            EXPECT_GT(boot.waited_for(BootWait::dhcp_collecting), 3s) << name;
            EXPECT_GT(boot.waited_for(BootWait::dhcp_flush), Duration{}) << name;
            EXPECT_LT(boot.waited_for(BootWait::dhcp_flush), 1s) << name;
            EXPECT_EQ(boot.waited_for(BootWait::dhcp_probe), Duration{}) << name;
            EXPECT_EQ(boot.waited_for(BootWait::tftp_no_answer), Duration{}) << name;
            seen += boot.waited_for(BootWait::dhcp_collecting);
        }
    }
    EXPECT_EQ(attempts, 12U);
    EXPECT_LE(seen, noted + attempts * 20ms) << "no longer than the machines themselves say";
}

// Fifty installs, and musterd killed once, at a moment that differs each time: from the first
// DISCOVER to the last report. The checkers see a disk that is wiped twice, a token used twice and
// a machine whose install the server forgot.
TEST(SimWorld, AKillAtAnyMomentOfFiftyInstallsLosesNoneAndWipesNoDiskTwice) {
    WorldOptions options;
    options.machines = {.count = 50, .streams_max = 512};
    options.streams.streams_max = 512;
    options.server.workers = 2;
    options.server.connections_max = 512;
    options.network.server_rate = 1e9 / 8;
    options.content.kernel = 4'000'000;
    options.content.initrd = 4'000'000;
    options.content.image = 40'000'000;
    options.content.loaders = 0.1;
    options.operators = false;
    options.make = sim::boot_machines(options);
    const auto end_of = [&](World& world) {
        while (!world.all_done() && world.step()) {
        }
        return world.universe().now.steady - world.first_power_on();
    };
    for (const bool governed : {false, true}) {
        options.server.governor =
            governed ? std::optional{GovernorOptions{.slots = 8, .egress = 0}} : std::nullopt;
        World unharmed{options};
        const Duration whole = end_of(unharmed);
        constexpr int kills = 20;
        for (int n = 0; n < kills; ++n) {
            SCOPED_TRACE(fmt::format("governed {}, kill {} of {}", governed, n, kills));
            World world{options};
            world.machines().on_note = [&](const ClientNote& note) {
                EXPECT_FALSE(note.kind == ClientNote::Kind::finished && !note.ok) << note.text;
            };
            const Instant moment = world.first_power_on() + whole * n / kills;
            while (world.next_event() <= moment && world.step()) {
            }
            world.restart_server(300ms);
            world.run();
            EXPECT_EQ(first_finding(world), "");
            EXPECT_TRUE(world.all_done());
            unsigned installed = 0;
            for (const auto& [name, node] : world.server().control()->ledger().nodes().all()) {
                installed += node.install.state == InstallState::installed ? 1U : 0U;
                EXPECT_EQ(node.install.attempt, 1U) << name << ": no machine had to begin again";
            }
            EXPECT_EQ(installed, 50U);
        }
    }
}

TEST(SimWorld, EverythingIsInstalledAfterTheServerCrashedAgainAndAgain) {
    WorldOptions options = swarm(12);
    options.faults = {};
    options.faults.crash = {.every = 2s, .least = 10ms, .most = 3s};
    options.safety = 120s;
    World world{options};
    world.run();
    EXPECT_EQ(first_finding(world), "");
    EXPECT_GT(world.server().starts(), 10U);
}

TEST(SimWorld, TheSimplestMachinesAreInstalledToo) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        WorldOptions options = WorldOptions::swarm(seed);
        options.make = make_scripted_machine;
        World world{options};
        world.run();
        EXPECT_EQ(first_finding(world), "") << options.text();
    }
}

/// A planted bug, and the checkers of which one must find it.
struct Planted {
    sim::Canary canary;
    std::vector<std::string_view> checkers;
    /// Nothing else goes wrong, machines boot their disk as soon as it holds a system, and nobody
    /// switches them off and on. Else whoever is not known to be installed is soon installed again,
    /// and `install` sees that before the end, where `agreement` looks.
    bool quiet = false;
};

class SimCanary : public testing::TestWithParam<Planted> {};

TEST_P(SimCanary, IsFoundByItsChecker) {
    const Planted& planted = GetParam();
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        WorldOptions options = swarm(seed);
        options.canary = planted.canary;
        options.faults.crash = {.every = 10s, .least = 10ms, .most = 1s};
        if (planted.quiet) {
            options.faults = {};
            options.operators = false;
            options.network_first = false;
            options.make = sim::boot_machines(options);
        }
        World world{options};
        world.run();
        if (world.findings().empty()) {
            continue;
        }
        const std::string& checker = world.findings().front().checker;
        ASSERT_TRUE(std::ranges::find(planted.checkers, checker) != planted.checkers.end())
            << "found by: " << first_finding(world) << "\nin: " << options.text();
        const auto proves = [&](const sim::Finding& finding) {
            return finding.checker == planted.checkers.front();
        };
        if (std::ranges::any_of(world.findings(), proves)) {
            return; // others may be quicker, but this is the one that it is to prove
        }
    }
    ADD_FAILURE() << planted.checkers.front() << " never found it";
}

INSTANTIATE_TEST_SUITE_P(
    Bugs, SimCanary,
    testing::Values(Planted{sim::Canary::store_lies, {"durable"}},
                    Planted{sim::Canary::early_ack, {"durable"}},
                    Planted{sim::Canary::leases_forgotten, {"address"}},
                    Planted{sim::Canary::lease_given_twice, {"address", "durable", "install"}},
                    Planted{sim::Canary::flipped_byte, {"tftp"}},
                    Planted{sim::Canary::wrong_range, {"http"}},
                    Planted{sim::Canary::short_body, {"http"}},
                    Planted{sim::Canary::uncounted_drop, {"accounting"}},
                    Planted{sim::Canary::install_forgotten, {"order", "install"}},
                    Planted{sim::Canary::install_invented, {"liveness"}},
                    Planted{sim::Canary::token_shared, {"token"}},
                    Planted{sim::Canary::machine_unheard, {"liveness"}},
                    Planted{sim::Canary::attempt_forgotten, {"attempts"}},
                    Planted{sim::Canary::report_unheard, {"install", "liveness"}},
                    Planted{sim::Canary::report_unheard, {"agreement"}, true},
                    Planted{sim::Canary::frame_cut, {"wire"}}),
    [](const auto& planted) {
        std::string name{to_text(planted.param.canary)};
        std::ranges::replace(name, '-', '_');
        return planted.param.quiet ? name + "_quiet" : name;
    });

} // namespace
} // namespace muster::test
