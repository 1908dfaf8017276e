// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/control_thread.hh"

#include "io/host/clock.hh"

#include "tools/musterd/log.hh"

#include <poll.h>

#include <algorithm>

namespace muster {
namespace {

constexpr unsigned ring_entries = 256;
constexpr std::uint32_t admin_connections_max = 1024;
constexpr Duration sweep_interval = std::chrono::seconds{1};
/// How soon a full worker queue is tried again.
constexpr Duration backlog_retry = std::chrono::milliseconds{1};
/// Messages taken from one worker before the next turn commits: bounds the size of a batch, and so
/// the time that the first of them waits.
constexpr int messages_per_turn = 1024;

} // namespace

ControlThread::ControlThread(Control& control, HttpServer& admin, std::vector<Mailbox*> mailboxes,
                             const Wake& wake)
    : control_(control),
      admin_(admin),
      mailboxes_(std::move(mailboxes)),
      wake_(wake),
      streams_(ring_, admin_connections_max),
      backlog_(mailboxes_.size()),
      told_(mailboxes_.size()) {}

Result<void, SysError> ControlThread::open(Fd listener) {
    if (auto opened = ring_.open(ring_entries); !opened) {
        return opened;
    }
    if (auto opened = streams_.open(); !opened) {
        return opened;
    }
    if (listener.valid()) {
        streams_.add_listener(std::move(listener));
    }
    arm_wake();
    return {};
}

void ControlThread::arm_wake() {
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_poll_multishot(sqe, wake_.get(), POLLIN);
    sqe->user_data = to_user_data({.kind = OpKind::wake});
}

void ControlThread::stop() noexcept {
    stopping_.store(true, std::memory_order_release); // pairs with run()
    wake_.signal();
}

void ControlThread::post(std::function<void(Control&, const Now&)> order) {
    {
        const std::lock_guard lock{orders_mutex_};
        orders_.push_back(std::move(order));
    }
    wake_.signal();
}

void ControlThread::run() {
    Now now = read_clock();
    for (;;) {
        const bool stopping = stopping_.load(std::memory_order_acquire); // pairs with stop()
        Instant until = std::min({control_.next_deadline(), admin_.next_deadline(), next_sweep_});
        const bool backlog = std::any_of(backlog_.begin(), backlog_.end(),
                                         [](const auto& queue) { return !queue.empty(); });
        if (backlog) {
            until = std::min(until, now.steady + backlog_retry);
        }
        ring_.submit_and_wait(stopping || until <= now.steady ? 0 : (until - now.steady).count());
        now = read_clock();
        step(now);
        if (stopping) {
            return; // what had arrived is committed
        }
    }
}

void ControlThread::step(const Now& now) {
    ring_.drain([&](const Completion& cqe) {
        if (to_token(cqe.user_data).kind != OpKind::wake) {
            streams_.on_completion(cqe, admin_, now, admin_out_);
            return;
        }
        wake_.clear();
        if ((cqe.flags & IORING_CQE_F_MORE) == 0) {
            arm_wake();
        }
    });
    run_orders(now);
    bool more = false;
    for (Mailbox* mailbox : mailboxes_) {
        WorkerMessage message;
        int taken = 0;
        while (taken < messages_per_turn && mailbox->to_control.pop(message)) {
            control_.on_message(mailbox->id, std::move(message), now);
            ++taken;
        }
        more = more || taken == messages_per_turn;
    }
    if (more) {
        wake_.signal(); // come back at once for the rest
    }
    admin_.expire(now, admin_out_);
    perform(now);
    control_.set_listeners(admin_.listeners(), now);
    control_.step(now, control_out_);
    deliver(control_out_, now);
    perform(now);
    if (now.steady >= next_sweep_) {
        streams_.sweep(now);
        next_sweep_ = now.steady + sweep_interval;
    }
}

void ControlThread::run_orders(const Now& now) {
    std::vector<std::function<void(Control&, const Now&)>> orders;
    {
        const std::lock_guard lock{orders_mutex_};
        orders.swap(orders_);
    }
    for (const auto& order : orders) {
        order(control_, now);
    }
}

void ControlThread::push(std::size_t worker, ControlMessage message) {
    told_[worker] = 1;
    auto& queue = backlog_[worker];
    if (queue.empty() && mailboxes_[worker]->to_worker.push(std::move(message))) {
        return;
    }
    queue.push_back(
        std::move(message)); // NOLINT(bugprone-use-after-move): a refused push leaves it
}

void ControlThread::deliver(ControlOutbox& outbox, const Now& now) {
    if (outbox.feed) { // before the answers: one may begin a feed, which has this already
        admin_.on_feed(outbox.feed, now, admin_out_);
    }
    for (auto& [worker, message] : outbox.messages) {
        if (worker == admin_worker) {
            if (auto* reply = std::get_if<std::unique_ptr<DynamicReply>>(&message)) {
                admin_.on_reply(**reply, now, admin_out_);
            }
            continue;
        }
        push(static_cast<std::size_t>(worker), std::move(message));
    }
    for (const Event& event : outbox.events) {
        log_event(event);
    }
    for (std::size_t i = 0; i < mailboxes_.size(); ++i) {
        auto& queue = backlog_[i];
        while (!queue.empty() && mailboxes_[i]->to_worker.push(std::move(queue.front()))) {
            queue.pop_front();
        }
        if (std::exchange(told_[i], char{0}) != 0) {
            mailboxes_[i]->wake_worker.signal();
        }
    }
    outbox.clear();
}

void ControlThread::perform(const Now& now) {
    // Admin requests are control's own: they go straight in.
    for (WorkerMessage& message : admin_out_.messages) {
        control_.on_message(admin_worker, std::move(message), now);
    }
    for (const StreamSend& send : admin_out_.stream_sends) {
        streams_.send(send, admin_out_.head(send), now);
    }
    for (const StreamOrder& order : admin_out_.stream_orders) {
        streams_.order(order);
    }
    admin_out_.clear();
}

} // namespace muster
