// SPDX-License-Identifier: Apache-2.0
// What the site says to the DHCP server: immutable, published as part of a snapshot.
#pragma once

#include "core/addr/subnet.hh"
#include "core/addr/subnet6.hh"
#include "core/base/time.hh"
#include "core/node/node_boot.hh"
#include "core/site/dhcp_options.hh"

#include <span>
#include <string>
#include <vector>

namespace muster {

/// Which client classes a client is in: bit i is class i of the plan.
using ClassMask = std::uint64_t;
inline constexpr std::size_t client_classes_max = 64;

/// The first octets of link addresses: the vendor's part, mostly.
struct MacPrefix {
    MacAddress mac;        ///< the octets behind `size` are zero
    std::uint8_t size = 3; ///< 1 .. 6

    friend bool operator==(const MacPrefix&, const MacPrefix&) = default;
};

/// Clients that have something in common. A key that lists nothing holds for every client; of
/// several keys all must hold, of the values of one key any.
struct ClientClass {
    std::string name;
    std::vector<std::uint16_t> architectures; ///< option 93
    std::vector<std::string> vendor_classes;  ///< option 60; `*` stands for anything
    std::vector<std::string> user_classes;    ///< option 77, the same
    std::vector<MacPrefix> mac_prefixes;
    DhcpOptionSet options;
    DhcpOptionSet options6{};                      ///< of DHCPv6
    LoaderChoice loader = LoaderChoice::automatic; ///< for nodes whose profile says `auto`

    friend bool operator==(const ClientClass&, const ClientClass&) = default;
};

struct PoolPlan {
    PoolPlan() = default;
    PoolPlan(const AddressRange& all) : range(all) {} // NOLINT: a range alone is for everybody

    AddressRange range;
    ClassMask classes = 0; ///< who gets addresses here: members of any of these; 0: everybody
    bool bootp = false;    ///< BOOTP clients do, too; they never give one back

    friend bool operator==(const PoolPlan&, const PoolPlan&) = default;
};

struct SubnetPlan {
    Subnet subnet;
    std::vector<PoolPlan> pools;       ///< inside `subnet`, not overlapping
    std::optional<Ipv4Address> router; ///< option 3
    std::vector<Ipv4Address> dns;      ///< option 6; the server's own address if none is given
    std::string domain;                ///< option 15
    Duration lease = std::chrono::hours{1};
    std::vector<Ipv4Address> relays; ///< requests relayed with these as giaddr belong here
    std::string interface;           ///< clients on this interface are here; empty: by its address
    /// Subnets of one name share a link: a client there gets an address of any of them.
    std::string shared_network;
    DhcpOptionSet options; ///< of the subnet, then the site's
};

/// An IPv6 subnet. Routers are the routers' to tell (RFC 4861): DHCPv6 has no option for them.
struct Subnet6Plan {
    struct Pool {
        Range6 range;
        ClassMask classes = 0;               ///< who gets addresses here, as in PoolPlan
        static constexpr bool bootp = false; ///< there is no such thing here

        friend bool operator==(const Pool&, const Pool&) = default;
    };
    Subnet6 subnet;
    std::vector<Pool> pools;      ///< inside `subnet`, not overlapping
    std::vector<Ipv6Address> dns; ///< option 23; the server's own address if none is given
    std::string domain;           ///< option 24
    Duration lease = std::chrono::hours{1}; ///< the valid lifetime
    std::vector<Ipv6Address> relays; ///< requests relayed with these as link-address belong here
    std::string interface;           ///< clients on this interface are here; empty: by its address
    std::string shared_network;
    DhcpOptionSet options; ///< of the subnet, then the site's
};

/// What boot URLs say of this server beside its address.
struct BootPorts {
    std::uint16_t http = 80;
    std::uint16_t https = 0; ///< that UEFI HTTP boot is sent to; 0: to `http`
};

struct DhcpPlan {
    std::vector<SubnetPlan> subnets;
    std::vector<Subnet6Plan> subnets6;
    std::vector<ClientClass> classes; ///< client_classes_max at most; the first that sets it wins
    /// What clients are told the server is; unspecified: the address of the interface they ask on.
    Ipv4Address server_address;
    Ipv6Address server_address6; ///< the same for IPv6
    BootPorts ports;
    /// What a machine gets that no NodeBoot names.
    BootAction unknown_action = BootAction::ignore;
    LoaderChoice unknown_loader = LoaderChoice::automatic;
    SharedDhcpOptions unknown_options; ///< of the profile
    SharedDhcpOptions unknown_options6;
};

/// The link that each subnet is on, as the index of the first subnet there.
template <class Subnets>
[[nodiscard]] std::vector<std::uint16_t> links_of(const Subnets& subnets) {
    std::vector<std::uint16_t> links;
    for (std::size_t i = 0; i < subnets.size(); ++i) {
        std::size_t first = i;
        for (std::size_t j = 0; j < i && !subnets[i].shared_network.empty(); ++j) {
            if (subnets[j].shared_network == subnets[i].shared_network) {
                first = j;
                break;
            }
        }
        links.push_back(static_cast<std::uint16_t>(first));
    }
    return links;
}

} // namespace muster
