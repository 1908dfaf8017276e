// SPDX-License-Identifier: Apache-2.0
// What the DHCP server counts. Written by worker 0, read by the scrape.
#pragma once

#include "core/metrics/counter.hh"
#include "core/metrics/exposition.hh"
#include "net/dhcp/boot_file.hh"
#include "net/dhcp/dhcp_drop.hh"
#include "net/wire/dhcp_error.hh"

#include <utility>

namespace muster {

/// Counters named by the values of an enum whose list macro is `MUSTER_…`.
template <class Enum, std::size_t count>
class CounterSet {
public:
    void add(Enum which) noexcept { counters_[static_cast<std::size_t>(which)].add(); }
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

#define X(name, text) +1
inline constexpr std::size_t dhcp_error_count = 0 MUSTER_DHCP_ERRORS(X);
inline constexpr std::size_t dhcp_drop_count = 0 MUSTER_DHCP_DROPS(X);
inline constexpr std::size_t boot_refusal_count = 0 MUSTER_BOOT_REFUSALS(X);
#undef X

/// How acknowledgements came to be durable.
enum class CommitOutcome : std::uint8_t {
    durable,  ///< committed, then acknowledged
    refused,  ///< the store took it not
    spared,   ///< the durable lease had time enough left: acknowledged with what remains
    repeated, ///< asked again while its commit was under way
    stale,    ///< the answer came for a lease that was given back meanwhile
};

struct DhcpMetrics {
    // Type 0 is BOOTP's: it has none.
    CounterSet<DhcpMessageType, 9> received;
    CounterSet<DhcpMessageType, 9> sent;
    CounterSet<DhcpError, dhcp_error_count> errors; ///< datagrams that could not be read
    CounterSet<DhcpDrop, dhcp_drop_count> drops;    ///< messages that were not answered
    CounterSet<BootRefusal, boot_refusal_count> boot_refusals;
    CounterSet<CommitOutcome, 5> commits;
    Counter prolonged;       ///< acknowledged although the store refused (undurable_lease)
    Counter samples_dropped; ///< MachineSeen that control had no room for
    Counter restore_dropped; ///< leases of the store that did not fit the table
    // Gauges.
    Counter leases_offered;
    Counter leases_bound;
    Counter leases_idle;
    Counter leases_declined;
    Counter addresses_never_used;
    Counter commits_pending;
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
