// SPDX-License-Identifier: Apache-2.0
#include "core/control/governor.hh"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

std::string name(unsigned n) {
    return fmt::format("n{:05}", n);
}

/// Time that goes on as it is told to.
struct World {
    explicit World(GovernorOptions options = {.slots = 2, .egress = 0}) : governor(options) {
        governor.advance(now);
    }
    void pass(Duration time) {
        now = now + time;
        governor.advance(now);
    }
    Instant now = Instant{} + 1h;
    Governor governor;
};

TEST(Governor, LetsAsManyLoadAsThereAreSlots) {
    World world;
    EXPECT_FALSE(world.governor.ask("a"));
    EXPECT_FALSE(world.governor.ask("b"));
    const auto wait = world.governor.ask("c");
    ASSERT_TRUE(wait);
    EXPECT_EQ(wait->place, 1U);
    EXPECT_EQ(wait->waiting, 1U);
    EXPECT_FALSE(wait->expected) << "nothing was seen yet that could tell";
    EXPECT_EQ(world.governor.place("c"), 1U);
    EXPECT_EQ(world.governor.place("a"), 0U);
}

TEST(Governor, WhoHasATicketIsNeverSentAway) {
    World world;
    EXPECT_FALSE(world.governor.ask("a"));
    EXPECT_FALSE(world.governor.ask("b"));
    EXPECT_TRUE(world.governor.ask("c"));
    EXPECT_FALSE(world.governor.ask("a"));
    EXPECT_EQ(world.governor.tickets().size(), 2U);
}

TEST(Governor, TheOneThatWaitsLongestIsNext) {
    World world{{.slots = 1, .egress = 0}};
    EXPECT_FALSE(world.governor.ask("a"));
    EXPECT_TRUE(world.governor.ask("b"));
    world.pass(1s);
    EXPECT_TRUE(world.governor.ask("c"));
    world.governor.release("a");
    EXPECT_TRUE(world.governor.ask("c")) << "the slot is b's";
    EXPECT_TRUE(world.governor.ask("d")) << "and nobody who just came gets it";
    world.pass(1s);
    EXPECT_FALSE(world.governor.ask("b"));
    EXPECT_EQ(world.governor.waited("b"), 2s);
    EXPECT_EQ(world.governor.ask("c")->place, 1U);
    EXPECT_EQ(world.governor.ask("d")->place, 2U);
}

TEST(Governor, APriorityGoesBeforeAndCanBeChangedWhileWaiting) {
    World world{{.slots = 1, .egress = 0}};
    EXPECT_FALSE(world.governor.ask("a"));
    EXPECT_EQ(world.governor.ask("b")->place, 1U);
    EXPECT_EQ(world.governor.ask("c")->place, 2U);
    EXPECT_EQ(world.governor.ask("d", {.priority = 5, .budgets = {}})->place, 1U);
    EXPECT_EQ(world.governor.ask("b")->place, 2U);
    EXPECT_EQ(world.governor.ask("c", {.priority = 9, .budgets = {}})->place, 1U);
    EXPECT_EQ(world.governor.ask("c", {.priority = 5, .budgets = {}})->place, 1U)
        << "it came before d";
    EXPECT_EQ(world.governor.queue().size(), 3U);
}

BootTerms of(std::vector<BootBudget> budgets, int priority = 0) {
    return {.priority = priority, .budgets = std::move(budgets)};
}

TEST(Governor, WhoWaitsForItsRackHoldsUpNobodyElse) {
    World world{{.slots = 3, .egress = 0}};
    const BootTerms rack = of({{"tag rack1", 1}});
    EXPECT_FALSE(world.governor.ask("a", rack));
    const auto wait = world.governor.ask("b", rack);
    ASSERT_TRUE(wait);
    EXPECT_EQ(wait->full_budget, "tag rack1");
    EXPECT_EQ(wait->loading, 1U);
    EXPECT_FALSE(wait->expected);
    EXPECT_FALSE(world.governor.ask("c"));
    EXPECT_FALSE(world.governor.ask("d", of({{"tag rack2", 1}})));
    const auto link = world.governor.ask("e");
    ASSERT_TRUE(link);
    EXPECT_EQ(link->full_budget, "") << "it is the link that is full";
    EXPECT_EQ(link->loading, 3U);

    world.governor.release("c");
    EXPECT_TRUE(world.governor.ask("b", rack)) << "a loads";
    EXPECT_FALSE(world.governor.ask("e"));
    world.governor.release("a");
    EXPECT_FALSE(world.governor.ask("b", rack));
}

