// SPDX-License-Identifier: Apache-2.0
// The interface that a fleet of clients lives on.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "io/host/sys_error.hh"

#include <optional>
#include <string>

namespace muster {

struct ClientLink {
    std::string name;
    std::uint32_t index = 0;
    MacAddress mac{};
    Ipv4Address address{}; ///< unspecified: it has none, and needs none for DHCP
};

/// What the kernel says about an interface that is up.
///
/// Errors: ENODEV -- no such interface; ENETDOWN -- it is down, or has no carrier.
[[nodiscard]] Result<ClientLink, SysError> find_client_link(const std::string& name);

/// Where packets to `destination` go on this link: itself, or a gateway.
[[nodiscard]] Ipv4Address next_hop(const ClientLink& link, const Ipv4Address& destination);

/// The same from the text of /proc/net/route.
[[nodiscard]] Ipv4Address next_hop_of(const std::string& routes, const std::string& interface,
                                      const Ipv4Address& destination);

/// The address that the kernel would send from to `destination`; nullopt: there is no way there.
[[nodiscard]] std::optional<IpAddress> source_towards(const IpAddress& destination);

/// The interface that the kernel would send to `destination` through; empty: none.
[[nodiscard]] std::string interface_towards(const IpAddress& destination);

} // namespace muster
