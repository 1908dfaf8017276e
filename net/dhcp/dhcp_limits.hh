// SPDX-License-Identifier: Apache-2.0
// The bounds of the DHCP server, each with what happens at it.
#pragma once

#include "core/base/time.hh"
#include "net/dhcp/conflict_prober.hh"
#include "net/dhcp/dhcp_intake.hh"

#include <cstdint>

namespace muster {

struct DhcpLimits {
    DhcpIntakeLimits intake{};
    /// Whether addresses are looked at before they are offered (the driver must have the sockets).
    bool probes = false;
    ConflictProberLimits prober{};
    /// Leases in memory, remembered ones included; at it the oldest ended ones make room, then new
    /// machines are not answered (`table_full`).
    std::uint32_t leases_max = 131'072;
    /// Acknowledgements that wait for their commit; at it a REQUEST is not answered (`busy`).
    std::uint32_t commits_max = 4'096;
    /// False: the store keeps nothing over a restart, so no acknowledgement waits for it.
    bool waits_for_store = true;
    /// Machines known by name for which room is taken at start; more are taken as they come.
    std::uint32_t nodes_expected = 16'384;
    /// How long an offered address is kept for the machine.
    Duration offer_hold = std::chrono::seconds{60};
    /// How long a declined address is offered to nobody.
    Duration quarantine = std::chrono::minutes{10};
    /// The least that a machine with a durable lease is given while the store takes nothing.
    /// Nobody else can get its address meanwhile, since that would need a commit; after a restart
    /// the table keeps expired leases to their machines for as long (LeaseLimits::recycle_hold).
    Duration undurable_lease = std::chrono::seconds{120};
};

} // namespace muster
