// SPDX-License-Identifier: Apache-2.0
#include "core/mem/timer_wheel.hh"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace muster {
namespace {

Instant at_ms(std::int64_t ms) {
    return {ms * 1'000'000};
}

// Every distance that crosses a digit of the wheel, from several starts: never early, at most a
// millisecond late, and next_deadline() is never late.
TEST(TimerWheel, FiresAtItsDeadlineFromEveryStart) {
    for (const std::int64_t start : {0, 1, 63, 64, 4095, 4096, 262'143, 1'000'000'007}) {
        for (const std::int64_t wait :
             {1, 2, 62, 63, 64, 65, 4000, 4095, 4096, 4097, 262'144, 300'000, 20'000'000}) {
            TimerWheel wheel{1};
            wheel.expire(at_ms(start), [](std::uint32_t) { FAIL(); });
            wheel.arm(0, at_ms(start + wait));
            bool fired = false;
            std::int64_t now = start;
            while (!fired) {
                const std::int64_t next = wheel.next_deadline().ns / 1'000'000;
                ASSERT_GT(next, now);
                ASSERT_LE(next, start + wait) << "start=" << start << " wait=" << wait;
                now = next;
                wheel.expire(at_ms(now), [&](std::uint32_t) { fired = true; });
            }
            EXPECT_EQ(now, start + wait);
            EXPECT_EQ(wheel.next_deadline(), Instant::never());
        }
    }
}

TEST(TimerWheel, BetweenTicksItWaitsForTheNext) {
    TimerWheel wheel{1};
    wheel.arm(0, Instant{1'500'001});
    wheel.expire(Instant{1'999'999}, [](std::uint32_t) { FAIL() << "before its tick"; });
    bool fired = false;
    wheel.expire(Instant{2'000'000}, [&](std::uint32_t) { fired = true; });
    EXPECT_TRUE(fired);
}

TEST(TimerWheel, AFiringTimerMayRearmAndCancelOthers) {
    TimerWheel wheel{3};
    wheel.arm(0, at_ms(5));
    wheel.arm(1, at_ms(5));
    wheel.arm(2, at_ms(5));
    int fired = 0;
    wheel.expire(at_ms(5), [&](std::uint32_t id) {
        ++fired;
        for (std::uint32_t other = 0; other < 3; ++other) {
            if (other != id) {
                wheel.cancel(other);
            }
        }
        wheel.arm(id, at_ms(6));
    });
    EXPECT_EQ(fired, 1);
    wheel.expire(at_ms(6), [&](std::uint32_t) { ++fired; });
    EXPECT_EQ(fired, 2);
}

// A timer that every packet puts off stays where it is until its old place is due.
TEST(TimerWheel, WhatIsPutOffFiresOnceAtItsLastDeadline) {
    TimerWheel wheel{2};
    wheel.arm(0, at_ms(100));
    wheel.arm(1, at_ms(100));
    for (std::int64_t now = 1; now < 5'000; ++now) {
        wheel.expire(at_ms(now), [&](std::uint32_t id) {
            EXPECT_EQ(id, 1U);
            EXPECT_EQ(now, 100);
        });
        wheel.arm(0, at_ms(now + 100));
        EXPECT_EQ(wheel.deadline(0), at_ms(now + 100));
        EXPECT_LE(wheel.next_deadline(), at_ms(now + 100));
    }
    wheel.arm(0, at_ms(5'010)); // sooner than it was
    int fired = 0;
    wheel.expire(at_ms(5'009), [&](std::uint32_t) { ++fired; });
    EXPECT_EQ(fired, 0);
    wheel.expire(at_ms(5'010), [&](std::uint32_t) { ++fired; });
    EXPECT_EQ(fired, 1);
    wheel.arm(0, at_ms(6'000));
    wheel.arm(0, at_ms(7'000));
    wheel.cancel(0);
    wheel.expire(at_ms(9'000), [&](std::uint32_t) { ++fired; });
    EXPECT_EQ(fired, 1);
    EXPECT_EQ(wheel.next_deadline(), Instant::never());
}

// Against a plain ordered map, with random arms, cancels and steps of time.
TEST(TimerWheel, AgreesWithAnOrderedMap) {
    std::mt19937_64 random{42};
    constexpr std::uint32_t count = 200;
    TimerWheel wheel{count};
    std::map<std::uint32_t, std::int64_t> model;
    std::int64_t now = 0;
    for (int step = 0; step < 20'000; ++step) {
        const auto id = static_cast<std::uint32_t>(random() % count);
        const auto range = std::int64_t{1} << (random() % 22);
        switch (random() % 4) {
        case 0:
            wheel.cancel(id);
            model.erase(id);
            break;
        case 1:
            now += static_cast<std::int64_t>(random() >> 1U) % range;
            wheel.expire(at_ms(now), [&](std::uint32_t due) {
                ASSERT_TRUE(model.contains(due));
                ASSERT_LE(model[due], now);
                model.erase(due);
            });
            for (const auto& [left, deadline] : model) {
                ASSERT_GT(deadline, now) << "timer " << left << " was missed";
            }
            break;
        default: {
            const std::int64_t deadline =
                now + 1 + static_cast<std::int64_t>(random() >> 1U) % range;
            wheel.arm(id, at_ms(deadline));
            model[id] = deadline;
        }
        }
    }
}

} // namespace
} // namespace muster
