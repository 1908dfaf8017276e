// SPDX-License-Identifier: Apache-2.0
// How much each source may ask for: token buckets in fixed memory.
#pragma once

#include "core/base/check.hh"
#include "core/base/time.hh"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace muster {

struct BudgetRate {
    std::uint32_t per_second = 16; ///< what comes back
    std::uint32_t burst = 64;      ///< what may be spent at once after a time of silence
};

/// A token bucket for each of the sources that were active last. A source is a number: whoever
/// asks hashes what he knows of it.
///
/// A source that was pushed out by others begins with a full bucket. Of the four that a new one
/// may push out it takes the one nearest to full, so a flood never gets rid of its own bucket by
/// making up others.
class SourceBudgets {
public:
    /// `sources`: a power of two, at least 4; 16 bytes each.
    SourceBudgets(std::uint32_t sources, BudgetRate rate)
        : sets_(sources / ways),
          cost_(1'000'000'000 / rate.per_second),
          depth_(cost_ * (rate.burst - 1)) {
        MUSTER_CHECK(std::has_single_bit(sources) && sources >= ways);
        MUSTER_CHECK(rate.per_second > 0 && rate.burst > 0);
    }

    /// Takes one token; false: there is none left.
    [[nodiscard]] bool take(std::uint64_t source, Instant now) noexcept {
        Bucket& bucket = find(source);
        // The bucket as one number, the moment at which it will be full again (the generic cell
        // rate algorithm of ITU-T I.371).
        const std::int64_t full_at = std::max(bucket.full_at, now.ns);
        if (full_at - now.ns > depth_) {
            return false;
        }
        bucket.full_at = full_at + cost_;
        return true;
    }

private:
    static constexpr std::uint32_t ways = 4;

    struct Bucket {
        std::uint64_t source = 0;
        std::int64_t full_at = INT64_MIN; ///< on the steady clock
    };

    [[nodiscard]] Bucket& find(std::uint64_t source) noexcept {
        auto& set = sets_[source & (sets_.size() - 1)];
        Bucket* fullest = set.data();
        for (Bucket& bucket : set) {
            if (bucket.source == source) {
                return bucket;
            }
            fullest = bucket.full_at < fullest->full_at ? &bucket : fullest;
        }
        *fullest = {.source = source};
        return *fullest;
    }

    std::vector<std::array<Bucket, ways>> sets_;
    std::int64_t cost_;  ///< nanoseconds until a token comes back
    std::int64_t depth_; ///< how far ahead of now a bucket may be and still give one
};

} // namespace muster
