// SPDX-License-Identifier: Apache-2.0
// Asks which multicast groups have members, where nobody else does. A switch that listens to IGMP
// forgets a group whose members are not asked, and cuts it off in the middle of a transfer.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/base/time.hh"
#include "net/wire/igmp.hh"

#include <algorithm>

namespace muster {

/// The querier's part of RFC 2236 (sections 3 and 7), without the group-specific queries: nothing
/// here depends on who left.
class IgmpQuerier {
public:
    static constexpr Duration query_interval = 125s;   ///< RFC 2236 section 8.1
    static constexpr Duration startup_interval = 31s;  ///< section 8.6: a quarter of it
    static constexpr Duration response_interval = 10s; ///< section 8.3
    /// Section 8.5: two intervals, and half a response.
    static constexpr Duration other_querier_present = 2 * query_interval + response_interval / 2;

    /// Begins to ask. Until then it listens.
    void start(Instant now) noexcept {
        if (!started_) {
            started_ = true;
            due_ = std::max(due_, now);
        }
    }
    /// A query by `source`: the lowest address asks, the others keep silent (section 3).
    void on_query(const Ipv4Address& source, const Ipv4Address& own, Instant now) noexcept {
        if (source < own && !source.is_unspecified()) {
            due_ = now + other_querier_present;
        }
    }
    [[nodiscard]] Instant next_deadline() const noexcept {
        return started_ ? due_ : Instant::never();
    }
    /// True: a general query is to be sent now.
    [[nodiscard]] bool expire(Instant now) noexcept {
        if (!started_ || now < due_) {
            return false;
        }
        due_ = now + (first_ ? startup_interval : query_interval);
        first_ = false;
        return true;
    }

private:
    bool started_ = false;
    bool first_ = true;
    Instant due_{INT64_MIN};
};

} // namespace muster
