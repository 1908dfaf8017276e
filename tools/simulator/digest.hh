// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/bytes.hh"

#include <bit>
#include <cstdint>

namespace muster::sim {

/// A running 64-bit hash of all that happened: two runs that differ anywhere differ in it.
class Digest {
public:
    void add(std::uint64_t word) noexcept {
        state_ = std::rotl(state_ ^ word, 29) * 0x9e3779b97f4a7c15U;
    }
    void add(Bytes bytes) noexcept {
        add(bytes.size());
        while (bytes.size() >= 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes.data(), 8);
            add(word);
            bytes = bytes.subspan(8);
        }
        std::uint64_t rest = 0;
        if (!bytes.empty()) {
            std::memcpy(&rest, bytes.data(), bytes.size());
            add(rest);
        }
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return state_ ^ (state_ >> 32U); }

private:
    std::uint64_t state_ = 0x6d75737465720001U;
};

} // namespace muster::sim
