// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/multicast_sender.hh"

#include "core/base/check.hh"
#include "net/tftp/ticks.hh"

#include <algorithm>

namespace muster {
namespace {

constexpr std::uint8_t asks_max = 3;    ///< OACKs without an answer that make a master silent
constexpr std::uint8_t resends_max = 6; ///< of one block, before the master is asked again
constexpr std::uint8_t resends_of_suspect = 2;
constexpr std::uint8_t stuck_max = 2; ///< answers without a step that make a master deaf
constexpr std::uint8_t hole_duplicates = 2;
constexpr std::uint16_t window_first = 4;
constexpr std::uint32_t few_members = 1;  ///< that the whole window is for
constexpr std::uint32_t some_members = 4; ///< that half of it is for

Duration from_us(std::uint32_t us) noexcept {
    return std::chrono::microseconds{us};
}

} // namespace

MulticastSender::MulticastSender(std::uint16_t last_block, std::uint16_t window) noexcept
    : last_block_(last_block),
      window_(window),
      cap_(window),
      live_(std::min(window, window_first)) {
    MUSTER_CHECK(last_block > 0 && window > 0);
}

void MulticastSender::on_members(std::uint32_t members) noexcept {
    const unsigned share = members <= few_members ? 1 : members <= some_members ? 2 : 4;
    cap_ = static_cast<std::uint16_t>(std::max(window_ / share, 1U));
    live_ = std::min(live_, cap_);
    current_ = std::min(current_, live_);
}

GroupStep MulticastSender::on_turn(Turn turn, Instant now, const TftpTimers& timers) noexcept {
    silent_ = turn != Turn::fresh;
    state_ = State::asking;
    stuck_ = 0;
    srtt_us_ = 0; // another machine, another round trip
    resend_us_ = turn == Turn::alone ? std::min(resend_us_ * 2, to_short_us(timers.resend_max))
                                     : to_short_us(timers.resend_first);
    asks_ = 0;
    return ask(now);
}

GroupStep MulticastSender::ask(Instant now) noexcept {
    ++asks_;
    timed_ = 0;
    return {.oack = true, .timer = now + from_us(resend_us_) * (1U << (asks_ - 1U))};
}

GroupStep MulticastSender::on_ack(std::uint16_t block, Instant now,
                                  const TftpTimers& timers) noexcept {
    if (block > frontier_) {
        return {.outcome = GroupStep::Outcome::stray};
    }
    switch (state_) {
    case State::asking:
        return begin_turn(block, now, timers);
    case State::holding:
        return {.outcome = GroupStep::Outcome::ignored};
    case State::sending:
        break;
    }
    if (block < acked_) {
        return {.outcome = GroupStep::Outcome::ignored};
    }
    if (block > acked_) {
        return advance(block, now, timers);
    }
    // With one block in flight, duplicates are left over from before it.
    if (in_flight() < 2 || ++duplicates_ != hole_duplicates) {
        return {.outcome = GroupStep::Outcome::ignored};
    }
    return repair(now, timers);
}

/// The master answered the OACK: what it lacks begins behind `block`.
GroupStep MulticastSender::begin_turn(std::uint16_t block, Instant now,
                                      const TftpTimers& timers) noexcept {
    stuck_ = asks_ > 0 && block == stuck_block_ && stuck_ > 0
                 ? static_cast<std::uint8_t>(stuck_ + 1)
                 : std::uint8_t{0};
    acked_ = block;
    run_end_ = block;
    asks_ = 0;
    resends_ = 0;
    duplicates_ = 0;
    state_ = State::sending;
    if (block == last_block_) {
        return {.outcome = GroupStep::Outcome::done};
    }
    silent_ = false;
    if (stuck_ > (suspect_ ? 0 : stuck_max)) {
        suspect_ = true;
        return {.outcome = GroupStep::Outcome::deaf};
    }
    if (frontier_ == 0 && now < hold_until_) {
        state_ = State::holding;
        return {.timer = hold_until_};
    }
    current_ = block == frontier_ ? live_ : std::uint16_t{1};
    return send(now, timers);
}

GroupStep MulticastSender::advance(std::uint16_t block, Instant now,
                                   const TftpTimers& timers) noexcept {
    const auto step = static_cast<std::uint16_t>(block - acked_);
    acked_ = block;
    duplicates_ = 0;
    resends_ = 0;
    stuck_ = 0;
    suspect_ = false;
    if (block == last_block_) {
        return {.outcome = GroupStep::Outcome::done};
    }
    if (timed_ != 0 && block >= timed_) {
        measure(now, timers);
    }
    if (block > run_end_) {
        // It had what lies between; what it lacks next may again be one block.
        run_end_ = block;
        current_ = block == frontier_ ? live_ : std::uint16_t{1};
        return send(now, timers);
    }
    if (current_ < live_) {
        current_ = static_cast<std::uint16_t>(std::min<unsigned>(current_ + step, live_));
    } else if (live_ < cap_) {
        // A few blocks more for each window that came through: quickly before the first loss
        // (live_ doubles), by one afterwards.
        grown_ = static_cast<std::uint16_t>(grown_ + step);
        if (grown_ >= live_) {
            grown_ = 0;
            live_ = static_cast<std::uint16_t>(
                std::min<unsigned>(lossy_ ? live_ + 1U : live_ * 2U, cap_));
            current_ = live_;
        }
    }
    return send(now, timers);
}

/// The block behind acked_ was lost, and perhaps more.
GroupStep MulticastSender::repair(Instant now, const TftpTimers& timers) noexcept {
    live_ = static_cast<std::uint16_t>(std::max(live_ / 2, 1));
    lossy_ = true;
    grown_ = 0;
    timed_ = 0;
    duplicates_ = 0;
    run_end_ = acked_;
    current_ = 1;
    return send(now, timers);
}

/// What the window allows, or nothing before half of it is free, so that a window is a few system
/// calls and not one for every ACK.
GroupStep MulticastSender::send(Instant now, const TftpTimers& timers) noexcept {
    MUSTER_CHECK(acked_ < last_block_ && run_end_ >= acked_);
    if (resend_us_ == 0 || resends_ == 0) {
        resend_us_ = srtt_us_ == 0 ? to_short_us(timers.resend_group_first)
                                   : std::clamp(srtt_us_ + 4 * rttvar_us_,
                                                to_short_us(timers.resend_group_min),
                                                to_short_us(timers.resend_group_max));
    }
    GroupStep step{.timer = now + from_us(resend_us_)};
    const auto limit =
        static_cast<std::uint16_t>(std::min<unsigned>(acked_ + current_, last_block_));
    if (limit <= run_end_) {
        return step;
    }
    const auto room = static_cast<std::uint16_t>(limit - run_end_);
    if (in_flight() > 0 && limit < last_block_ && room < (current_ + 1) / 2) {
        return step;
    }
    const auto first = static_cast<std::uint16_t>(run_end_ + 1);
    step.blocks = {first, room};
    step.again = static_cast<std::uint16_t>(
        std::clamp<int>(frontier_ - run_end_, 0, static_cast<int>(room)));
    if (step.again == 0 && timed_ == 0) {
        timed_ = first;
        timed_at_ = now;
    }
    run_end_ = limit;
    frontier_ = std::max(frontier_, run_end_);
    return step;
}

GroupStep MulticastSender::on_timer(Instant now, const TftpTimers& timers) noexcept {
    switch (state_) {
    case State::holding:
        if (now < hold_until_) {
            return {.timer = hold_until_};
        }
        state_ = State::sending;
        current_ = live_;
        return send(now, timers);
    case State::asking: {
        if (asks_ >= (silent_ ? 1 : asks_max)) {
            return {.outcome = GroupStep::Outcome::silent};
        }
        GroupStep step = ask(now);
        // Passive members that hear nothing for long give up (iPXE after 16 s).
        step.again = frontier_ > 0 ? 1 : 0;
        step.blocks = {std::max<std::uint16_t>(frontier_, 1), 1};
        frontier_ = std::max<std::uint16_t>(frontier_, 1);
        return step;
    }
    case State::sending:
        break;
    }
    if (++resends_ > (suspect_ ? resends_of_suspect : resends_max)) {
        // No step since long. Does it live, and where is it? It may even have begun anew.
        if (stuck_ == 0 || stuck_block_ != acked_) {
            stuck_ = 1;
            stuck_block_ = acked_;
        }
        state_ = State::asking;
        resend_us_ = to_short_us(timers.resend_first);
        asks_ = 0;
        return ask(now);
    }
    resend_us_ = std::min(resend_us_ * 2, to_short_us(timers.resend_group_max));
    return repair(now, timers);
}

/// RFC 6298 section 2.
void MulticastSender::measure(Instant now, const TftpTimers& timers) noexcept {
    const std::uint32_t us =
        std::clamp(to_short_us(now - timed_at_), std::uint32_t{1}, to_short_us(timers.resend_max));
    timed_ = 0;
    if (srtt_us_ == 0) {
        srtt_us_ = us;
        rttvar_us_ = us / 2;
        return;
    }
    const std::uint32_t error = us > srtt_us_ ? us - srtt_us_ : srtt_us_ - us;
    rttvar_us_ = (3 * rttvar_us_ + error) / 4;
    srtt_us_ = std::max((7 * srtt_us_ + us) / 8, 1U);
}

} // namespace muster
