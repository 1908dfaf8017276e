// SPDX-License-Identifier: Apache-2.0
// What the site says to the DHCP server: immutable, published as part of a snapshot.
#pragma once

#include "core/addr/subnet.hh"
#include "core/base/time.hh"
#include "core/node/node_boot.hh"

#include <string>
#include <vector>

namespace muster {

struct SubnetPlan {
    Subnet subnet;
    std::vector<AddressRange> pools;   ///< inside `subnet`, not overlapping
    std::optional<Ipv4Address> router; ///< option 3
    std::vector<Ipv4Address> dns;      ///< option 6; the server's own address if none is given
    std::string domain;                ///< option 15
    Duration lease = std::chrono::hours{1};
    std::optional<Ipv4Address> relay_giaddr; ///< requests relayed with this giaddr belong here
};

struct DhcpPlan {
    std::vector<SubnetPlan> subnets;
    /// What clients are told the server is; unspecified: the address of the interface they ask on.
    Ipv4Address server_address;
    std::uint16_t http_port = 80; ///< in boot URLs
    /// What a machine gets that no NodeBoot names.
    BootAction unknown_action = BootAction::ignore;
    LoaderChoice unknown_loader = LoaderChoice::automatic;
};

} // namespace muster
