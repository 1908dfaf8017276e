// SPDX-License-Identifier: Apache-2.0
// One writer thread, one reader thread, a fixed number of places. Ours rather than
// boost::lockfree::spsc_queue, because that one copies its items and messages here are moved:
// they may own a request.
#pragma once

#include "core/mem/cache_line.hh"

#include <atomic>
#include <bit>
#include <cstddef>
#include <new>
#include <utility>
#include <vector>

namespace muster {

template <class T>
class SpscRing {
public:
    /// `capacity` is rounded up to a power of two.
    explicit SpscRing(std::size_t capacity) : items_(std::bit_ceil(capacity)) {}

    /// Writer: false when full; `item` is then untouched.
    [[nodiscard]] bool push(T&& item) noexcept {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_.load(std::memory_order_acquire) == items_.size()) { // pairs with pop()
            return false;
        }
        items_[tail & (items_.size() - 1)] = std::move(item);
        tail_.store(tail + 1, std::memory_order_release); // pairs with pop()
        return true;
    }
    /// Writer: places free now; the reader can only make it more.
    [[nodiscard]] std::size_t room() const noexcept {
        return items_.size() - (tail_.load(std::memory_order_relaxed) -
                                head_.load(std::memory_order_acquire)); // pairs with pop()
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return items_.size(); }
    /// Reader: false when empty.
    [[nodiscard]] bool pop(T& item) noexcept {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_.load(std::memory_order_acquire)) { // pairs with push()
            return false;
        }
        item = std::exchange(items_[head & (items_.size() - 1)], T{});
        head_.store(head + 1, std::memory_order_release); // pairs with push() and room()
        return true;
    }

private:
    std::vector<T> items_;
    alignas(cache_line_size) std::atomic<std::size_t> head_{0};
    alignas(cache_line_size) std::atomic<std::size_t> tail_{0};
};

} // namespace muster
