// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/arrivals.hh"

#include "core/base/check.hh"

#include <algorithm>
#include <cmath>

namespace muster::load {

Arrivals::Arrivals(const Pace& pace, std::uint32_t count, bool endless, Prng prng)
    : pace_(pace), prng_(prng), left_(endless ? UINT64_MAX : count) {
    MUSTER_CHECK(pace.shape != Pace::Shape::closed);
    if (pace.shape == Pace::Shape::rate) {
        draw();
        return;
    }
    moments_.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        switch (pace.shape) {
        case Pace::Shape::spread:
            moments_.emplace_back(static_cast<std::int64_t>(
                prng_.uniform() * static_cast<double>(pace.spread.count())));
            break;
        case Pace::Shape::racks:
            moments_.emplace_back(std::chrono::seconds{i / pace.rack_size});
            break;
        case Pace::Shape::once:
        case Pace::Shape::closed:
        case Pace::Shape::rate:
            moments_.emplace_back(0);
            break;
        }
    }
    std::sort(moments_.begin(), moments_.end());
}

/// Machines that know nothing of each other come at exponential intervals.
void Arrivals::draw() noexcept {
    const double seconds = -std::log(1 - prng_.uniform()) / pace_.rate;
    rate_next_ += Duration{static_cast<std::int64_t>(seconds * 1e9)};
}

std::optional<Duration> Arrivals::next() const noexcept {
    if (pace_.shape == Pace::Shape::rate) {
        return left_ > 0 ? std::optional{rate_next_} : std::nullopt;
    }
    return at_ < moments_.size() ? std::optional{moments_[at_]} : std::nullopt;
}

void Arrivals::pop() noexcept {
    if (pace_.shape == Pace::Shape::rate) {
        --left_;
        draw();
    } else {
        ++at_;
    }
}

} // namespace muster::load
