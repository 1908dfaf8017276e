// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/time.hh"

#include <ctime>

namespace muster {

/// Both clocks of the machine. Read once per burst (two vDSO calls).
inline Now read_clock() noexcept {
    timespec steady{};
    timespec wall{};
    ::clock_gettime(CLOCK_MONOTONIC, &steady);
    ::clock_gettime(CLOCK_REALTIME, &wall);
    return {Instant{steady.tv_sec * 1'000'000'000 + steady.tv_nsec},
            UnixTime{wall.tv_sec * 1'000 + wall.tv_nsec / 1'000'000}};
}

} // namespace muster
