// SPDX-License-Identifier: Apache-2.0
// What the DHCP server counts. Written by worker 0, read by the scrape.
#pragma once

#include "core/metrics/counter_set.hh"
#include "core/metrics/exposition.hh"
#include "net/dhcp/dhcp_drop.hh"
#include "net/dhcp/lease_metrics.hh"
#include "net/wire/dhcp_error.hh"

namespace muster {

#define X(name, text) +1
inline constexpr std::size_t dhcp_error_count = 0 MUSTER_DHCP_ERRORS(X);
inline constexpr std::size_t dhcp_drop_count = 0 MUSTER_DHCP_DROPS(X);
#undef X

struct DhcpMetrics : LeaseMetrics {
    // Type 0 is BOOTP's: it has none.
    CounterSet<DhcpMessageType, 9> received;
    CounterSet<DhcpMessageType, 9> sent;
    CounterSet<DhcpError, dhcp_error_count> errors; ///< datagrams that could not be read
    CounterSet<DhcpDrop, dhcp_drop_count> drops;    ///< messages that were not answered
    // Gauges.
    Counter addresses_never_used;
    Counter links_dry;
    Counter waiting; ///< messages in the intake
    // Counters again.
    Counter probes;            ///< addresses asked about before they are offered
    Counter conflicts;         ///< of those, somebody had them
    Counter conflicts_ignored; ///< answers of whoever answers for everybody

    /// Thread: any; reads counters alone.
    void report(Exposition& exposition) const;
};

} // namespace muster
