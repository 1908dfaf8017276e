// SPDX-License-Identifier: Apache-2.0
// One timer per slot of a slab, in a hierarchical wheel: arm and cancel are O(1), nothing
// allocates after construction, and links are slot numbers, so that runs are repeatable.
#pragma once

#include "core/base/time.hh"

#include <array>
#include <cstdint>
#include <vector>

namespace muster {

/// Timers named 0 .. capacity-1. Resolution 1 ms: a timer fires at or up to 1 ms after its
/// deadline, never before. Deadlines may lie up to 139 years (2^42 ms) after time zero.
class TimerWheel {
public:
    explicit TimerWheel(std::uint32_t capacity);

    /// Arms timer `id`, replacing what was armed. Instant::never() cancels.
    void arm(std::uint32_t id, Instant deadline) noexcept;
    void cancel(std::uint32_t id) noexcept;
    [[nodiscard]] bool armed(std::uint32_t id) const noexcept { return timers_[id].bucket != none; }
    [[nodiscard]] Instant deadline(std::uint32_t id) const noexcept { return timers_[id].deadline; }

    /// When expire() has work next, perhaps early (inner hand-downs, timers put off), never late.
    [[nodiscard]] Instant next_deadline() const noexcept;

    /// Calls `fire(id)` for every timer due at or before `now`; a fired timer is disarmed first,
    /// and `fire` may arm and cancel any timer. Time that runs backwards is ignored.
    template <class Fire>
    void expire(Instant now, Fire&& fire) {
        const std::int64_t until = now.ns / tick_ns;
        for (;;) {
            const std::int64_t start = next_start();
            if (start > until) {
                break;
            }
            current_ = start;
            take_due(start);
            while (due_head_ != none) {
                const std::uint32_t id = due_head_;
                unlink(id);
                if (to_tick(timers_[id].deadline) > start) {
                    insert(id); // an outer bucket is handed down to an inner level
                } else {
                    fire(id);
                }
            }
        }
        if (until > current_) {
            current_ = until;
        }
    }

private:
    static constexpr std::int64_t tick_ns = 1'000'000;
    static constexpr std::uint32_t levels = 7;
    static constexpr std::uint32_t level_bits = 6;
    static constexpr std::uint32_t buckets_per_level = 1U << level_bits;
    static constexpr std::uint32_t none = UINT32_MAX;
    static constexpr std::uint32_t due_bucket = levels * buckets_per_level;

    struct Timer {
        Instant deadline = Instant::never();
        std::uint32_t next = none;
        std::uint32_t prev = none;
        std::uint32_t bucket = none;
    };

    static constexpr std::int64_t to_tick(Instant at) noexcept {
        return at.ns / tick_ns + (at.ns % tick_ns > 0 ? 1 : 0);
    }
    [[nodiscard]] std::int64_t next_start() const noexcept;
    void take_due(std::int64_t start) noexcept;
    void insert(std::uint32_t id) noexcept;
    void unlink(std::uint32_t id) noexcept;
    std::uint32_t& head(std::uint32_t bucket) noexcept {
        return bucket == due_bucket ? due_head_ : heads_[bucket];
    }

    std::vector<Timer> timers_;
    std::array<std::uint32_t, levels * buckets_per_level> heads_{};
    std::array<std::uint64_t, levels> occupied_{};
    std::uint32_t due_head_ = none;
    std::int64_t current_ = 0; ///< tick up to which everything has fired
};

} // namespace muster
