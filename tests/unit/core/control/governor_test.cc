// SPDX-License-Identifier: Apache-2.0
#include "core/control/governor.hh"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

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
    EXPECT_EQ(world.governor.ask("d", 5)->place, 1U);
    EXPECT_EQ(world.governor.ask("b")->place, 2U);
    EXPECT_EQ(world.governor.ask("c", 9)->place, 1U);
    EXPECT_EQ(world.governor.ask("c", 5)->place, 1U) << "it came before d";
    EXPECT_EQ(world.governor.queue().size(), 3U);
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

/// A link of `link` bytes a second, of which a machine takes `most` at best; every machine wants
/// `size` bytes, and asks when it is told to.
struct Rack {
    Rack(unsigned count, double link, double most, double size, GovernorOptions options)
        : world(options), link_(link), most_(most), size_(size) {
        for (unsigned n = 0; n < count; ++n) {
            asks_.emplace(world.now, n);
        }
    }

    void run() {
        const Duration step = 100ms;
        while (done.size() < asks_.size() + loading_.size() + done.size()) {
            ASSERT_LT(world.now, Instant{} + 100h);
            while (!asks_.empty() && asks_.begin()->first <= world.now) {
                const unsigned n = asks_.begin()->second;
                asks_.erase(asks_.begin());
                if (const auto wait = world.governor.ask(name(n))) {
                    asks_.emplace(world.now + wait->ask_again, n);
                } else {
                    loading_.emplace(n, size_);
                }
            }
            most_slots = std::max(most_slots, world.governor.slots());
            const double seconds = std::chrono::duration<double>(step).count();
            const double each =
                loading_.empty()
                    ? 0
                    : std::min(most_, link_ / static_cast<double>(loading_.size())) * seconds;
            for (auto it = loading_.begin(); it != loading_.end();) {
                world.governor.on_bytes(name(it->first), static_cast<std::uint64_t>(each));
                it->second -= each;
                if (it->second > 0) {
                    ++it;
                    continue;
                }
                world.governor.release(name(it->first));
                done.push_back(std::chrono::duration<double>(world.now - (Instant{} + 1h)).count());
                it = loading_.erase(it);
            }
            world.pass(step);
        }
    }
    [[nodiscard]] double mean() const {
        double sum = 0;
        for (const double at : done) {
            sum += at;
        }
        return sum / static_cast<double>(done.size());
    }

    World world;
    std::vector<double> done;
    unsigned most_slots = 0;

private:
    double link_, most_, size_;
    std::multimap<Instant, unsigned> asks_;
    std::map<unsigned, double> loading_;
};

// With what the wire takes alone as the measure: nobody waits for less than a full link, and the
// mean is near a half of it, where all at once would all end at its end.
TEST(Governor, KeepsTheLinkFullAndTheMeanLow) {
    struct Row {
        std::string_view what;
        unsigned count;
        double link, most, size;
        std::uint64_t egress;
    };
    const Row rows[] = {
        {"1 Gb/s, known", 500, 119e6, 119e6, 60e6, 119'000'000},
        {"1 Gb/s, unknown", 500, 119e6, 119e6, 60e6, 0},
        {"10 Gb/s, machines of 1 Gb/s", 2'000, 1.19e9, 119e6, 300e6, 1'190'000'000},
        {"10 Gb/s, unknown, slow machines", 2'000, 1.19e9, 20e6, 300e6, 0},
        {"25 Gb/s, large images", 3'000, 2.9e9, 119e6, 800e6, 2'900'000'000},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.what);
        Rack rack{row.count, row.link, row.most, row.size, {.slots = 0, .egress = row.egress}};
        rack.run();
        const double wire = row.count * row.size / row.link;
        EXPECT_LT(rack.done.back(), 1.15 * wire);
        EXPECT_LT(rack.mean(), 0.65 * wire);
        EXPECT_TRUE(rack.world.governor.tickets().empty());
        EXPECT_TRUE(rack.world.governor.queue().empty());
    }
}

} // namespace
} // namespace muster::test
