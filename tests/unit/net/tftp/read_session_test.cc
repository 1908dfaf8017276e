// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/read_session.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace muster {
namespace {

using State = ReadSession::State;
using Outcome = Step::Outcome;

constexpr TftpTimers timers;

Instant at(Duration d) {
    return Instant{} + d;
}

/// A session of `blocks` blocks, in flight since time 0.
struct Rig {
    ReadSession session;

    static Rig opening() {
        Rig rig;
        EXPECT_EQ(rig.session.on_request(at(0ms), timers).timer, at(timers.open_max));
        return rig;
    }
    static Rig negotiating(std::uint64_t blocks, std::uint16_t windowsize,
                           std::uint8_t timeout_s = 0) {
        Rig rig = opening();
        const Step step = rig.session.on_content({.size = (blocks - 1) * 1000 + 1,
                                                  .blksize = 1000,
                                                  .windowsize = windowsize,
                                                  .timeout_s = timeout_s,
                                                  .oack = true},
                                                 at(0ms), timers);
        EXPECT_TRUE(step.oack);
        return rig;
    }
    static Rig sending(std::uint64_t blocks, std::uint16_t windowsize) {
        Rig rig = negotiating(blocks, windowsize);
        EXPECT_EQ(rig.ack(0, 0ms).outcome, Outcome::running);
        return rig;
    }
    Step ack(std::uint64_t block, Duration when) {
        return session.on_ack(static_cast<std::uint16_t>(block), at(when), timers);
    }
    Step timer(Duration when) { return session.on_timer(at(when), timers); }
};

TEST(ReadSession, TheLastBlockIsTheOneBelowBlksize) {
    for (std::uint64_t size = 0; size <= 5000; ++size) {
        ReadSession session;
        (void)session.on_request(at(0ms), timers);
        (void)session.on_content({.size = size, .blksize = 512}, at(0ms), timers);
        EXPECT_EQ(session.last_block(), size / 512 + 1) << size;
    }
}

TEST(ReadSession, WithoutOptionsTheFirstBlockIsTheAnswer) {
    Rig rig = Rig::opening();
    const Step step = rig.session.on_content({.size = 5000}, at(1ms), timers);
    EXPECT_EQ(step, (Step{.blocks = {1, 1}, .timer = at(1ms + timers.resend_first)}));
    EXPECT_EQ(rig.session.state(), State::sending);
}

TEST(ReadSession, WithOptionsTheOackIsTheAnswerAndAckZeroStarts) {
    Rig rig = Rig::opening();
    const Step oack = rig.session.on_content(
        {.size = 5000, .blksize = 1000, .windowsize = 4, .oack = true}, at(1ms), timers);
    EXPECT_EQ(oack, (Step{.oack = true, .timer = at(1ms + timers.resend_first)}));
    const Step first = rig.ack(0, 5ms);
    EXPECT_EQ(first, (Step{.blocks = {1, 4}, .timer = at(5ms + timers.resend_first)}));
}

TEST(ReadSession, SendsWindowAfterWindowAndAShorterLast) {
    Rig rig = Rig::sending(10, 4);
    EXPECT_EQ(rig.ack(4, 1ms).blocks, (BlockRange{5, 4}));
    EXPECT_EQ(rig.ack(8, 2ms).blocks, (BlockRange{9, 2}));
    const Step last = rig.ack(10, 3ms);
    EXPECT_EQ(last, (Step{.outcome = Outcome::completed}));
    EXPECT_EQ(rig.session.state(), State::over);
}

// RFC 7440 section 4: a gap in the window is answered with an ACK of what is contiguous.
TEST(ReadSession, APartlyAcknowledgedWindowIsFollowedByAWholeOneFromBehindIt) {
    for (std::uint16_t part = 1; part < 8; ++part) {
        Rig rig = Rig::sending(100, 8);
        const Step step = rig.ack(part, 1ms);
        EXPECT_EQ(step.blocks, (BlockRange{part + 1U, 8}));
        EXPECT_EQ(step.again, 8 - part) << "these had been sent";
    }
}

TEST(ReadSession, AWindowIsRewoundOnce) {
    Rig rig = Rig::sending(100, 8);
    EXPECT_EQ(rig.ack(2, 1ms).blocks, (BlockRange{3, 8}));
    const Step second = rig.ack(5, 1ms);
    EXPECT_EQ(second.blocks, (BlockRange{11, 3}))
        << "3 to 10 are in flight and may still arrive; only what fills the window is added";
    EXPECT_EQ(second.again, 0);
    EXPECT_EQ(second.outcome, Outcome::running) << "but it is progress";
    EXPECT_EQ(rig.session.acked(), 5U);
    ASSERT_TRUE(second.timer.has_value()) << "and if a block is lost again, the timer is near";
    EXPECT_LT(*second.timer, at(1ms + timers.resend_min));
    EXPECT_EQ(rig.timer(10ms).blocks, (BlockRange{6, 8}));
    EXPECT_EQ(rig.session.acked(), 5U);
    EXPECT_EQ(rig.ack(13, 12ms).blocks, (BlockRange{14, 8}));
    EXPECT_EQ(rig.ack(15, 13ms).blocks, (BlockRange{16, 8})) << "a new window has its own rewind";
}

// RFC 7440 has the client wait for the whole window, so it is not the window that shrinks.
TEST(ReadSession, AfterLossesAWindowLeavesInPartsThatGrowAgain) {
    Rig rig = Rig::sending(10'000, 64);
    EXPECT_EQ(rig.session.part(), 64);
    EXPECT_EQ(rig.ack(1, 8ms).blocks, (BlockRange{2, 64})) << "one loss is forgiven";
    const Step first = rig.timer(300ms);
    EXPECT_EQ(first.blocks, (BlockRange{2, 32}));
    EXPECT_EQ(first.again, 32);
    ASSERT_TRUE(first.timer);
    EXPECT_LE(*first.timer, at(300ms + timers.part_gap_max)) << "the gap, not the resend timer";
    const Step second = rig.timer(304ms);
    EXPECT_EQ(second.blocks, (BlockRange{34, 32})) << "the rest of the window";
    EXPECT_EQ(second.again, 32);
    EXPECT_GT(*second.timer, at(304ms + timers.part_gap_max)) << "now the client has its say";

    Duration when = 310ms;
    std::uint64_t acked = 65;
    Step step = rig.ack(acked, when);
    std::uint16_t last = 32;
    int windows = 0;
    while (rig.session.part() < 64 && ++windows < 100) {
        std::uint64_t sent = step.blocks.count;
        EXPECT_LE(step.blocks.count, 64);
        while (sent < 64) {
            when = when + 2ms;
            step = rig.timer(when);
            ASSERT_GT(step.blocks.count, 0);
            EXPECT_EQ(step.again, 0);
            sent += step.blocks.count;
        }
        EXPECT_EQ(sent, 64U) << "never more and never less than the client waits for";
        acked += 64;
        when = when + 5ms;
        step = rig.ack(acked, when);
        EXPECT_GE(rig.session.part(), last) << "whole windows let it grow";
        last = rig.session.part();
    }
    EXPECT_EQ(rig.session.part(), 64);
    EXPECT_EQ(step.blocks.count, 64);
}

TEST(ReadSession, PartsShrinkWithEveryLossDownToEightBlocks) {
    Rig rig = Rig::sending(100'000, 64);
    (void)rig.ack(1, 1ms); // this one is forgiven
    (void)rig.ack(65, 2ms);
    Duration when = 3ms;
    std::uint64_t acked = 65;
    for (const std::uint16_t part : std::to_array<std::uint16_t>({32, 16, 8, 8})) {
        (void)rig.ack(++acked, when);
        EXPECT_EQ(rig.session.part(), part);
        std::uint64_t sent = part;
        while (sent < 64) {
            when = when + 11ms;
            sent += rig.timer(when).blocks.count;
        }
        EXPECT_EQ(sent, 64U);
        when = when + 11ms;
        acked += 64; // after a loss: it does not grow
        (void)rig.ack(acked, when);
        for (sent = part; sent < 64;) {
            when = when + 11ms;
            sent += rig.timer(when).blocks.count;
        }
    }
}

TEST(ReadSession, WindowsOfEightBlocksAndFewerStayWhole) {
    for (std::uint16_t windowsize = 1; windowsize <= 8; ++windowsize) {
        Rig rig = Rig::sending(1000, windowsize);
        for (int i = 0; i < 5; ++i) {
            EXPECT_EQ(rig.timer(1s * (i + 1)).blocks, (BlockRange{1, windowsize}));
        }
        EXPECT_EQ(rig.session.part(), windowsize);
    }
}

// The ACK of a window was lost, and a part of it was sent again when it comes once more.
TEST(ReadSession, AnAckOfBlocksThatWereSentBeforeCountsWhateverPartIsInFlight) {
    for (std::uint16_t known = 33; known <= 64; ++known) {
        Rig rig = Rig::sending(1000, 64);
        EXPECT_EQ(rig.timer(250ms).blocks, (BlockRange{1, 64})) << "one loss is forgiven";
        EXPECT_EQ(rig.timer(750ms).blocks, (BlockRange{1, 32}));
        const Step step = rig.ack(known, 751ms);
        EXPECT_EQ(step.outcome, Outcome::running) << known;
        EXPECT_EQ(step.blocks.first, known + 1U);
        EXPECT_EQ(rig.session.acked(), known);
    }
    Rig rig = Rig::sending(1000, 64);
    (void)rig.timer(250ms);
    (void)rig.timer(750ms);
    EXPECT_EQ(rig.ack(65, 751ms).outcome, Outcome::stray) << "never sent";
}

TEST(ReadSession, ADuplicateAckBetweenPartsChangesNothing) {
    Rig rig = Rig::sending(1000, 64);
    (void)rig.ack(64, 5ms);
    (void)rig.ack(70, 10ms);
    (void)rig.timer(40ms);
    EXPECT_EQ(rig.ack(70, 41ms), (Step{.outcome = Outcome::ignored}));
    EXPECT_EQ(rig.timer(42ms).blocks, (BlockRange{103, 32}));
}

// A client that acknowledges every block of its windows, against RFC 7440: no storm.
TEST(ReadSession, AcksOfSingleBlocksCostOneRewindInAll) {
    Rig rig = Rig::sending(1000, 8);
    std::uint64_t sent = 8;
    std::uint64_t again = 0;
    for (std::uint64_t block = 1; block <= 1000; ++block) {
        const Step step = rig.ack(block, 1ms * block);
        sent += step.blocks.count;
        again += step.again;
    }
    EXPECT_EQ(rig.session.state(), State::over);
    EXPECT_EQ(again, 7U);
    EXPECT_EQ(sent, 1007U);
}

// RFC 1123 section 4.2.3.1.
TEST(ReadSession, ADuplicateAckSendsNothingInLockStep) {
    Rig rig = Rig::sending(10, 1);
    (void)rig.ack(1, 1ms);
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(rig.ack(1, 2ms), (Step{.outcome = Outcome::ignored}));
    }
    EXPECT_EQ(rig.ack(2, 3ms).blocks, (BlockRange{3, 1}));
    EXPECT_EQ(rig.ack(1, 3ms), (Step{.outcome = Outcome::stray}));
}

// Every ACK of a long transfer arrives twice: no block may leave twice.
TEST(ReadSession, DoubledAcksDoNotDoubleBlocks) {
    for (const std::uint16_t windowsize : std::to_array<std::uint16_t>({1, 2, 4, 64})) {
        Rig rig = Rig::sending(1000, windowsize);
        std::uint64_t sent = windowsize;
        Duration now = 0ms;
        Instant deadline = Instant::never();
        for (std::uint64_t acked = windowsize; rig.session.state() == State::sending;) {
            now += 1ms;
            ASSERT_LT(at(now), deadline) << "the answer to the window is there before the timer";
            const Step step = rig.ack(acked, now);
            sent += step.blocks.count;
            acked += step.blocks.count;
            const Step again = rig.ack(rig.session.acked(), now);
            EXPECT_EQ(again.blocks.count, 0);
            deadline = again.timer.value_or(step.timer.value_or(deadline));
        }
        EXPECT_EQ(sent, 1000U) << "windowsize=" << windowsize;
    }
}

// EDK2 answers every block behind a lost first one with ACK(expected - 1).
TEST(ReadSession, ALostFirstBlockIsResentByATimerThatTheDuplicateAckBringsForward) {
    Rig rig = Rig::sending(100, 4);
    const Step window = rig.ack(4, 1ms);
    ASSERT_EQ(window.blocks, (BlockRange{5, 4}));
    const Step hint = rig.ack(4, 2ms);
    EXPECT_EQ(hint.blocks.count, 0);
    EXPECT_EQ(hint.outcome, Outcome::ignored);
    ASSERT_TRUE(hint.timer.has_value());
    EXPECT_LT(*hint.timer, *window.timer);
    EXPECT_EQ(rig.ack(4, 2ms), (Step{.outcome = Outcome::ignored})) << "once per window";
    const Duration before = rig.session.resend_after();
    const Step resend = rig.session.on_timer(*hint.timer, timers);
    EXPECT_EQ(resend.blocks, (BlockRange{5, 4}));
    EXPECT_EQ(resend.again, 4);
    EXPECT_EQ(rig.session.resend_after(), before) << "no back-off for a timer brought forward";
}

TEST(ReadSession, BlockNumbersWrapToZero) {
    Rig rig = Rig::sending(200'000, 1);
    for (std::uint64_t block = 1; block < 200'000; ++block) {
        ASSERT_EQ(rig.ack(block, 0ms).blocks, (BlockRange{block + 1, 1})) << block;
    }
    EXPECT_EQ(rig.ack(200'000, 0ms).outcome, Outcome::completed);
}

TEST(ReadSession, WindowsCrossTheWrapFromEveryOffset) {
    for (std::uint64_t offset = 0; offset < 64; ++offset) {
        Rig rig = Rig::sending(70'000, 64);
        // In one piece or, after a loss, in parts: what follows an ACK is the window behind it.
        const auto window_after = [&rig](std::uint64_t acked) {
            Step step = rig.ack(acked, 0ms);
            std::uint64_t sent = 0;
            while (step.blocks.count > 0 && step.blocks.first == acked + 1 + sent) {
                sent += step.blocks.count;
                step = sent < 64 ? rig.timer(0ms) : Step{};
            }
            return sent;
        };
        // A partial ACK shifts the windows; then they run over 65536.
        if (offset != 0) {
            ASSERT_EQ(window_after(offset), 64U);
        }
        std::uint64_t acked = offset;
        while (acked + 64 < 65'600) {
            acked += 64;
            ASSERT_EQ(window_after(acked), 64U) << acked;
        }
        ASSERT_EQ(window_after(acked + 1), 64U);
    }
}

// All 65536 numbers against one window: what is in flight is used, the number acknowledged last is
// a duplicate, the rest is stray.
TEST(ReadSession, EveryBlockNumberHasOneMeaning) {
    for (const std::uint64_t base : {std::uint64_t{0}, std::uint64_t{65'530}}) {
        ReadSession start = Rig::sending(100'000, 1).session;
        if (base != 0) {
            Rig rig = Rig::sending(100'000, 10);
            for (std::uint64_t acked = 10; acked <= base; acked += 10) {
                (void)rig.ack(acked, 0ms);
            }
            start = rig.session;
        }
        const unsigned in_flight = base == 0 ? 1 : 10;
        for (unsigned number = 0; number <= 0xFFFF; ++number) {
            ReadSession session = start;
            const auto advanced = static_cast<std::uint16_t>(number - base);
            const Outcome expected = advanced == 0           ? Outcome::ignored
                                     : advanced <= in_flight ? Outcome::running
                                                             : Outcome::stray;
            const Step step = session.on_ack(static_cast<std::uint16_t>(number), at(1ms), timers);
            ASSERT_EQ(step.outcome, expected) << number;
            ASSERT_EQ(session.acked(), base + (expected == Outcome::running ? advanced : 0));
        }
    }
}

TEST(ReadSession, TheTimerBacksOffAndResetsWithTheNextMeasuredWindow) {
    Rig rig = Rig::sending(100, 1); // measured: 0 ms, so the floor holds
    EXPECT_EQ(rig.session.resend_after(), timers.resend_min);
    Duration now = 0ms;
    Duration wait = timers.resend_min;
    for (int i = 0; i < 12; ++i) {
        now += wait;
        const Step step = rig.timer(now);
        ASSERT_EQ(step.blocks, (BlockRange{1, 1}));
        wait = std::min<Duration>(2 * wait, timers.resend_max);
        ASSERT_EQ(step.timer, at(now + wait)) << i;
    }
    EXPECT_EQ(rig.ack(1, now + 1ms).timer, at(now + 1ms + wait))
        << "which sending was answered is not known (Karn): it may have been the first";
    EXPECT_EQ(rig.ack(2, now + 2ms).timer, at(now + 2ms + timers.resend_min));
}

// 10 % loss of a 64-block window means that none is ever clean: what losses built up must go again.
TEST(ReadSession, ABackOffIsLetGoWhenAcksShowAShorterRoundTrip) {
    Rig rig = Rig::sending(1000, 8);
    EXPECT_EQ(rig.timer(250ms).timer, at(250ms + 500ms));
    EXPECT_EQ(rig.timer(750ms).timer, at(750ms + 1000ms));
    // Sent first at 0 ms and acknowledged at 752 ms: at most 752 ms, so a quarter above it.
    EXPECT_EQ(rig.ack(8, 752ms).timer, at(752ms + 940ms));
    EXPECT_EQ(rig.ack(12, 753ms).blocks, (BlockRange{13, 8})); // a rewind, and no back-off
    EXPECT_EQ(rig.ack(20, 755ms).timer, at(755ms + timers.resend_min)) << "2 ms at most: the floor";
}

// A slow client whose window takes longer than the first timer: it must not be sent everything
// twice for ever.
TEST(ReadSession, AWindowThatTakesLongerThanTheTimerTeachesIt) {
    Rig rig = Rig::sending(10'000, 8);
    std::uint64_t again = rig.timer(250ms).again;
    Duration now = 600ms;
    Step step = rig.ack(8, now);
    for (std::uint64_t acked = 16; acked <= 800; acked += 8) {
        if (*step.timer <= at(now + 600ms)) {
            again += rig.session.on_timer(*step.timer, timers).again;
        }
        now += 600ms;
        step = rig.ack(acked, now);
    }
    EXPECT_LE(again, 3U * 8) << "then the timer has learnt";
}

TEST(ReadSession, TheTimerFollowsTheMeasuredRoundTrip) {
    Rig rig = Rig::sending(1000, 1);
    Duration now = 0ms;
    for (std::uint64_t block = 1; block < 100; ++block) {
        now += 100ms;
        (void)rig.ack(block, now);
    }
    EXPECT_GE(rig.session.resend_after(), 95ms);
    EXPECT_LE(rig.session.resend_after(), 130ms);
}

/// A transfer whose first ACK was lost: what came was the client's repetition.
Rig repeated_by_the_client() {
    Rig rig = Rig::sending(1000, 16);
    EXPECT_EQ(rig.ack(16, 249ms).blocks, (BlockRange{17, 16}));
    EXPECT_GE(rig.session.resend_after(), 700ms);
    return rig;
}

TEST(ReadSession, ARoundTripThatWasTheClientsTimerIsSoonForgotten) {
    Rig rig = repeated_by_the_client();
    for (unsigned window = 1; window <= 5; ++window) {
        const Duration before = rig.session.resend_after();
        EXPECT_EQ(rig.ack(16 + 16 * window, 249ms + window * 2ms).outcome, Outcome::running);
        EXPECT_LT(rig.session.resend_after(), before) << window;
    }
    EXPECT_LE(rig.session.resend_after(), 40ms);
    EXPECT_GE(rig.session.resend_after(), timers.resend_min);
}

TEST(ReadSession, AnAckOfBlocksThatWereSentTwiceBoundsTheRoundTrip) {
    Rig rig = repeated_by_the_client();
    // Neither window came whole, and each is answered within 2 ms of its first and second sending.
    EXPECT_EQ(rig.ack(20, 251ms).blocks, (BlockRange{21, 16}));
    EXPECT_EQ(rig.ack(36, 253ms).blocks, (BlockRange{37, 16}));
    EXPECT_LE(rig.session.resend_after(), 250ms);
}

TEST(ReadSession, ABoundAboveTheRoundTripTeachesNothing) {
    Rig rig = Rig::sending(1000, 16);
    EXPECT_EQ(rig.ack(16, 2ms).blocks, (BlockRange{17, 16}));
    const Duration before = rig.session.resend_after();
    EXPECT_EQ(rig.timer(2ms + before).blocks, (BlockRange{17, 16}));
    EXPECT_EQ(rig.ack(32, 4ms + before).blocks, (BlockRange{33, 16}));
    EXPECT_EQ(rig.ack(48, 6ms + before).blocks, (BlockRange{49, 16}));
    EXPECT_EQ(rig.session.resend_after(), before);
}

TEST(ReadSession, WithWindowsTheOackIsNotTakenForTheRoundTripOfOne) {
    Rig rig = Rig::negotiating(1000, 64);
    EXPECT_EQ(rig.ack(0, 1ms).timer, at(1ms + timers.resend_first));
    EXPECT_EQ(rig.ack(64, 101ms).timer, at(101ms + 300ms)) << "R + 4 * R/2, RFC 6298 section 2.2";
}

TEST(ReadSession, TheGrantedTimeoutIsACeilingButForEverySecondTimer) {
    Rig rig = Rig::negotiating(10, 1, 1);
    EXPECT_EQ(rig.session.resend_after(), timers.resend_first);
    EXPECT_EQ(rig.timer(1s).timer, at(1s + 500ms));
    EXPECT_EQ(rig.timer(2s).timer, at(2s + 1s));
    EXPECT_EQ(rig.timer(3s).timer, at(3s + timers.resend_max));
    EXPECT_EQ(rig.timer(11s).timer, at(11s + 1s));
    EXPECT_EQ(rig.timer(12s).timer, at(12s + timers.resend_max));
    EXPECT_EQ(rig.ack(0, 13s).timer, at(13s + timers.resend_first)) << "no longer when it goes on";
    TftpTimers slow = timers;
    slow.resend_first = 5s;
    ReadSession session;
    (void)session.on_request(at(0ms), slow);
    EXPECT_EQ(session.on_content({.timeout_s = 2, .oack = true}, at(0ms), slow).timer, at(2s));
}

// atftp: what it has already it does not acknowledge again, and every packet starts its timer anew,
// which is one of 5 s whatever it asked for.
TEST(ReadSession, ALostAckOfAClientThatIgnoresRepeatsIsSentAgainByItsOwnTimer) {
    for (const int timeout : {0, 1, 2, 5, 10, 30, 45}) {
        const auto timeout_s = static_cast<std::uint8_t>(timeout);
        const Duration client_waits = std::chrono::seconds{std::max(timeout, 5)};
        Rig rig = Rig::negotiating(100, 4, timeout_s);
        Step step = rig.ack(0, 1ms);
        Duration now = 1ms; // the window arrives; its ACK is lost
        while (!step.ended()) {
            ASSERT_TRUE(step.timer);
            const Duration next = *step.timer - at(0ms);
            if (next - now > client_waits) {
                step = rig.ack(4, now + client_waits);
                break;
            }
            now = next;
            step = rig.timer(now);
        }
        EXPECT_EQ(step.blocks, (BlockRange{5, 4})) << "timeout " << timeout;
    }
}

TEST(ReadSession, APauseIsNoLongerThanATransferWithoutProgressMayBe) {
    Rig rig = Rig::negotiating(10, 1, 255);
    Step step;
    Duration now = 0ms;
    for (int i = 0; i < 12 && !step.ended(); ++i) {
        now += rig.session.resend_after();
        step = rig.timer(now);
        EXPECT_LE(rig.session.resend_after(), timers.give_up);
    }
    EXPECT_EQ(step.outcome, Outcome::timed_out);
}

TEST(ReadSession, ATransferEndsWithoutProgressNotWithAge) {
    Rig slow = Rig::sending(100, 1);
    Duration now = 0ms;
    for (std::uint64_t block = 1; block < 100; ++block) {
        now += 59s;
        EXPECT_EQ(slow.timer(now).outcome, Outcome::running);
        EXPECT_EQ(slow.ack(block, now).outcome, Outcome::running);
    }
    EXPECT_EQ(slow.timer(now + 60s - 1ns).outcome, Outcome::running);
    // Duplicates are no progress.
    (void)slow.ack(99, now + 60s - 1ns);
    EXPECT_EQ(slow.timer(now + 60s).outcome, Outcome::timed_out);
    EXPECT_EQ(slow.session.state(), State::over);
}

TEST(ReadSession, ContentThatDoesNotComeEndsTheRequest) {
    Rig rig = Rig::opening();
    EXPECT_EQ(rig.timer(timers.open_max).outcome, Outcome::timed_out);
}

TEST(ReadSession, ARepeatedRequestRepeatsTheFirstAnswer) {
    Rig opening = Rig::opening();
    EXPECT_EQ(opening.session.on_request_again(at(1ms), timers),
              (Step{.outcome = Outcome::ignored}));

    Rig negotiating = Rig::negotiating(10, 4);
    EXPECT_EQ(negotiating.session.on_request_again(at(1ms), timers),
              (Step{.oack = true, .again = 1}));

    Rig plain = Rig::opening();
    (void)plain.session.on_content({.size = 5000}, at(0ms), timers);
    EXPECT_EQ(plain.session.on_request_again(at(1ms), timers),
              (Step{.blocks = {1, 1}, .again = 1}));
    (void)plain.ack(1, 2ms);
    EXPECT_EQ(plain.session.on_request_again(at(3ms), timers), (Step{.outcome = Outcome::ignored}));
}

// A machine that was reset asks from the same port again (GRUB always begins with 25300).
TEST(ReadSession, ARepeatedRequestRestartsATransferThatWasSilent) {
    Rig rig = Rig::sending(100, 4);
    (void)rig.ack(4, 10ms);
    const Instant silent = at(10ms + timers.restart_silence);
    EXPECT_EQ(rig.session.on_request_again(silent - 1ns, timers).outcome, Outcome::ignored);
    EXPECT_EQ(rig.session.on_request_again(silent, timers).outcome, Outcome::restarted);
    EXPECT_EQ(rig.session.state(), State::over);
}

TEST(ReadSession, AnErrorAfterTheOackIsAProbeAndLaterAnAbort) {
    EXPECT_EQ(Rig::negotiating(10, 4).session.on_error(true).outcome, Outcome::probed);
    EXPECT_EQ(Rig::negotiating(10, 4).session.on_error(false).outcome, Outcome::aborted);
    EXPECT_EQ(Rig::sending(10, 4).session.on_error(true).outcome, Outcome::aborted);
    EXPECT_EQ(Rig::opening().session.on_error(true).outcome, Outcome::aborted);
}

// The whole table: every state × every event. on_request and on_content out of place are our own
// mistakes (death); whatever a client can cause has an answer.
TEST(ReadSession, EveryEventInEveryStateHasItsOutcome) {
    const auto in_state = [](State state) {
        Rig rig = Rig::opening();
        if (state == State::negotiating) {
            rig = Rig::negotiating(10, 1);
        } else if (state == State::sending) {
            rig = Rig::sending(10, 1);
        } else if (state == State::over) {
            (void)rig.session.on_error(false);
        }
        EXPECT_EQ(rig.session.state(), state);
        return rig;
    };
    struct Row {
        State state;
        Outcome ack_0, ack_1, ack_2, timer, again, error, probe_error;
    };
    using enum Outcome;
    const std::vector<Row> table{
        {State::opening, stray, stray, stray, timed_out, ignored, aborted, aborted},
        {State::negotiating, running, stray, stray, running, running, aborted, probed},
        {State::sending, ignored, running, stray, running, ignored, aborted, aborted},
        {State::over, stray, stray, stray, timed_out, ignored, aborted, aborted},
    };
    for (const Row& row : table) {
        const int state = static_cast<int>(row.state);
        EXPECT_EQ(in_state(row.state).ack(0, 1ms).outcome, row.ack_0) << state;
        EXPECT_EQ(in_state(row.state).ack(1, 1ms).outcome, row.ack_1) << state;
        EXPECT_EQ(in_state(row.state).ack(2, 1ms).outcome, row.ack_2) << state;
        EXPECT_EQ(in_state(row.state).timer(1ms).outcome, row.timer) << state;
        EXPECT_EQ(in_state(row.state).session.on_request_again(at(1ms), timers).outcome, row.again)
            << state;
        EXPECT_EQ(in_state(row.state).session.on_error(false).outcome, row.error) << state;
        EXPECT_EQ(in_state(row.state).session.on_error(true).outcome, row.probe_error) << state;
        if (row.state != State::opening) {
            Rig rig = in_state(row.state);
            EXPECT_DEATH((void)rig.session.on_request(at(1ms), timers), "opening");
            EXPECT_DEATH((void)rig.session.on_content({}, at(1ms), timers), "opening");
        }
    }
}

} // namespace
} // namespace muster
