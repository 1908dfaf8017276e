// SPDX-License-Identifier: Apache-2.0
// Blocks of memory for input that has to wait, lent to the few connections that need one.
#pragma once

#include "core/base/bytes.hh"
#include "core/base/check.hh"

#include <algorithm>
#include <memory>
#include <vector>

namespace muster {

/// A connection's share of the pool: which block, and which part of it holds input.
struct HttpInput {
    static constexpr std::uint32_t none = UINT32_MAX;

    std::uint32_t block = none;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;

    [[nodiscard]] bool empty() const noexcept { return begin == end; }
};

/// A fixed number of blocks, reserved at construction and touched only when used.
class HttpInputPool {
public:
    HttpInputPool(std::uint32_t blocks, std::size_t block_bytes)
        : block_bytes_(block_bytes),
          memory_(std::make_unique_for_overwrite<std::byte[]>(blocks * block_bytes)) {
        free_.reserve(blocks);
        for (std::uint32_t i = blocks; i > 0; --i) {
            free_.push_back(i - 1);
        }
    }

    /// What is held; borrowed until the next call that names this input.
    [[nodiscard]] Bytes held(const HttpInput& input) const noexcept {
        return input.empty() ? Bytes{}
                             : Bytes{block_of(input) + input.begin, input.end - input.begin};
    }
    /// Bytes that could be added.
    [[nodiscard]] std::size_t room(const HttpInput& input) const noexcept {
        return block_bytes_ - (input.end - input.begin);
    }
    /// Claims a block if the input has none; false: there is none left.
    [[nodiscard]] bool claim(HttpInput& input) noexcept {
        if (input.block != HttpInput::none) {
            return true;
        }
        if (free_.empty()) {
            return false;
        }
        input = {.block = free_.back(), .begin = 0, .end = 0};
        free_.pop_back();
        return true;
    }
    /// Adds as much as there is room for; returns how much that was. The input has a block.
    [[nodiscard]] std::size_t add(HttpInput& input, Bytes bytes) noexcept {
        MUSTER_CHECK(input.block != HttpInput::none);
        const std::size_t count = std::min(bytes.size(), room(input));
        if (input.end + count > block_bytes_) {
            std::memmove(block_of(input), block_of(input) + input.begin, input.end - input.begin);
            input.end -= input.begin;
            input.begin = 0;
        }
        if (count > 0) {
            std::memcpy(block_of(input) + input.end, bytes.data(), count);
        }
        input.end += static_cast<std::uint32_t>(count);
        return count;
    }
    /// The first `count` bytes are done with; the last one gives the block back.
    void drop(HttpInput& input, std::size_t count) noexcept {
        MUSTER_CHECK(count <= input.end - input.begin);
        input.begin += static_cast<std::uint32_t>(count);
        if (input.empty() && input.block != HttpInput::none) {
            free_.push_back(input.block);
            input = {};
        }
    }
    void drop_all(HttpInput& input) noexcept { drop(input, input.end - input.begin); }

    [[nodiscard]] std::size_t blocks_free() const noexcept { return free_.size(); }

private:
    [[nodiscard]] std::byte* block_of(const HttpInput& input) const noexcept {
        return memory_.get() + input.block * block_bytes_;
    }

    std::size_t block_bytes_;
    std::unique_ptr<std::byte[]> memory_;
    std::vector<std::uint32_t> free_;
};

} // namespace muster
