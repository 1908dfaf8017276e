// SPDX-License-Identifier: Apache-2.0
#include "io/uring/ring.hh"

#include "core/base/check.hh"

#include <sys/mman.h>

namespace muster {

Ring::~Ring() {
    if (open_) {
        io_uring_queue_exit(&ring_);
    }
}

Result<void, SysError> Ring::open(unsigned entries) {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    params.cq_entries = entries * 8; // multishot operations complete often between two submits
    int error = io_uring_queue_init_params(entries, &ring_, &params);
    if (error == -EINVAL) {
        // Linux before 6.1: no deferred task running. Slower, otherwise the same.
        params = {};
        params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        params.cq_entries = entries * 8;
        error = io_uring_queue_init_params(entries, &ring_, &params);
    }
    if (error < 0) {
        return std::unexpected(SysError{"io_uring", -error});
    }
    open_ = true;
    io_uring_register_ring_fd(&ring_);
    return {};
}

io_uring_sqe* Ring::sqe() {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) {
        io_uring_submit(&ring_);
        entry = io_uring_get_sqe(&ring_);
    }
    MUSTER_CHECK(entry != nullptr); // a submit empties the queue: there is no SQPOLL thread
    return entry;
}

void Ring::submit_and_wait(std::int64_t timeout_ns) noexcept {
    if (timeout_ns <= 0) {
        io_uring_submit_and_get_events(&ring_);
        return;
    }
    __kernel_timespec timeout{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
    io_uring_cqe* cqe = nullptr;
    io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &timeout, nullptr);
}

BufferGroup::~BufferGroup() {
    if (ring_ != nullptr) {
        ::munmap(ring_, ring_bytes_);
    }
    if (memory_ != nullptr) {
        ::munmap(memory_, memory_bytes_);
    }
}

Result<void, SysError> BufferGroup::open(Ring& ring, std::uint16_t group, std::uint32_t count,
                                         std::uint32_t size) {
    MUSTER_CHECK(std::has_single_bit(count) && count <= 32768);
    const auto map = [](std::size_t bytes) {
        return ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    };
    ring_bytes_ = count * sizeof(io_uring_buf);
    memory_bytes_ = std::size_t{count} * size;
    void* ring_memory = map(ring_bytes_);
    void* memory = map(memory_bytes_);
    if (ring_memory == MAP_FAILED || memory == MAP_FAILED) {
        return sys_error("receive buffers");
    }
    ring_ = static_cast<io_uring_buf_ring*>(ring_memory);
    memory_ = static_cast<std::byte*>(memory);
    count_ = count;
    size_ = size;
    group_ = group;
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uint64_t>(ring_);
    registration.ring_entries = count;
    registration.bgid = group;
    if (const int error = io_uring_register_buf_ring(ring.raw(), &registration, 0); error < 0) {
        return std::unexpected(SysError{"provided receive buffers (Linux 5.19 or later)", -error});
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        io_uring_buf_ring_add(ring_, buffer(static_cast<std::uint16_t>(i)), size,
                              static_cast<std::uint16_t>(i), static_cast<int>(count - 1),
                              static_cast<int>(i));
    }
    io_uring_buf_ring_advance(ring_, static_cast<int>(count));
    return {};
}

void BufferGroup::recycle(std::uint16_t id) noexcept {
    io_uring_buf_ring_add(ring_, buffer(id), size_, id, static_cast<int>(count_ - 1), 0);
    io_uring_buf_ring_advance(ring_, 1);
}

} // namespace muster
