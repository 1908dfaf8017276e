// SPDX-License-Identifier: Apache-2.0
// The two queues between one worker and control, each with the eventfd that wakes its reader.
#pragma once

#include "core/mem/spsc_ring.hh"
#include "core/port/messages.hh"
#include "io/host/fd.hh"

#include <sys/eventfd.h>

namespace muster {

/// Wakes a ring's thread from another one.
class Wake {
public:
    Wake() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
    void signal() const noexcept { ::eventfd_write(fd_.get(), 1); }
    void clear() const noexcept {
        eventfd_t count = 0;
        ::eventfd_read(fd_.get(), &count);
    }
    [[nodiscard]] int get() const noexcept { return fd_.get(); }

private:
    Fd fd_;
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
