// SPDX-License-Identifier: Apache-2.0
// What the DHCPv6 server counts. Written by worker 0, read by the scrape.
#pragma once

#include "core/metrics/counter_set.hh"
#include "core/metrics/exposition.hh"
#include "net/dhcp/lease_metrics.hh"
#include "net/dhcp6/dhcp6_drop.hh"
#include "net/wire/dhcp6_message.hh"

namespace muster {

#define X(name, text) +1
inline constexpr std::size_t dhcp6_error_count = 0 MUSTER_DHCP6_ERRORS(X);
inline constexpr std::size_t dhcp6_drop_count = 0 MUSTER_DHCP6_DROPS(X);
#undef X

struct Dhcp6Metrics : LeaseMetrics {
    CounterSet<Dhcp6MessageType, 14> received;
    CounterSet<Dhcp6MessageType, 14> sent;
    CounterSet<Dhcp6Error, dhcp6_error_count> errors; ///< datagrams that could not be read
    CounterSet<Dhcp6Drop, dhcp6_drop_count> drops;    ///< messages that were not answered
    Counter no_addresses;                             ///< associations that no address was left for

    // Gauges.
    Counter links_dry;
    Counter waiting; ///< messages in the intake

    /// Thread: any; reads counters alone.
    void report(Exposition& exposition) const;
};

} // namespace muster
