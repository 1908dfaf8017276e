// SPDX-License-Identifier: Apache-2.0
// The sum under every checksum of IP (RFC 1071), for whoever makes or checks frames.
#pragma once

#include "core/base/bytes.hh"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace muster {

/// One's complement sum of the 16-bit words, an odd last octet padded with zero: 16 bits, as a
/// number, so that 0x00 0x01 makes 1.
///
/// Added up four octets at a time in the machine's own order and swapped once at the end, which
/// comes to the same (RFC 1071 section 2(B)), in four sums that do not wait for each other: a
/// frame's payload is summed by its sender and its receiver, which made it a fifth of what a TFTP
/// block costs.
[[nodiscard]] inline std::uint32_t ones_complement_sum(Bytes bytes) noexcept {
    constexpr std::size_t lanes = 4;
    std::array<std::uint64_t, lanes> sums{};
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 16; left -= 16, at += 16) {  // no sum overflows below 2^36 octets
        std::array<std::uint32_t, lanes> words; // NOLINT: filled by the next line
        std::memcpy(words.data(), at, sizeof words);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            sums[lane] += words[lane];
        }
    }
    std::uint64_t total = sums[0] + sums[1] + sums[2] + sums[3];
    while (left > 0) {
        const std::size_t step = left < 4 ? left : 4;
        std::uint32_t word = 0;
        std::memcpy(&word, at, step);
        total += word;
        at += step;
        left -= step;
    }
    while (total > 0xFFFFU) {
        total = (total & 0xFFFFU) + (total >> 16U);
    }
    if constexpr (std::endian::native == std::endian::little) {
        total = ((total & 0xFFU) << 8U) | (total >> 8U);
    }
    return static_cast<std::uint32_t>(total);
}

} // namespace muster
