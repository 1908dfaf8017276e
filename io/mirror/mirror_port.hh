// SPDX-License-Identifier: Apache-2.0
// Between one worker and the mirrors' thread.
#pragma once

#include "core/mem/spsc_ring.hh"
#include "core/port/content_request.hh"
#include "io/worker/mailbox.hh"

#include <atomic>
#include <deque>
#include <expected>
#include <string>

namespace muster {

struct MirrorAsk {
    Ticket ticket{};
    std::string target;
};
struct MirrorAnswer {
    Ticket ticket{};
    std::expected<ContentRef, OpenError> content{std::unexpected(OpenError::unavailable)};
};

/// Each end is the only writer of one queue.
class MirrorPort {
public:
    MirrorPort(std::size_t capacity, const Wake& worker, const Wake& mirror)
        : asks_(capacity), answers_(capacity), worker_(worker), mirror_(mirror) {}

    /// Worker: false when the mirror is behind; nobody will be answered then.
    [[nodiscard]] bool ask(const Ticket& ticket, std::string target) {
        return asks_.push({ticket, std::move(target)});
    }
    /// Worker: after the last ask() of a turn.
    void wake_mirror() const noexcept { mirror_.signal(); }
    [[nodiscard]] bool take(MirrorAnswer& answer) noexcept { return answers_.pop(answer); }
    /// Worker: more of some content that was still arriving has come, or it has ended.
    [[nodiscard]] bool take_growth() noexcept {
        return grown_.load(std::memory_order_relaxed) &&
               grown_.exchange(false, std::memory_order_acquire); // pairs with tell_growth()
    }

    /// Mirror: what is asked next.
    [[nodiscard]] bool take(MirrorAsk& ask) noexcept { return asks_.pop(ask); }
    /// Mirror: never refused; what finds no room waits for flush().
    void answer(MirrorAnswer answer) { backlog_.push_back(std::move(answer)); }
    void tell_growth() noexcept {
        grown_.store(true, std::memory_order_release); // pairs with take_growth()
        told_ = true;
    }
    /// Mirror: hands over what can be. False: something is left.
    bool flush() noexcept {
        while (!backlog_.empty() && answers_.push(std::move(backlog_.front()))) {
            backlog_.pop_front();
            told_ = true;
        }
        if (std::exchange(told_, false)) {
            worker_.signal();
        }
        return backlog_.empty();
    }

private:
    SpscRing<MirrorAsk> asks_;
    SpscRing<MirrorAnswer> answers_;
    const Wake& worker_;
    const Wake& mirror_;
    std::atomic<bool> grown_{false};
    std::deque<MirrorAnswer> backlog_; ///< the mirror's
    bool told_ = false;                ///< the mirror's
};

} // namespace muster
