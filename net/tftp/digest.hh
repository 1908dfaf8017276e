// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/bytes.hh"

namespace muster {

/// FNV-1a, 64 bits: the same in every run, so that simulated runs repeat. Not for tables that
/// strangers fill: they could choose collisions.
[[nodiscard]] constexpr std::uint64_t fnv1a(Bytes bytes,
                                            std::uint64_t hash = 0xCBF29CE484222325U) noexcept {
    for (const std::byte b : bytes) {
        hash = (hash ^ std::to_integer<std::uint64_t>(b)) * 0x100000001B3U;
    }
    return hash;
}

} // namespace muster
