// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/read_session.hh"

#include "core/base/check.hh"
#include "net/tftp/ticks.hh"

#include <algorithm>

namespace muster {
namespace {

/// Below this a hastened timer would fire between two packets of one burst.
constexpr std::uint32_t hasten_min_us = 2000;

} // namespace

Step ReadSession::on_request(Instant now, const TftpTimers& timers) noexcept {
    MUSTER_CHECK(state_ == State::opening);
    progress(now);
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
    progress(now);
    if (terms.oack) {
        set(negotiated);
        state_ = State::negotiating;
        sent_at_ = now;
        return {.oack = true, .timer = now + resend_after()};
    }
    state_ = State::sending;
    return send_window(now, timers);
}

Step ReadSession::on_ack(std::uint16_t block, Instant now, const TftpTimers& timers) noexcept {
    if (state_ == State::negotiating) {
        if (block != 0) {
            return {.outcome = Step::Outcome::stray};
        }
        if (!has(resent)) {
            measure(since_sent(now));
        }
        // With larger windows the OACK's round trip says little of what a whole window takes.
        if (windowsize_ == 1 && !has(resent)) {
            set(measured);
            resend_us_ = clamped(measured_us(timers), timers);
        } else {
            resend_us_ = clamped(to_us(timers.resend_first), timers);
        }
        unset(resent);
        state_ = State::sending;
        progress(now);
        return send_window(now, timers);
    }
    if (state_ != State::sending) {
        return {.outcome = Step::Outcome::stray};
    }
    const auto advanced = static_cast<std::uint16_t>(block - static_cast<std::uint16_t>(acked_));
    if (advanced == 0) {
        return hasten(now);
    }
    if (advanced > in_flight_ && advanced <= in_flight_ + again_) {
        // It had got the whole window, and its ACK was lost; now a part of it was sent again.
        again_ = static_cast<std::uint16_t>(again_ - (advanced - in_flight_));
        in_flight_ = advanced;
    }
    if (advanced > in_flight_) {
        if (!has(gapped) || block > last_block_ || block < acked_) {
            return {.outcome = Step::Outcome::stray};
        }
        in_flight_ = advanced; // what lies between came to it when it was in a group
    }
    const bool was_resent = has(resent);
    if (was_resent) {
        let_go_of_back_off(now, timers);
    }
    if (advanced == in_flight_) {
        on_window_done(now, timers);
    } else {
        // Of a window in parts it may be the first one's answer, and since_sent() the last one's.
        if (!was_resent && part() == windowsize_) {
            lower_to(since_sent(now));
        }
        age_us_ = 0;
    }
    const bool whole = advanced == in_flight_ && !in_parts();
    acked_ += advanced;
    in_flight_ = static_cast<std::uint16_t>(in_flight_ - advanced);
    progress(now);
    if (acked_ == last_block_) {
        state_ = State::over;
        return {.outcome = Step::Outcome::completed};
    }
    if (in_flight_ == 0) {
        if (whole && !was_resent) {
            part_ = std::min<std::uint8_t>(part_ + window_part::growth, window_part::forgiving);
        }
        return send_window(now, timers);
    }
    if (has(rewound)) {
        return extend_window(now, timers);
    }
    set(rewound);
    shrink();
    return rewind(now, timers);
}

Step ReadSession::on_timer(Instant now, const TftpTimers& timers) noexcept {
    const bool waiting = state_ == State::negotiating || state_ == State::sending;
    if (!waiting || since_progress(now) >= timers.give_up) {
        state_ = State::over;
        return {.outcome = Step::Outcome::timed_out};
    }
    if (state_ == State::sending && in_parts()) {
        return send_part(now, timers);
    }
    if (has(hastened)) { // a timer brought forward says nothing about the round trip
        set(hint_used);
    } else {
        resend_us_ = backed_off(timers);
    }
    unset(hastened);
    unset(rewound);
    if (state_ == State::negotiating) {
        set(resent);
        sent_at_ = now;
        return {.oack = true, .again = 1, .timer = now + resend_after()};
    }
    shrink();
    return rewind(now, timers);
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
        if (!has(negotiated) && acked_ == 0) {
            set(resent);
            return {.blocks = {1, in_flight_}, .again = in_flight_};
        }
        if (since_progress(now) < timers.restart_silence) {
            return {.outcome = Step::Outcome::ignored};
        }
        state_ = State::over;
        return {.outcome = Step::Outcome::restarted};
    case State::member: // its group answers
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

void ReadSession::on_joined(const TransferTerms& terms, Instant now) noexcept {
    MUSTER_CHECK(state_ == State::opening && terms.blksize > 0);
    blksize_ = terms.blksize;
    windowsize_ = 1;
    timeout_s_ = terms.timeout_s;
    last_block_ = terms.size / terms.blksize + 1;
    set(negotiated);
    state_ = State::member;
    progress(now);
}

void ReadSession::on_member_ack(std::uint64_t block, Instant now) noexcept {
    MUSTER_CHECK(state_ == State::member && block <= last_block_);
    acked_ = block;
    progress(now);
}

Step ReadSession::on_left(std::uint64_t acked, Instant now, const TftpTimers& timers) noexcept {
    MUSTER_CHECK(state_ == State::member && acked < last_block_);
    state_ = State::sending;
    acked_ = acked;
    set(gapped);
    resend_us_ = clamped(to_us(timers.resend_first), timers);
    progress(now);
    return send_window(now, timers);
}

std::uint16_t ReadSession::window_size() const noexcept {
    return static_cast<std::uint16_t>(std::min<std::uint64_t>(windowsize_, last_block_ - acked_));
}

std::uint16_t ReadSession::part() const noexcept {
    const unsigned share =
        unsigned{windowsize_} * std::min(part_, window_part::whole) / window_part::whole;
    return static_cast<std::uint16_t>(
        std::min<unsigned>(std::max<unsigned>(share, window_part::blocks_min), windowsize_));
}

/// A block was lost. Parts that come to the same blocks are not made smaller: they grow from here.
void ReadSession::shrink() noexcept {
    if (part_ > window_part::whole) {
        part_ = window_part::whole;
    } else if (part() > window_part::blocks_min) {
        part_ = std::max<std::uint8_t>(part_ / 2, window_part::least);
    }
}

/// A window of blocks that were never sent.
Step ReadSession::send_window(Instant now, const TftpTimers& timers) noexcept {
    age_us_ = 0;
    in_flight_ = 0;
    again_ = 0;
    Step step = rewind(now, timers);
    unset(resent);
    return step;
}

/// A window from behind acked_, whatever is in flight.
Step ReadSession::rewind(Instant now, const TftpTimers& timers) noexcept {
    MUSTER_CHECK(acked_ < last_block_);
    if (in_flight_ != 0) {
        age_us_ = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(std::uint64_t{age_us_} + since_sent(now), UINT32_MAX));
    }
    again_ = static_cast<std::uint16_t>(std::min<unsigned>(in_flight_ + again_, window_size()));
    in_flight_ = 0;
    set(resent);
    return send_part(now, timers);
}

/// The next part of the window, which is all of it unless blocks were lost.
Step ReadSession::send_part(Instant now, const TftpTimers& timers) noexcept {
    const auto left = static_cast<std::uint16_t>(window_size() - in_flight_);
    // The second of two parts of one and a half is the rest: gaps cost, and no part shall be tiny.
    return send_range(left < part() + part() / 2 ? left : part(), now, timers);
}

/// The next `size` blocks of the window, and the timer of what comes then.
Step ReadSession::send_range(std::uint16_t size, Instant now, const TftpTimers& timers) noexcept {
    const std::uint64_t first = acked_ + in_flight_ + 1;
    const std::uint16_t again = std::min(again_, size);
    again_ = static_cast<std::uint16_t>(again_ - again);
    if (in_flight_ != 0) { // a further part: what is in flight is as old as the first one
        age_us_ += std::min(since_sent(now), UINT32_MAX - age_us_);
    }
    in_flight_ = static_cast<std::uint16_t>(in_flight_ + size);
    sent_at_ = now;
    Duration wait = resend_after();
    if (in_parts()) {
        wait = std::clamp<Duration>(std::chrono::microseconds{srtt_us_ / 2}, timers.part_gap_min,
                                    timers.part_gap_max);
    } else if (has(hastened)) {
        wait = std::min(wait, hastened_after());
    }
    return {.blocks = {first, size}, .again = again, .timer = now + wait};
}

/// A second partial ACK of one window: perhaps left over from before the rewind, so that another
/// rewind would be an apprentice's. What the client now waits for is a whole window behind that
/// block (EDK2 counts from there), so the blocks that it lacks are added, each sent for the first
/// time; should one in flight be lost again, the timer is near.
Step ReadSession::extend_window(Instant now, const TftpTimers& timers) noexcept {
    age_us_ += std::min(since_sent(now), UINT32_MAX - age_us_);
    set(resent);
    sent_at_ = now;
    Step step{.timer = now + resend_after()};
    if (in_parts()) {
        step = send_range(static_cast<std::uint16_t>(window_size() - in_flight_), now, timers);
    }
    unset(hastened);
    step.timer = hasten(now).timer.value_or(*step.timer);
    return step;
}

/// A duplicate ACK where windows are in use. Between two parts of a window it is kept in mind: the
/// timer is that of the gap.
Step ReadSession::hasten(Instant now) noexcept {
    if (windowsize_ == 1 || srtt_us_ == 0 || has(hastened) || has(hint_used) || has(hint_barred)) {
        return {.outcome = Step::Outcome::ignored};
    }
    set(hastened);
    if (in_parts()) {
        return {.outcome = Step::Outcome::ignored};
    }
    return {.timer = std::min(sent_at_ + resend_after(), now + hastened_after()),
            .outcome = Step::Outcome::ignored};
}

Duration ReadSession::hastened_after() const noexcept {
    return std::chrono::microseconds{
        std::max({hasten_min_us, 2 * std::min(srtt_us_, resend_us_), srtt_us_ + 4 * rttvar_us_})};
}

/// All that was in flight is acknowledged: what that says about the timer, and a fresh window.
void ReadSession::on_window_done(Instant now, const TftpTimers& timers) noexcept {
    if (!has(resent)) {
        if (!has(measured)) {
            srtt_us_ = 0; // the OACK's
            set(measured);
        }
        measure(since_sent(now));
        resend_us_ = clamped(measured_us(timers), timers);
    }
    const bool hinted = has(hint_used);
    unset(rewound);
    unset(hastened);
    unset(hint_used);
    unset(hint_barred);
    if (hinted) {
        set(hint_barred);
    }
}

/// Blocks that were sent twice are acknowledged. Which sending was answered is not known (Karn),
/// but the round trip was no longer than the time since the first one.
void ReadSession::let_go_of_back_off(Instant now, const TftpTimers& timers) noexcept {
    const std::uint64_t longest = std::uint64_t{age_us_} + since_sent(now);
    lower_to(longest);
    const std::uint64_t known = has(measured) ? measured_us(timers) : 0;
    resend_us_ = std::min(resend_us_, clamped(std::max(longest + longest / 4, known), timers));
}

/// A round trip took no longer than this. Where many blocks are lost few windows come whole at the
/// first sending, and what was measured while the server was busy would be believed for long.
void ReadSession::lower_to(std::uint64_t us) noexcept {
    if (has(measured) && us < srtt_us_) {
        measure(static_cast<std::uint32_t>(us));
    }
}

/// RFC 6298 section 2, but for round trips that are much shorter than those before. Then these were
/// not the network's: the ACK was lost, and the client's own timer repeated it, or the machine was
/// busy. They are soon forgotten; by the RFC's averages each loss of the next twenty windows would
/// take as long again.
void ReadSession::measure(std::uint32_t us) noexcept {
    if (srtt_us_ == 0) {
        srtt_us_ = std::max(us, 1U);
        rttvar_us_ = us / 2;
        return;
    }
    if (us < srtt_us_ / 2) {
        srtt_us_ = std::max((srtt_us_ + us) / 2, 1U);
        rttvar_us_ = std::max(rttvar_us_ / 2, us / 2);
        return;
    }
    const std::uint32_t error = us > srtt_us_ ? us - srtt_us_ : srtt_us_ - us;
    rttvar_us_ = (3 * rttvar_us_ + error) / 4;
    srtt_us_ = std::max((7 * srtt_us_ + us) / 8, 1U);
}

/// RFC 6298 section 2.3. A client that is as regular as a clock still gets a margin.
std::uint64_t ReadSession::measured_us(const TftpTimers& timers) const noexcept {
    return srtt_us_ + std::max(4 * std::uint64_t{rttvar_us_}, to_us(timers.resend_min) / 2);
}

/// In microseconds, at most some minutes so that the averages above cannot overflow.
std::uint32_t ReadSession::since_sent(Instant now) const noexcept {
    return static_cast<std::uint32_t>(
        std::min(to_us(now - sent_at_), to_us(std::chrono::minutes{5})));
}

void ReadSession::progress(Instant now) noexcept {
    progress_ms_ = to_ms(now);
}

Duration ReadSession::since_progress(Instant now) const noexcept {
    return std::chrono::milliseconds{to_ms(now) - progress_ms_};
}

/// The timer after one that ran out: twice as long, up to its ceiling. There every second one is
/// longer than the client's own, which need not be what it asked for: atftp has us repeat every
/// second if told to, ignores blocks that it has, starts its timer anew with every packet, and
/// repeats a lost ACK only if nothing comes for 5 s.
std::uint32_t ReadSession::backed_off(const TftpTimers& timers) const noexcept {
    const std::uint32_t ceiling = clamped(UINT32_MAX, timers);
    if (timeout_s_ != 0 && resend_us_ == ceiling) {
        const std::uint64_t longer =
            std::max(to_us(timers.resend_max), std::uint64_t{timeout_s_} * 1'500'000);
        return static_cast<std::uint32_t>(std::min(longer, to_us(timers.give_up)));
    }
    return clamped(std::uint64_t{resend_us_} * 2, timers);
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
