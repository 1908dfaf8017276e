// SPDX-License-Identifier: Apache-2.0
// Which conflicts an operator is told of: each once, and no more than an eye can follow.
#pragma once

#include "core/base/time.hh"
#include "core/port/conflict_probe.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace muster {

/// Remembers the conflicts that were told last, in fixed memory. A machine that stays at an address
/// of a pool is found there again whenever its quarantine ends, and one that answers for a few
/// addresses at a time could go through all of a pool: neither may fill the log. Whatever is not
/// told is counted, and said with the next that is.
///
/// Thread: worker 0.
class ConflictNotices {
public:
    static constexpr std::size_t remembered = 1024;
    static constexpr Duration memory = std::chrono::hours{24}; ///< then it is news again
    static constexpr unsigned per_interval = 10;
    static constexpr Duration interval = std::chrono::minutes{1};

    /// True: tell it, then say so with told(). False: it was told, or too many were; the latter
    /// counts as untold.
    [[nodiscard]] bool take(const ConflictAnswer& answer, Instant now) noexcept {
        const auto known = [&](const Told& one) {
            return one.until > now && one.address == answer.address && one.mac == answer.mac;
        };
        if (std::any_of(told_.begin(), told_.end(), known)) {
            return false;
        }
        if (now >= interval_ends_) {
            interval_ends_ = now + interval;
            in_interval_ = 0;
        }
        if (in_interval_ >= per_interval) {
            ++untold_;
            return false;
        }
        return true;
    }
    void told(const ConflictAnswer& answer, Instant now) noexcept {
        told_[next_] = {answer.address, answer.mac, now + memory};
        next_ = (next_ + 1) % remembered;
        ++in_interval_;
        untold_ = 0;
    }
    /// Conflicts since the last one told.
    [[nodiscard]] std::uint32_t untold() const noexcept { return untold_; }

private:
    struct Told {
        Ipv4Address address;
        std::optional<MacAddress> mac{};
        Instant until{INT64_MIN};
    };

    std::array<Told, remembered> told_{};
    std::size_t next_ = 0; ///< place to be reused
    Instant interval_ends_{INT64_MIN};
    unsigned in_interval_ = 0;
    std::uint32_t untold_ = 0;
};

} // namespace muster