TEST(Governor, WhoWaitsLongestForABudgetIsNextInIt) {
    World world{{.slots = 9, .egress = 0}};
    const BootTerms rack = of({{"tag rack1", 1}});
    EXPECT_FALSE(world.governor.ask("a", rack));
    EXPECT_TRUE(world.governor.ask("b", rack));
    EXPECT_TRUE(world.governor.ask("c", rack));
    world.governor.release("a");
    EXPECT_TRUE(world.governor.ask("c", rack)) << "the slot is b's";
    EXPECT_TRUE(world.governor.ask("d", rack));
    EXPECT_FALSE(world.governor.ask("e")) << "and nobody else's matter";
    EXPECT_FALSE(world.governor.ask("b", rack));
    world.governor.release("b");
    EXPECT_FALSE(world.governor.ask("d", of({{"tag rack1", 1}}, 7)))
        << "a priority goes before in a budget, too";
}

TEST(Governor, AllBudgetsOfAMachineMustHaveRoom) {
    World world{{.slots = 9, .egress = 0}};
    EXPECT_FALSE(world.governor.ask("a", of({{"tag rack1", 1}, {"profile p", 3}})));
    EXPECT_FALSE(world.governor.ask("b", of({{"profile p", 3}})));
    EXPECT_EQ(world.governor.ask("c", of({{"profile p", 3}, {"tag rack1", 1}}))->full_budget,
              "tag rack1");
    EXPECT_FALSE(world.governor.ask("d", of({{"profile p", 3}})));
    EXPECT_EQ(world.governor.ask("e", of({{"profile p", 3}, {"tag rack2", 1}}))->full_budget,
              "profile p");
}

TEST(Governor, ABudgetIsWhatTheSiteSaysNow) {
    World world{{.slots = 9, .egress = 0}};
    EXPECT_FALSE(world.governor.ask("a", of({{"tag rack1", 1}})));
    EXPECT_TRUE(world.governor.ask("b", of({{"tag rack1", 1}})));
    EXPECT_TRUE(world.governor.ask("c", of({{"tag rack1", 1}})));
    EXPECT_FALSE(world.governor.ask("b", of({{"tag rack1", 2}}))) << "it was raised";
    EXPECT_FALSE(world.governor.ask("c")) << "it was removed";
    world.governor.readmit("d", of({{"tag rack1", 2}}));
    EXPECT_EQ(world.governor.budgets().front().used, 3U) << "who loaded before a restart goes on";
}

TEST(Governor, TicketsGivenBackAreRoomInTheirBudgets) {
    World world{{.slots = 9, .egress = 0}};
    const BootTerms rack = of({{"tag rack1", 1}});
    EXPECT_FALSE(world.governor.ask("a", rack));
    for (int i = 0; i < 6; ++i) {
        EXPECT_TRUE(world.governor.ask("b", rack));
        world.pass(5s);
    }
    world.pass(5s);
    EXPECT_FALSE(world.governor.ask("b", rack)) << "a is gone";
    EXPECT_EQ(world.governor.budgets().front().used, 1U);
}

TEST(Governor, ATicketWithoutTrafficIsGivenBack) {
    World world{{.slots = 1, .egress = 0}};
    EXPECT_FALSE(world.governor.ask("a"));
    for (int i = 0; i < 12; ++i) {
        world.pass(5s);
        world.governor.on_bytes("a", 1);
        EXPECT_TRUE(world.governor.ask("b"));
    }
    for (int i = 0; i < 8; ++i) {
        world.pass(5s);
    }
    EXPECT_FALSE(world.governor.ask("b"));
    EXPECT_EQ(world.governor.counters().quiet, 1U);
}

TEST(Governor, WhoIsLateForItsTurnLosesItToTheNextButNotItsPlace) {
    World world{{.slots = 1, .egress = 0}};
    EXPECT_FALSE(world.governor.ask("a"));
    EXPECT_TRUE(world.governor.ask("late"));
    EXPECT_TRUE(world.governor.ask("b"));
    world.governor.release("a");
    EXPECT_TRUE(world.governor.ask("b")) << "it may be on its way";
    world.pass(10s);
    EXPECT_FALSE(world.governor.ask("b"));
    world.governor.release("b");
    EXPECT_EQ(world.governor.place("late"), 1U);
    EXPECT_FALSE(world.governor.ask("late"));
}

