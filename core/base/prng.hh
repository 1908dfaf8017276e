// SPDX-License-Identifier: Apache-2.0
// Repeatable randomness: the same seed gives the same numbers on every machine and compiler.
#pragma once

#include <bit>
#include <cstdint>

namespace muster {

/// xoshiro256**, seeded through splitmix64. Not for secrets: tokens come from the kernel.
/// Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2021).
class Prng {
public:
    explicit constexpr Prng(std::uint64_t seed = 0) noexcept {
        for (std::uint64_t& word : state_) {
            seed += 0x9e3779b97f4a7c15U;
            std::uint64_t z = seed;
            z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
            z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
            word = z ^ (z >> 31U);
        }
    }

    constexpr std::uint64_t next() noexcept {
        const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
        const std::uint64_t t = state_[1] << 17U;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }
    /// 0 .. bound - 1, each equally likely; `bound` above 0.
    constexpr std::uint64_t below(std::uint64_t bound) noexcept {
        // Values from the incomplete last run of `bound` numbers are thrown away.
        const std::uint64_t least = (0 - bound) % bound;
        for (;;) {
            if (const std::uint64_t value = next(); value >= least) {
                return value % bound;
            }
        }
    }
    /// 0 <= value < 1, in steps of 2^-53.
    constexpr double uniform() noexcept { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
    /// True with this probability.
    constexpr bool chance(double probability) noexcept { return uniform() < probability; }
    /// A generator of its own, so that who draws how often changes nothing for others.
    [[nodiscard]] constexpr Prng split() noexcept { return Prng{next()}; }

private:
    std::uint64_t state_[4]{};
};

} // namespace muster
