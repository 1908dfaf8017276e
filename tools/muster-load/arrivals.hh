// SPDX-License-Identifier: Apache-2.0
// The moments at which machines begin in an open loop: drawn beforehand, so that how the server
// does has no influence on them.
#pragma once

#include "core/base/prng.hh"

#include "tools/muster-load/options.hh"

#include <vector>

namespace muster::load {

/// Gives moments, counted from the start of a run, in ascending order.
class Arrivals {
public:
    /// `pace` is no closed loop. `endless`: of a rate, go on beyond `count`.
    Arrivals(const Pace& pace, std::uint32_t count, bool endless, Prng prng);

    /// The next one; nullopt: there are no more.
    [[nodiscard]] std::optional<Duration> next() const noexcept;
    void pop() noexcept;

private:
    void draw() noexcept;

    Pace pace_;
    Prng prng_;
    std::vector<Duration> moments_; ///< of everything but a rate
    std::size_t at_ = 0;
    std::uint64_t left_ = 0; ///< of a rate
    Duration rate_next_{};
};

} // namespace muster::load
