// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/read_session.hh"

#include "core/base/check.hh"

#include <algorithm>

namespace muster {
namespace {

std::uint64_t to_us(Duration d) noexcept {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(d.count() / 1000, 0));
}

/// Below this a hastened timer would fire between two packets of one burst.
constexpr std::uint32_t hasten_min_us = 2000;

} // namespace

Step ReadSession::on_request(Instant now, const TftpTimers& timers) noexcept {
    MUSTER_CHECK(state_ == State::opening);
    progress_at_ = now;
    return {.timer = now + timers.open_max};
}

Step ReadSession::on_content(const TransferTerms& terms, Instant now,
                             const TftpTimers& timers) noexcept {
    MUSTER_CHECK(state_ == State::opening);
    MUSTER_CHECK(terms.blksize > 0 && terms.windowsize > 0);
    blksize_ = terms.blksize;
    windowsize_ = terms.windowsize;
    timeout_s_ = terms.timeout_s;
    // The last block is the one below blksize, so a multiple of blksize ends with an empty one.
    last_block_ = terms.size / terms.blksize + 1;
    resend_us_ = clamped(to_us(timers.resend_first), timers);
    progress_at_ = now;
    negotiated_ = terms.oack;
    if (negotiated_) {
        state_ = State::negotiating;
        sent_at_ = now;
        return {.oack = true, .timer = now + resend_after()};
    }
    state_ = State::sending;
    return send_window(now);
}

Step ReadSession::on_ack(std::uint16_t block, Instant now, const TftpTimers& timers) noexcept {
    if (state_ == State::negotiating) {
        if (block != 0) {
            return {.outcome = Step::Outcome::stray};
        }
        // With larger windows the OACK's round trip says little of what a whole window takes.
        if (windowsize_ == 1 && !has(resent)) {
            measure(now, timers);
        } else {
            resend_us_ = clamped(to_us(timers.resend_first), timers);
        }
        flags_ = 0;
        state_ = State::sending;
        progress_at_ = now;
        return send_window(now);
    }
    if (state_ != State::sending) {
        return {.outcome = Step::Outcome::stray};
    }
    const auto advanced = static_cast<std::uint16_t>(block - static_cast<std::uint16_t>(acked_));
    if (advanced == 0) {
        return hasten(now);
    }
    if (advanced > in_flight_) {
        return {.outcome = Step::Outcome::stray};
    }
    if (!has(resent)) {
        measure(now, timers);
    }
    acked_ += advanced;
    in_flight_ = static_cast<std::uint16_t>(in_flight_ - advanced);
    progress_at_ = now;
    if (acked_ == last_block_) {
        state_ = State::over;
        return {.outcome = Step::Outcome::completed};
    }
    if (in_flight_ == 0) {
        flags_ = 0;
        return send_window(now);
    }
    if (has(rewound)) {
        return extend_window(now);
    }
    const std::uint16_t again = in_flight_;
    Step step = send_window(now);
    step.again = again;
    set(rewound);
    set(resent);
    return step;
}

Step ReadSession::on_timer(Instant now, const TftpTimers& timers) noexcept {
    const bool waiting = state_ == State::negotiating || state_ == State::sending;
    if (!waiting || now - progress_at_ >= timers.give_up) {
        state_ = State::over;
        return {.outcome = Step::Outcome::timed_out};
    }
    if (!has(hastened)) { // a timer brought forward says nothing about the round trip
        resend_us_ = clamped(std::uint64_t{resend_us_} * 2, timers);
    }
    flags_ = resent;
    if (state_ == State::negotiating) {
        sent_at_ = now;
        return {.oack = true, .again = 1, .timer = now + resend_after()};
    }
    const std::uint16_t again = in_flight_;
    Step step = send_window(now);
    step.again = again;
    return step;
}

