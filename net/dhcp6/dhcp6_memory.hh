// SPDX-License-Identifier: Apache-2.0
// What a DHCPv6 server holds once there is something to serve. Nobody but it includes this.
#pragma once

#include "net/dhcp6/dhcp6_intake.hh"
#include "net/dhcp6/dhcp6_server.hh"

namespace muster {

struct Dhcp6Server::Memory {
    explicit Memory(const DhcpLimits& limits)
        : intake(limits.intake),
          leases(LeaseLimits{.leases_max = limits.leases_max,
                             .offer_hold = limits.offer_hold,
                             .recycle_hold = limits.undurable_lease}),
          pending(limits.commits_max),
          replies(std::size_t{limits.commits_max} * dhcp6_message_size_max),
          scratch(dhcp6_message_size_max) {}

    Dhcp6Intake intake;
    Lease6Table leases;
    Slab<PendingReply> pending;
    std::vector<std::byte> replies; ///< dhcp6_message_size_max bytes a slot of `pending`
    std::vector<std::byte> scratch; ///< one reply
};

} // namespace muster
