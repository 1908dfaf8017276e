// SPDX-License-Identifier: Apache-2.0
// What the DHCPv6 server counts. Written by worker 0, read by the scrape.
#pragma once

#include "net/dhcp/dhcp_metrics.hh"
#include "net/dhcp6/dhcp6_drop.hh"
#include "net/wire/dhcp6_message.hh"

namespace muster {

#define X(name, text) +1
inline constexpr std::size_t dhcp6_error_count = 0 MUSTER_DHCP6_ERRORS(X);
inline constexpr std::size_t dhcp6_drop_count = 0 MUSTER_DHCP6_DROPS(X);
#undef X

struct Dhcp6Metrics {
    CounterSet<Dhcp6MessageType, 14> received;
    CounterSet<Dhcp6MessageType, 14> sent;
    CounterSet<Dhcp6Error, dhcp6_error_count> errors; ///< datagrams that could not be read
    CounterSet<Dhcp6Drop, dhcp6_drop_count> drops;    ///< messages that were not answered
    CounterSet<BootRefusal, boot_refusal_count> boot_refusals;
    CounterSet<CommitOutcome, 5> commits;
    Counter no_addresses;    ///< associations that no address was left for
    Counter prolonged;       ///< acknowledged although the store refused (undurable_lease)
    Counter samples_dropped; ///< MachineSeen that control had no room for
    Counter restore_dropped; ///< leases of the store that did not fit the table
    // Gauges.
    Counter leases_offered;
    Counter leases_bound;
    Counter leases_idle;
    Counter leases_declined;
    Counter commits_pending;

    /// Thread: any; reads counters alone.
    void report(Exposition& exposition) const;
};

} // namespace muster
