// SPDX-License-Identifier: Apache-2.0
// Who goes when the cache is full.
#pragma once

#include "core/mirror/object_record.hh"

#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

namespace muster {

/// Files in the order of their last use, and the room that they take together. A file that is still
/// arriving is not in the order, but its room counts: reserve() and release().
class ObjectLru {
public:
    explicit ObjectLru(std::uint64_t bytes_max) : max_(bytes_max) {}

    /// Room of a file on disk: its blocks, and something for its inode and record.
    [[nodiscard]] static constexpr std::uint64_t room_of(std::uint64_t size) noexcept {
        constexpr std::uint64_t block = 4096;
        return (size + block - 1) / block * block + block;
    }

    void reserve(std::uint64_t room) noexcept { used_ += room; }
    void release(std::uint64_t room) noexcept { used_ -= room; }

    /// A whole file, used just now. `room` must have been reserved before.
    void add(ObjectId id, std::uint64_t room);
    /// Used again.
    void touch(ObjectId id);
    void remove(ObjectId id);
    /// The file to remove next so that all fit; nullopt: they do, or there is none left.
    [[nodiscard]] std::optional<ObjectId> excess() const;

    [[nodiscard]] std::uint64_t used() const noexcept { return used_; }
    [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
    [[nodiscard]] std::size_t count() const noexcept { return places_.size(); }

private:
    struct Place {
        std::list<ObjectId>::iterator at;
        std::uint64_t room = 0;
    };
    std::list<ObjectId> order_; ///< the next to go first
    std::unordered_map<ObjectId, Place> places_;
    std::uint64_t used_ = 0;
    std::uint64_t max_;
};

} // namespace muster
