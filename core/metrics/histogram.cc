// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/histogram.hh"

#include <algorithm>
#include <bit>
#include <cmath>

namespace muster {
namespace {

/// Each power of two is cut into so many equal buckets.
constexpr unsigned cut_bits = 7;
constexpr std::uint64_t cuts = 1U << cut_bits;
constexpr std::int64_t value_max = std::int64_t{1} << 62U;
constexpr std::size_t bucket_count = (62 - cut_bits + 1) * cuts + 1;

std::size_t bucket_of(std::int64_t value) noexcept {
    const auto number = static_cast<std::uint64_t>(std::clamp<std::int64_t>(value, 0, value_max));
    if (number < cuts) {
        return number;
    }
    const auto power = static_cast<unsigned>(std::bit_width(number)) - 1; // at least cut_bits
    const unsigned shift = power - cut_bits;
    return (std::size_t{shift} + 1) * cuts + ((number >> shift) - cuts);
}

/// The largest value of a bucket.
std::int64_t top_of(std::size_t bucket) noexcept {
    if (bucket < cuts) {
        return static_cast<std::int64_t>(bucket);
    }
    const std::size_t shift = bucket / cuts - 1;
    const std::uint64_t first = (cuts + bucket % cuts) << shift;
    return static_cast<std::int64_t>(first + (std::uint64_t{1} << shift) - 1);
}

} // namespace

Histogram::Histogram() : buckets_(bucket_count) {}

void Histogram::record(std::int64_t value) noexcept {
    ++buckets_[bucket_of(value)];
    ++count_;
    sum_ += static_cast<double>(std::clamp<std::int64_t>(value, 0, value_max));
    max_ = std::max(max_, std::clamp<std::int64_t>(value, 0, value_max));
}

void Histogram::merge(const Histogram& other) noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        buckets_[i] += other.buckets_[i];
    }
    count_ += other.count_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
}

void Histogram::clear() noexcept {
    std::fill(buckets_.begin(), buckets_.end(), 0);
    count_ = 0;
    sum_ = 0;
    max_ = 0;
}

double Histogram::mean() const noexcept {
    return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

std::int64_t Histogram::quantile(double share) const noexcept {
    if (count_ == 0) {
        return 0;
    }
    const double wanted = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_));
    const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        seen += buckets_[i];
        if (seen >= rank) {
            return std::min(top_of(i), max_);
        }
    }
    return max_;
}

} // namespace muster
