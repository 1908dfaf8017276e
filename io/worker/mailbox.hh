// SPDX-License-Identifier: Apache-2.0
// The two queues between one worker and control, each with the eventfd that wakes its reader.
#pragma once

#include "core/mem/spsc_ring.hh"
#include "core/port/messages.hh"
#include "io/host/fd.hh"

#include <sys/eventfd.h>

#include <atomic>

namespace muster {

/// Wakes a ring's thread from another one. Signals between two clear()s cost one system call.
class Wake {
public:
    Wake() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
    void signal() const noexcept {
        if (!raised_.exchange(true, std::memory_order_acq_rel)) { // pairs with clear()
            ::eventfd_write(fd_.get(), 1);
        }
    }
    /// Before looking at what was signalled.
    void clear() const noexcept {
        eventfd_t count = 0;
        ::eventfd_read(fd_.get(), &count);
        // Last: who signals up to here has pushed before, and is seen; who does later writes again.
        raised_.exchange(false, std::memory_order_acq_rel);
    }
    [[nodiscard]] int get() const noexcept { return fd_.get(); }

private:
    Fd fd_;
    mutable std::atomic<bool> raised_{false};
};

/// Shared by a worker and control; each is the only writer of one queue.
struct Mailbox {
    Mailbox(WorkerId worker, std::size_t capacity)
        : id(worker), to_control(capacity), to_worker(capacity) {}

    WorkerId id;
    SpscRing<WorkerMessage> to_control;
    SpscRing<ControlMessage> to_worker;
    Wake wake_worker;
};

} // namespace muster
