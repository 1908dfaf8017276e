// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/flow_shares.hh"

#include "core/base/check.hh"

#include <algorithm>
#include <cmath>
#include <functional>

namespace muster::sim {
namespace {

constexpr double slack = 0.5; ///< of a byte: clocks are sums of many small steps

} // namespace

void FlowShares::advance(Instant now) noexcept {
    const auto ns = static_cast<double>((now - at_).count());
    if (ns <= 0) {
        return;
    }
    at_ = now;
    for (Class& c : classes_) {
        if (c.count > 0) {
            c.clock += c.rate * ns * 1e-9;
            all_ += c.rate * ns * 1e-9 * c.count;
        }
    }
}

/// Gives the most held-back class what it can take, the next one its part of the rest, and so on.
void FlowShares::share_out() noexcept {
    double left = capacity_;
    std::uint32_t sharing = count_;
    for (const std::uint32_t i : by_limit_) {
        Class& c = classes_[i];
        if (c.count == 0) {
            continue;
        }
        c.rate = std::min(c.limit, left / sharing);
        left -= c.rate * c.count;
        sharing -= c.count;
    }
}

std::uint32_t FlowShares::class_of(double limit) {
    for (std::uint32_t i = 0; i < classes_.size(); ++i) {
        if (classes_[i].limit == limit) {
            return i;
        }
    }
    const auto index = static_cast<std::uint32_t>(classes_.size());
    classes_.push_back({.limit = limit, .clock = 0, .rate = 0, .count = 0, .marks = {}});
    by_limit_.push_back(index);
    std::sort(by_limit_.begin(), by_limit_.end(), [this](std::uint32_t x, std::uint32_t y) {
        return classes_[x].limit < classes_[y].limit;
    });
    return index;
}

void FlowShares::add(std::uint32_t id, std::uint64_t bytes, double limit, Instant now) {
    advance(now);
    if (id >= flows_.size()) {
        flows_.resize(id + 1);
    }
    Flow& flow = flows_[id];
    MUSTER_CHECK(!flow.live);
    flow.live = true;
    ++flow.generation;
    flow.of = class_of(limit);
    flow.bytes = bytes;
    Class& c = classes_[flow.of];
    if (c.count == 0) {
        c.clock = 0;
        c.marks.clear();
    }
    flow.begin = c.clock;
    ++c.count;
    ++count_;
    c.marks.push_back({c.clock + static_cast<double>(bytes), id, flow.generation});
    std::push_heap(c.marks.begin(), c.marks.end(), std::greater<>{});
    share_out();
}

std::uint64_t FlowShares::moved(std::uint32_t id, Instant now) {
    advance(now);
    const Flow& flow = flows_[id];
    const double bytes = classes_[flow.of].clock - flow.begin;
    return std::min(flow.bytes, static_cast<std::uint64_t>(bytes));
}

void FlowShares::remove(std::uint32_t id, Instant now) {
    MUSTER_CHECK(has(id));
    advance(now);
    Flow& flow = flows_[id];
    flow.live = false;
    --classes_[flow.of].count;
    --count_;
    share_out();
}

void FlowShares::drop_stale(Class& c) noexcept {
    while (!c.marks.empty()) {
        const Mark& first = c.marks.front();
        const Flow& flow = flows_[first.id];
        if (flow.live && flow.generation == first.generation) {
            return;
        }
        std::pop_heap(c.marks.begin(), c.marks.end(), std::greater<>{});
        c.marks.pop_back();
    }
}

Instant FlowShares::next_completion() noexcept {
    Instant next = Instant::never();
    for (Class& c : classes_) {
        drop_stale(c);
        if (c.marks.empty()) {
            continue;
        }
        const double bytes = std::max(0.0, c.marks.front().at - c.clock);
        const double ns = std::ceil(bytes / c.rate * 1e9);
        next = std::min(next, at_ + Duration{static_cast<std::int64_t>(ns)});
    }
    return next;
}

std::uint32_t FlowShares::take_completed(Instant now) {
    advance(now);
    for (Class& c : classes_) {
        drop_stale(c);
        if (!c.marks.empty() && c.marks.front().at <= c.clock + slack) {
            const std::uint32_t id = c.marks.front().id;
            remove(id, now);
            return id;
        }
    }
    return UINT32_MAX;
}

double FlowShares::moved_in_all(Instant now) {
    advance(now);
    return all_;
}

} // namespace muster::sim
