// SPDX-License-Identifier: Apache-2.0
// What DHCP servers of both families count alike: leases, their commits, boot files.
#pragma once

#include "core/metrics/counter_set.hh"
#include "core/metrics/exposition.hh"
#include "net/dhcp/boot_file.hh"

namespace muster {

#define X(name, text) +1
inline constexpr std::size_t boot_refusal_count = 0 MUSTER_BOOT_REFUSALS(X);
#undef X

/// How acknowledgements came to be durable.
enum class CommitOutcome : std::uint8_t {
    durable,  ///< committed, then acknowledged
    refused,  ///< the store took it not
    spared,   ///< the durable lease had time enough left: acknowledged with what remains
    repeated, ///< asked again while its commit was under way
    unwaited, ///< the store keeps nothing: acknowledged at once
    stale,    ///< the answer came for a lease that was given back meanwhile
};

/// What a family's metrics are called, and their help texts.
struct LeaseMetricsWords {
    std::string_view prefix; ///< of all names: `muster_dhcp_`
    std::string_view boot_refusals;
    std::string_view commits;
    std::string_view prolonged;
    std::string_view samples_dropped;
    std::string_view restore_dropped;
    std::string_view leases;
    std::string_view commits_pending;
};

struct LeaseMetrics {
    CounterSet<BootRefusal, boot_refusal_count> boot_refusals;
    CounterSet<CommitOutcome, 6> commits;
    Counter prolonged;       ///< acknowledged although the store refused (undurable_lease)
    Counter samples_dropped; ///< MachineSeen that control had no room for
    Counter restore_dropped; ///< leases of the store that did not fit the table
    // Gauges.
    Counter leases_offered;
    Counter leases_bound;
    Counter leases_idle;
    Counter leases_declined;
    Counter commits_pending;

    /// `count` is a BasicLeaseTable's.
    template <class Count>
    void set_leases(const Count& count) noexcept {
        leases_offered.set(count.offered);
        leases_bound.set(count.bound);
        leases_idle.set(count.idle);
        leases_declined.set(count.declined);
    }
    /// Thread: any; reads counters alone.
    void report_leases(Exposition& exposition, const LeaseMetricsWords& words) const;
};

} // namespace muster
