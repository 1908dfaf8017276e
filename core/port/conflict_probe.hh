// SPDX-License-Identifier: Apache-2.0
// Asking whether somebody uses an address that nobody was given (RFC 2131 section 2.2: servers
// SHOULD probe). Between the DHCP server and whatever moves ARP and ICMP for it.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"

#include <cstdint>
#include <optional>

namespace muster {

/// One question, to be sent now.
struct ConflictProbe {
    Ipv4Address address;
    std::uint32_t interface = 0; ///< of the link, to ask there by ARP; 0: ICMP echo, by route
    MacAddress link_source{};    ///< the interface's
};

/// Somebody answers for an address.
struct ConflictAnswer {
    Ipv4Address address;
    std::optional<MacAddress> mac{}; ///< whoever answers, if ARP said it
};

} // namespace muster
