// SPDX-License-Identifier: Apache-2.0
//
// A timer sits on the level of the highest 6-bit digit in which its tick differs from current_.
// All timers of one level agree with current_ in the digits above and exceed it in their own, so
// the lowest bucket of the lowest occupied level is the earliest. A timer that was put off sits
// where its earlier tick put it.
#include "core/mem/timer_wheel.hh"

#include "core/base/check.hh"

#include <algorithm>
#include <bit>
#include <utility>

namespace muster {

TimerWheel::TimerWheel(std::uint32_t capacity) : timers_(capacity) {
    heads_.fill(none);
}

void TimerWheel::arm(std::uint32_t id, Instant deadline) noexcept {
    MUSTER_CHECK(id < timers_.size());
    // Most timers are put off again and again: that is a word written, and when its old bucket is
    // due the timer goes to the right one.
    if (timers_[id].bucket != none && deadline >= timers_[id].deadline &&
        deadline != Instant::never()) {
        timers_[id].deadline = deadline;
        return;
    }
    cancel(id);
    timers_[id].deadline = deadline;
    if (deadline != Instant::never()) {
        insert(id);
    }
}

void TimerWheel::cancel(std::uint32_t id) noexcept {
    MUSTER_CHECK(id < timers_.size());
    if (timers_[id].bucket != none) {
        unlink(id);
    }
    timers_[id].deadline = Instant::never();
}

Instant TimerWheel::next_deadline() const noexcept {
    const std::int64_t start = next_start();
    return start == INT64_MAX ? Instant::never() : Instant{start * tick_ns};
}

std::int64_t TimerWheel::next_start() const noexcept {
    for (std::uint32_t level = 0; level < levels; ++level) {
        if (occupied_[level] == 0) {
            continue;
        }
        const auto digit = static_cast<std::int64_t>(std::countr_zero(occupied_[level]));
        const std::uint32_t shift = level * level_bits;
        const std::int64_t above = current_ >> (shift + level_bits) << (shift + level_bits);
        return above | digit << shift;
    }
    return INT64_MAX;
}

void TimerWheel::take_due(std::int64_t start) noexcept {
    // The bucket whose start is `start` is the lowest of the lowest occupied level.
    for (std::uint32_t level = 0; level < levels; ++level) {
        if (occupied_[level] == 0) {
            continue;
        }
        const auto digit =
            static_cast<std::uint32_t>(start >> (level * level_bits)) & (buckets_per_level - 1);
        const std::uint32_t bucket = level * buckets_per_level + digit;
        due_head_ = std::exchange(heads_[bucket], none);
        occupied_[level] &= ~(std::uint64_t{1} << digit);
        for (std::uint32_t id = due_head_; id != none; id = timers_[id].next) {
            timers_[id].bucket = due_bucket;
        }
        return;
    }
}

void TimerWheel::insert(std::uint32_t id) noexcept {
    constexpr std::int64_t last_tick = (std::int64_t{1} << (levels * level_bits)) - 1;
    Timer& timer = timers_[id];
    const std::int64_t tick = std::min(std::max(to_tick(timer.deadline), current_ + 1), last_tick);
    const auto differs = static_cast<std::uint64_t>(tick ^ current_);
    const auto level = static_cast<std::uint32_t>(63 - std::countl_zero(differs)) / level_bits;
    const auto digit =
        static_cast<std::uint32_t>(tick >> (level * level_bits)) & (buckets_per_level - 1);
    timer.bucket = level * buckets_per_level + digit;
    timer.prev = none;
    timer.next = heads_[timer.bucket];
    if (timer.next != none) {
        timers_[timer.next].prev = id;
    }
    heads_[timer.bucket] = id;
    occupied_[level] |= std::uint64_t{1} << digit;
}

void TimerWheel::unlink(std::uint32_t id) noexcept {
    Timer& timer = timers_[id];
    if (timer.prev != none) {
        timers_[timer.prev].next = timer.next;
    } else {
        head(timer.bucket) = timer.next;
        if (timer.next == none && timer.bucket != due_bucket) {
            occupied_[timer.bucket / buckets_per_level] &=
                ~(std::uint64_t{1} << (timer.bucket % buckets_per_level));
        }
    }
    if (timer.next != none) {
        timers_[timer.next].prev = timer.prev;
    }
    timer.next = timer.prev = timer.bucket = none;
}

} // namespace muster
