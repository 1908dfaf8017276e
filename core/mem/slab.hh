// SPDX-License-Identifier: Apache-2.0
// A fixed number of slots, taken at start; outside, a slot is named by number and generation.
#pragma once

#include "core/base/check.hh"

#include <cstdint>
#include <utility>
#include <vector>

namespace muster {

/// Names a slab slot. Stale after release: the slab bumps the generation, and get() answers null.
struct SlabHandle {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0; ///< 0 names nothing: live generations are odd

    friend constexpr bool operator==(const SlabHandle&, const SlabHandle&) = default;
};

/// Slots of T. Allocates in its constructor only; claim() of a full slab answers a null pointer.
template <class T>
class Slab {
public:
    explicit Slab(std::uint32_t capacity) : slots_(capacity) {
        free_.reserve(capacity);
        for (std::uint32_t i = capacity; i > 0; --i) {
            free_.push_back(i - 1);
        }
    }

    struct Claimed {
        SlabHandle handle;
        T* value = nullptr; ///< null: the slab is full
    };

    /// A fresh, default-constructed slot.
    [[nodiscard]] Claimed claim() noexcept {
        if (free_.empty()) {
            return {};
        }
        const std::uint32_t slot = free_.back();
        free_.pop_back();
        Slot& s = slots_[slot];
        ++s.generation; // odd: live
        s.value = T{};
        return {{slot, s.generation}, &s.value};
    }
    void release(SlabHandle handle) noexcept {
        MUSTER_CHECK(get(handle) != nullptr);
        Slot& s = slots_[handle.slot];
        s.value = T{};
        ++s.generation; // even: free
        free_.push_back(handle.slot);
    }
    /// Null when the handle is stale or was never given out.
    [[nodiscard]] T* get(SlabHandle handle) noexcept {
        if (handle.slot >= slots_.size() || (handle.generation & 1U) == 0) {
            return nullptr;
        }
        Slot& s = slots_[handle.slot];
        return s.generation == handle.generation ? &s.value : nullptr;
    }
    /// The live slot of that number, or null.
    [[nodiscard]] T* at(std::uint32_t slot) noexcept {
        return slot < slots_.size() && (slots_[slot].generation & 1U) != 0 ? &slots_[slot].value
                                                                           : nullptr;
    }
    [[nodiscard]] const T* at(std::uint32_t slot) const noexcept {
        return slot < slots_.size() && (slots_[slot].generation & 1U) != 0 ? &slots_[slot].value
                                                                           : nullptr;
    }
    [[nodiscard]] SlabHandle handle_of(std::uint32_t slot) const noexcept {
        return {slot, slots_[slot].generation};
    }
    [[nodiscard]] std::uint32_t capacity() const noexcept {
        return static_cast<std::uint32_t>(slots_.size());
    }
    [[nodiscard]] std::uint32_t in_use() const noexcept {
        return capacity() - static_cast<std::uint32_t>(free_.size());
    }

private:
    struct Slot {
        T value{};
        std::uint32_t generation = 0;
    };
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
};

} // namespace muster
