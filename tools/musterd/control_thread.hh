// SPDX-License-Identifier: Apache-2.0
// The thread that owns the install state: messages of the workers and admin requests go in,
// answers go out, and what has gathered is committed once a turn.
#pragma once

#include "core/control/control.hh"
#include "io/uring/ring.hh"
#include "io/uring/stream_io.hh"
#include "io/worker/mailbox.hh"
#include "net/http/http_server.hh"

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace muster {

class ControlThread {
public:
    /// Borrows all of them until run() has returned.
    ControlThread(Control& control, HttpServer& admin, std::vector<Mailbox*> mailboxes,
                  const Wake& wake);

    /// In the thread that will call run(); `listener` may be invalid: no admin API.
    [[nodiscard]] Result<void, SysError> open(Fd listener);
    void run();

    /// Any thread: run() commits what is there, answers, and returns.
    void stop() noexcept;
    /// Any thread: runs `order` on the control thread (a new site, a summary).
    void post(std::function<void(Control&, const Now&)> order);

private:
    void step(const Now& now);
    void deliver(ControlOutbox& outbox, const Now& now);
    void perform(const Now& now);
    void push(std::size_t worker, ControlMessage message);
    void run_orders(const Now& now);
    void arm_wake();

    Control& control_;
    HttpServer& admin_;
    std::vector<Mailbox*> mailboxes_;
    const Wake& wake_;
    Ring ring_;
    StreamIo streams_;
    Outbox admin_out_;
    ControlOutbox control_out_;
    /// What did not fit a worker's queue. Bounded by what workers have asked: every answer belongs
    /// to a request of theirs, and these are bounded by their slabs.
    std::vector<std::deque<ControlMessage>> backlog_;
    std::vector<char> told_; ///< workers to wake at the end of the turn
    Instant next_sweep_;
    std::mutex orders_mutex_;
    std::vector<std::function<void(Control&, const Now&)>> orders_;
    std::atomic<bool> stopping_{false};
};

} // namespace muster