TEST(Governor, WhoComesNoMoreIsForgotten) {
    World world{{.slots = 1, .egress = 0}};
    EXPECT_FALSE(world.governor.ask("a"));
    EXPECT_TRUE(world.governor.ask("gone"));
    for (int i = 0; i < 40; ++i) {
        world.pass(5s);
        world.governor.on_bytes("a", 1);
    }
    EXPECT_TRUE(world.governor.queue().empty());
    EXPECT_EQ(world.governor.counters().gone, 1U);
}

// Machines that come later than they were told, each after the other was given up: found by the
// simulator with a loader that kept to the first wait it was told.
TEST(Governor, TwoThatAreBothLateDoNotKeepEachOtherOut) {
    World world{{.slots = 1, .egress = 0}};
    EXPECT_FALSE(world.governor.ask("a"));
    EXPECT_TRUE(world.governor.ask("b"));
    world.pass(30s);
    EXPECT_TRUE(world.governor.ask("c"));
    world.governor.release("a");
    world.pass(60s);
    EXPECT_FALSE(world.governor.ask("b") && world.governor.ask("c"));
}

TEST(Governor, AfterARestartWhoLoadedGoesOn) {
    World world{{.slots = 1, .egress = 0}};
    world.governor.readmit("a");
    world.governor.readmit("a");
    EXPECT_TRUE(world.governor.ask("b"));
    EXPECT_FALSE(world.governor.ask("a"));
}

TEST(Governor, TellsHowLongItTakesOnceItHasSeenTurns) {
    World world{{.slots = 1, .egress = 0}};
    EXPECT_FALSE(world.governor.ask(name(0)));
    for (unsigned n = 1; n < 100; ++n) {
        EXPECT_TRUE(world.governor.ask(name(n)));
    }
    for (unsigned n = 1; n < 40; ++n) { // a turn a second
        world.pass(1s);
        world.governor.release(name(n - 1));
        EXPECT_FALSE(world.governor.ask(name(n)));
        for (unsigned other = n + 1; other < 100; ++other) {
            EXPECT_TRUE(world.governor.ask(name(other)));
        }
    }
    const auto last = world.governor.ask(name(99));
    ASSERT_TRUE(last && last->expected);
    EXPECT_NEAR(std::chrono::duration<double>(*last->expected).count(), 60, 15);
    EXPECT_EQ(last->ask_again, *last->expected / 2);
    EXPECT_LT(world.governor.ask(name(41))->ask_again, 3s);
}

/// A link of `link` bytes a second, of which a machine takes `most` at best. Every machine loads a
/// tenth of `size`, is busy with itself for `busy`, and loads the rest; it asks when it is told to.
struct Rack {
    struct Machine {
        double left = 0;
        bool second = false; ///< transfer
        Instant busy_until;
    };
    struct Plan {
        unsigned count = 0;
        double link = 0, most = 0, size = 0;
        Duration busy{};
        std::uint64_t egress = 0;
    };

    explicit Rack(const Plan& of) : world({.slots = 0, .egress = of.egress}), plan(of) {
        for (unsigned n = 0; n < plan.count; ++n) {
            asks_.emplace(world.now, n);
        }
    }

