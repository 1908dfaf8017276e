// SPDX-License-Identifier: Apache-2.0
// Counts of values over a wide range with a bounded relative error: buckets are linear within each
// power of two (the idea of HdrHistogram, Gil Tene).
#pragma once

#include <cstdint>
#include <vector>

namespace muster {

/// Records values from 0 to 2^62 in fixed memory. What it answers is at most 1/128 above the value
/// that was recorded, never below it, and exact below 128.
class Histogram {
public:
    Histogram();

    /// Negative values count as 0, larger ones as 2^62.
    void record(std::int64_t value) noexcept;
    /// Adds what `other` has recorded.
    void merge(const Histogram& other) noexcept;
    void clear() noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::int64_t max() const noexcept { return max_; } ///< exact; 0 if empty
    [[nodiscard]] double mean() const noexcept;                      ///< exact; 0 if empty
    /// The least value such that `share` (0 .. 1) of all are no larger; 0 if empty.
    [[nodiscard]] std::int64_t quantile(double share) const noexcept;

private:
    std::vector<std::uint64_t> buckets_;
    std::uint64_t count_ = 0;
    double sum_ = 0;
    std::int64_t max_ = 0;
};

} // namespace muster
