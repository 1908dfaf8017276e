// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/metrics/counter.hh"

#include <array>
#include <cstddef>

namespace muster {

/// Counters named by the values of an enum whose list macro is `MUSTER_…`.
template <class Enum, std::size_t count>
class CounterSet {
public:
    void add(Enum which, std::uint64_t n = 1) noexcept {
        counters_[static_cast<std::size_t>(which)].add(n);
    }
    [[nodiscard]] std::uint64_t read(Enum which) const noexcept {
        return counters_[static_cast<std::size_t>(which)].read();
    }
    [[nodiscard]] std::uint64_t sum() const noexcept {
        std::uint64_t total = 0;
        for (const Counter& counter : counters_) {
            total += counter.read();
        }
        return total;
    }

private:
    std::array<Counter, count> counters_;
};

} // namespace muster
