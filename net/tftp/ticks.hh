// SPDX-License-Identifier: Apache-2.0
// Times as the sessions keep them: small numbers, so that a session fits its cache line.
#pragma once

#include "core/base/time.hh"

#include <algorithm>
#include <cstdint>

namespace muster {

/// Milliseconds of the steady clock; wraps after 49 days, which no difference between two of them
/// lasts.
constexpr std::uint32_t to_ms(Instant at) noexcept {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(at.ns) / 1'000'000);
}

/// Microseconds; a negative duration is none.
constexpr std::uint64_t to_us(Duration d) noexcept {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(d.count() / 1000, 0));
}

/// The same, at most a minute.
constexpr std::uint32_t to_short_us(Duration d) noexcept {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(to_us(d), 60'000'000));
}

} // namespace muster
