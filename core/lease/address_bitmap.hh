// SPDX-License-Identifier: Apache-2.0
// A set of numbers 0 .. size-1 that answers "the smallest one" without a search.
#pragma once

#include "core/base/check.hh"

#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

namespace muster {

/// One bit a number, and above each 64 words a word that says which of them are not empty. Depth
/// is log64 of the size: four words are looked at for a pool of 16 million addresses.
class AddressBitmap {
public:
    /// All numbers below `size` are in the set.
    explicit AddressBitmap(std::uint32_t size) : size_(size), count_(size) {
        std::uint64_t bits = size;
        do {
            const std::uint64_t words = (bits + 63) / 64;
            std::vector<std::uint64_t> level(words, ~std::uint64_t{0});
            if (bits % 64 != 0) {
                level.back() = (std::uint64_t{1} << bits % 64) - 1;
            }
            levels_.push_back(std::move(level));
            bits = words;
        } while (bits > 1);
    }

    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
    [[nodiscard]] bool contains(std::uint32_t n) const noexcept {
        return n < size_ && (levels_[0][n / 64] >> n % 64 & 1U) != 0;
    }
    void insert(std::uint32_t n) noexcept {
        MUSTER_CHECK(n < size_);
        count_ += contains(n) ? 0U : 1U;
        for (auto& level : levels_) {
            level[n / 64] |= std::uint64_t{1} << n % 64;
            n /= 64;
        }
    }
    void erase(std::uint32_t n) noexcept {
        MUSTER_CHECK(n < size_);
        count_ -= contains(n) ? 1U : 0U;
        for (auto& level : levels_) {
            level[n / 64] &= ~(std::uint64_t{1} << n % 64);
            if (level[n / 64] != 0) {
                return;
            }
            n /= 64;
        }
    }
    [[nodiscard]] std::optional<std::uint32_t> smallest() const noexcept {
        if (count_ == 0) {
            return std::nullopt;
        }
        std::uint32_t n = 0;
        for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
            n = n * 64 + static_cast<std::uint32_t>(std::countr_zero((*level)[n]));
        }
        return n;
    }

    /// The smallest that is not below `n`.
    [[nodiscard]] std::optional<std::uint32_t> smallest_from(std::uint32_t n) const noexcept {
        for (std::size_t level = 0; level < levels_.size(); ++level) {
            const std::uint32_t word = n / 64;
            if (word >= levels_[level].size()) {
                return std::nullopt;
            }
            const std::uint64_t bits = levels_[level][word] & ~std::uint64_t{0} << n % 64;
            if (bits != 0) {
                n = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
                while (level > 0) {
                    --level;
                    n = n * 64 + static_cast<std::uint32_t>(std::countr_zero(levels_[level][n]));
                }
                return n;
            }
            n = word + 1; // of the level above: its bit says whether that word has any
        }
        return std::nullopt;
    }

private:
    std::vector<std::vector<std::uint64_t>> levels_; ///< [0] are the numbers themselves
    std::uint32_t size_;
    std::uint32_t count_;
};

} // namespace muster
