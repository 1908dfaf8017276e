// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"

#include <string>
#include <vector>

namespace muster {

/// An interface that is served, as the driver found it at start.
struct InterfaceInfo {
    std::uint32_t index = 0; ///< the kernel's
    std::string name;
    MacAddress mac;
    Ipv4Address address; ///< its first IPv4 address
    std::uint8_t prefix_length = 24;
    Ipv6Address link_local;              ///< unspecified: IPv6 is off there
    std::vector<Ipv6Address> addresses6; ///< its other IPv6 addresses that last
    std::uint16_t mtu = 1500;
};

} // namespace muster
