// SPDX-License-Identifier: Apache-2.0
// Time as a value. Nothing here reads a clock: who runs an engine says what time it is.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace muster {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// A moment on the steady clock of whoever runs the engine; the simulator's starts at zero.
struct Instant {
    std::int64_t ns = 0;

    friend constexpr auto operator<=>(const Instant&, const Instant&) = default;
    friend constexpr Instant operator+(Instant at, Duration d) noexcept {
        return {at.ns + d.count()};
    }
    friend constexpr Instant operator-(Instant at, Duration d) noexcept {
        return {at.ns - d.count()};
    }
    friend constexpr Duration operator-(Instant later, Instant earlier) noexcept {
        return Duration{later.ns - earlier.ns};
    }
    /// Later than every deadline: "no timer".
    static constexpr Instant never() noexcept { return {INT64_MAX}; }
};

/// A moment of civil time, in milliseconds since 1970 UTC: what survives a restart.
struct UnixTime {
    std::int64_t ms = 0;

    friend constexpr auto operator<=>(const UnixTime&, const UnixTime&) = default;
    friend constexpr UnixTime operator+(UnixTime at, Duration d) noexcept {
        return {at.ms + std::chrono::duration_cast<std::chrono::milliseconds>(d).count()};
    }
    friend constexpr Duration operator-(UnixTime later, UnixTime earlier) noexcept {
        return std::chrono::milliseconds{later.ms - earlier.ms};
    }
};

/// Both clocks, read once per burst. Timers run on `steady`; leases and records carry `wall`.
struct Now {
    Instant steady;
    UnixTime wall;
};

} // namespace muster