    void run() {
        for (int steps = 0; done.size() < plan.count; ++steps) {
            ASSERT_LT(steps, 100'000) << "it never ends";
            ask();
            load(100ms);
            world.pass(100ms);
            slots_.push_back(world.governor.slots());
        }
    }
    [[nodiscard]] double wire() const { return plan.count * plan.size / plan.link; }
    [[nodiscard]] double mean() const {
        return std::accumulate(done.begin(), done.end(), 0.0) / static_cast<double>(done.size());
    }

    [[nodiscard]] unsigned median_slots() {
        const auto middle = slots_.begin() + static_cast<std::ptrdiff_t>(slots_.size() / 2);
        std::nth_element(slots_.begin(), middle, slots_.end());
        return *middle;
    }

    World world;
    Plan plan;
    std::vector<double> done; ///< seconds from the beginning

private:
    void ask() {
        while (!asks_.empty() && asks_.begin()->first <= world.now) {
            const unsigned n = asks_.begin()->second;
            asks_.erase(asks_.begin());
            if (const auto wait = world.governor.ask(name(n))) {
                asks_.emplace(world.now + wait->ask_again, n);
            } else {
                loading_[n] = {.left = plan.size / 10, .second = false, .busy_until = world.now};
                world.governor.on_bytes(name(n), 0);
            }
        }
    }
    void load(Duration step) {
        const auto active = std::count_if(loading_.begin(), loading_.end(), [&](const auto& entry) {
            return entry.second.busy_until <= world.now;
        });
        const double each = std::min(plan.most, plan.link / static_cast<double>(active)) *
                            std::chrono::duration<double>(step).count();
        for (auto it = loading_.begin(); it != loading_.end();) {
            auto& [n, machine] = *it;
            if (machine.busy_until > world.now) {
                ++it;
                continue;
            }
            if (machine.busy_until == world.now) {
                world.governor.on_bytes(name(n), 0);
            }
            world.governor.on_bytes(name(n), static_cast<std::uint64_t>(each));
            machine.left -= each;
            if (machine.left <= 0 && machine.second) {
                world.governor.release(name(n));
                done.push_back(std::chrono::duration<double>(world.now - began_).count());
                it = loading_.erase(it);
                continue;
            }
            if (machine.left <= 0) {
                machine = {
                    .left = plan.size * 0.9, .second = true, .busy_until = world.now + plan.busy};
            }
            ++it;
        }
    }

    std::vector<unsigned> slots_; ///< as they were, a step at a time
    std::multimap<Instant, unsigned> asks_;
    std::map<unsigned, Machine> loading_;
    Instant began_ = world.now;
};

// With what the wire takes alone as the measure: nobody waits for less than a full link, and the
// mean is near a half of it, where all at once would all end at its end.
TEST(Governor, KeepsTheLinkFullAndTheMeanLow) {
    const std::pair<std::string_view, Rack::Plan> rows[] = {
        {"1 Gb/s, known", {500, 119e6, 119e6, 60e6, 10s, 119'000'000}},
        {"1 Gb/s, unknown", {500, 119e6, 119e6, 60e6, 10s, 0}},
        {"1 Gb/s, never busy", {500, 119e6, 119e6, 60e6, 0s, 119'000'000}},
        {"10 Gb/s, machines of 1 Gb/s", {2'000, 1.19e9, 119e6, 300e6, 20s, 1'190'000'000}},
        {"10 Gb/s, unknown, slow machines", {2'000, 1.19e9, 20e6, 300e6, 10s, 0}},
        {"25 Gb/s, large images", {3'000, 2.9e9, 119e6, 800e6, 20s, 2'900'000'000}},
    };
    for (const auto& [what, plan] : rows) {
        SCOPED_TRACE(what);
        Rack rack{plan};
        rack.run();
        EXPECT_LT(rack.done.back(), 1.15 * rack.wire());
        EXPECT_LT(rack.mean(), 0.7 * rack.wire());
        EXPECT_TRUE(rack.world.governor.tickets().empty());
        EXPECT_TRUE(rack.world.governor.queue().empty());
    }
}

// What all together still want is a matter of seconds: whoever waited would only begin late what it
// does by itself, after all.
TEST(Governor, LetsTheLastOnesLoadTogether) {
    World world{{.slots = 0, .egress = 125'000'000}};
    const unsigned first = world.governor.slots();
    for (unsigned n = 0; n < 2 * first; ++n) {
        EXPECT_EQ(world.governor.ask(name(n)).has_value(), n >= first);
    }
    world.governor.on_bytes(name(0), 0);
    world.pass(1s);
    world.governor.on_bytes(name(0), 100'000'000); // 100 MB a machine, at 125 MB a second
    world.governor.release(name(0));
    world.pass(1s);
    for (unsigned n = first; n < 2 * first; ++n) {
        EXPECT_FALSE(world.governor.ask(name(n))) << n;
    }
}

TEST(Governor, ComesDownAgainWhenTheLinkIsFull) {
    Rack rack{{3'000, 119e6, 119e6, 60e6, 5s, 119'000'000}};
    rack.run();
    // 10 machines are busy with themselves at a time, and 2 load.
    EXPECT_GT(rack.median_slots(), 12U);
    EXPECT_LT(rack.median_slots(), 36U);
}

} // namespace
} // namespace muster::test