Step ReadSession::on_request_again(Instant now, const TftpTimers& timers) noexcept {
    switch (state_) {
    case State::opening:
        return {.outcome = Step::Outcome::ignored};
    case State::negotiating:
        // Its answer was lost or is late. The timer stays: a client that repeats itself quickly
        // shall not keep a dead transfer alive.
        set(resent);
        return {.oack = true, .again = 1};
    case State::sending:
        if (!negotiated_ && acked_ == 0) {
            set(resent);
            return {.blocks = {1, in_flight_}, .again = in_flight_};
        }
        if (now - progress_at_ < timers.restart_silence) {
            return {.outcome = Step::Outcome::ignored};
        }
        state_ = State::over;
        return {.outcome = Step::Outcome::restarted};
    case State::over:
        return {.outcome = Step::Outcome::ignored};
    }
    __builtin_unreachable();
}

Step ReadSession::on_error(bool probe) noexcept {
    const bool only_asked = probe && state_ == State::negotiating;
    state_ = State::over;
    return {.outcome = only_asked ? Step::Outcome::probed : Step::Outcome::aborted};
}

Step ReadSession::send_window(Instant now) noexcept {
    MUSTER_CHECK(acked_ < last_block_);
    in_flight_ =
        static_cast<std::uint16_t>(std::min<std::uint64_t>(windowsize_, last_block_ - acked_));
    sent_at_ = now;
    return {.blocks = {acked_ + 1, in_flight_}, .timer = now + resend_after()};
}

/// A second partial ACK of one window: perhaps left over from before the rewind, so that another
/// rewind would be an apprentice's. What the client now waits for is a whole window behind that
/// block (EDK2 counts from there), so the blocks that it lacks are added, each sent for the first
/// time; should one in flight be lost again, the timer is near.
Step ReadSession::extend_window(Instant now) noexcept {
    const std::uint16_t before = in_flight_;
    in_flight_ =
        static_cast<std::uint16_t>(std::min<std::uint64_t>(windowsize_, last_block_ - acked_));
    sent_at_ = now;
    unset(hastened);
    Step step = hasten(now);
    step.outcome = Step::Outcome::running;
    step.timer = step.timer.value_or(now + resend_after());
    step.blocks = {acked_ + before + 1, static_cast<std::uint16_t>(in_flight_ - before)};
    return step;
}

Step ReadSession::hasten(Instant now) noexcept {
    if (windowsize_ == 1 || srtt_us_ == 0 || has(hastened)) {
        return {.outcome = Step::Outcome::ignored};
    }
    set(hastened);
    const std::uint32_t us =
        std::max({hasten_min_us, 2 * std::min(srtt_us_, resend_us_), srtt_us_ + 4 * rttvar_us_});
    return {.timer = std::min(sent_at_ + resend_after(), now + std::chrono::microseconds{us}),
            .outcome = Step::Outcome::ignored};
}

/// RFC 6298 section 2, with our own bounds.
void ReadSession::measure(Instant now, const TftpTimers& timers) noexcept {
    const auto us = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(to_us(now - sent_at_), 1, to_us(timers.give_up)));
    if (srtt_us_ == 0) {
        srtt_us_ = us;
        rttvar_us_ = us / 2;
    } else {
        const std::uint32_t error = us > srtt_us_ ? us - srtt_us_ : srtt_us_ - us;
        rttvar_us_ = (3 * rttvar_us_ + error) / 4;
        srtt_us_ = std::max((7 * srtt_us_ + us) / 8, 1U);
    }
    resend_us_ = clamped(std::uint64_t{srtt_us_} + 4 * std::uint64_t{rttvar_us_}, timers);
}

std::uint32_t ReadSession::clamped(std::uint64_t us, const TftpTimers& timers) const noexcept {
    std::uint64_t ceiling = to_us(timers.resend_max);
    if (timeout_s_ != 0) {
        ceiling = std::min<std::uint64_t>(ceiling, std::uint64_t{timeout_s_} * 1'000'000);
    }
    const std::uint64_t floor = std::min(to_us(timers.resend_min), ceiling);
    return static_cast<std::uint32_t>(std::clamp(us, floor, ceiling));
}

} // namespace muster
