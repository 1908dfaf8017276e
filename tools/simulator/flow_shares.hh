// SPDX-License-Identifier: Apache-2.0
// Who gets how much of a link: transfers share it equally, except those that something else holds
// below their share (max-min fairness).
#pragma once

#include "core/base/time.hh"

#include <cstdint>
#include <vector>

namespace muster::sim {

/// Transfers over one link. All with the same limit move at the same rate, so each such class has
/// one clock that counts bytes per transfer, and a transfer ends when that clock reaches a mark:
/// an arrival or departure costs O(classes + log n), however many transfers it slows down.
class FlowShares {
public:
    explicit FlowShares(double capacity) : capacity_(capacity) {}

    /// Transfer `id` (small numbers, its owner's) of `bytes` begins; it gets `limit` at most.
    void add(std::uint32_t id, std::uint64_t bytes, double limit, Instant now);
    /// Bytes that it has moved.
    [[nodiscard]] std::uint64_t moved(std::uint32_t id, Instant now);
    /// Takes it out, complete or not.
    void remove(std::uint32_t id, Instant now);
    [[nodiscard]] bool has(std::uint32_t id) const noexcept {
        return id < flows_.size() && flows_[id].live;
    }

    /// When the next one is complete, if nothing changes; never: none is under way.
    [[nodiscard]] Instant next_completion() noexcept;
    /// One that is complete by `now`, taken out; none: UINT32_MAX.
    [[nodiscard]] std::uint32_t take_completed(Instant now);

    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
    /// Bytes moved by all of them since the beginning.
    [[nodiscard]] double moved_in_all(Instant now);

private:
    struct Mark {
        double at = 0; ///< on the clock of its class
        std::uint32_t id = 0;
        std::uint32_t generation = 0;
        friend bool operator>(const Mark& x, const Mark& y) noexcept {
            return x.at != y.at ? x.at > y.at : x.id > y.id;
        }
    };
    struct Class {
        double limit = 0;
        double clock = 0; ///< bytes that each of its transfers has moved since it was first used
        double rate = 0;
        std::uint32_t count = 0;
        std::vector<Mark> marks; ///< a heap, the soonest first; stale ones are skipped
    };
    struct Flow {
        bool live = false;
        std::uint32_t generation = 0;
        std::uint32_t of = 0; ///< index of its class
        double begin = 0;     ///< the clock of its class when it began
        std::uint64_t bytes = 0;
    };

    void advance(Instant now) noexcept;
    void share_out() noexcept;
    [[nodiscard]] std::uint32_t class_of(double limit);
    void drop_stale(Class& c) noexcept;

    double capacity_;
    std::vector<Class> classes_;
    std::vector<std::uint32_t> by_limit_; ///< indexes of classes_, lowest limit first
    std::vector<Flow> flows_;
    std::uint32_t count_ = 0;
    double all_ = 0;
    Instant at_;
};

} // namespace muster::sim
