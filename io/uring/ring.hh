// SPDX-License-Identifier: Apache-2.0
// An io_uring of one thread, and the names of its operations.
#pragma once

#include "core/mem/slab.hh"
#include "io/host/sys_error.hh"

#include <liburing.h>

#include <bit>
#include <cstdint>

namespace muster {

enum class OpKind : std::uint8_t {
    none, ///< a completion that nobody waits for (cancels)
    wake,
    receive_datagrams,
    send_datagram,
    accept,
    receive_stream,
    send_stream,
    poll_stream, ///< room to send
    warm_stream, ///< bytes to send are read into the page cache
    wake_stream, ///< input of TLS that was held back may be worked on
};

/// Names the owner of a completion. The generation makes a late completion for a recycled slot
/// detectable, so user_data never holds a pointer.
struct OpToken {
    std::uint32_t slot = 0;
    std::uint16_t generation = 0; ///< the low bits of the slot's generation
    OpKind kind = OpKind::none;
    std::uint8_t reserved = 0;
};
static_assert(sizeof(OpToken) == sizeof(std::uint64_t));

inline std::uint64_t to_user_data(OpToken token) noexcept {
    return std::bit_cast<std::uint64_t>(token);
}
inline OpToken to_token(std::uint64_t user_data) noexcept {
    return std::bit_cast<OpToken>(user_data);
}

/// What an operation came to. A copy: a handler may submit, and a full ring then overflows into
/// entries that were not yet released.
struct Completion {
    std::uint64_t user_data = 0;
    std::int32_t res = 0; ///< as the system call of the operation, -errno on failure
    std::uint32_t flags = 0;
};

/// Owns the ring. Create it in the thread that uses it (IORING_SETUP_SINGLE_ISSUER).
class Ring {
public:
    Ring() = default;
    ~Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    /// Errors: ENOSYS, EPERM -- the kernel has no io_uring, or it is forbidden here
    /// (kernel.io_uring_disabled).
    [[nodiscard]] Result<void, SysError> open(unsigned entries);

    /// A submission slot; submits what is queued when all are taken. Never null.
    [[nodiscard]] io_uring_sqe* sqe();
    void submit() noexcept { io_uring_submit(&ring_); }
    /// Submits, then sleeps until a completion is there or `timeout` has passed.
    void submit_and_wait(std::int64_t timeout_ns) noexcept;

    /// Calls `handle(Completion)` for each completion that is there now; returns how many.
    template <class Handle>
    unsigned drain(Handle&& handle) {
        unsigned count = 0;
        unsigned head = 0;
        io_uring_cqe* cqe = nullptr;
        io_uring_for_each_cqe(&ring_, head, cqe) {
            handle(Completion{cqe->user_data, cqe->res, cqe->flags});
            ++count;
        }
        io_uring_cq_advance(&ring_, count);
        return count;
    }

    [[nodiscard]] io_uring* raw() noexcept { return &ring_; }

private:
    io_uring ring_{};
    bool open_ = false;
};

/// Buffers that the kernel picks from for receives: `count` (a power of two) of `size` bytes.
class BufferGroup {
public:
    BufferGroup() = default;
    ~BufferGroup();
    BufferGroup(const BufferGroup&) = delete;
    BufferGroup& operator=(const BufferGroup&) = delete;

    [[nodiscard]] Result<void, SysError> open(Ring& ring, std::uint16_t group, std::uint32_t count,
                                              std::uint32_t size);
    [[nodiscard]] std::byte* buffer(std::uint16_t id) noexcept {
        return memory_ + std::size_t{id} * size_;
    }
    [[nodiscard]] std::uint16_t group() const noexcept { return group_; }
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    /// Gives a buffer back to the kernel.
    void recycle(std::uint16_t id) noexcept;

private:
    io_uring_buf_ring* ring_ = nullptr;
    std::byte* memory_ = nullptr;
    std::size_t ring_bytes_ = 0;
    std::size_t memory_bytes_ = 0;
    std::uint32_t count_ = 0;
    std::uint32_t size_ = 0;
    std::uint16_t group_ = 0;
};

} // namespace muster
