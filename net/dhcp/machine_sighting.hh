// SPDX-License-Identifier: Apache-2.0
// What control is told of a machine that a DHCP message came from.
#pragma once

#include "net/dhcp/dhcp_client_identity.hh"

namespace muster {

/// `address`: what the machine was offered or has; unspecified: none. `client` is of `message`.
[[nodiscard]] MachineSeen machine_sighting(const DhcpMessage& message,
                                           const DhcpClientIdentity& client,
                                           const Ipv4Address& address, bool acknowledged) noexcept;

} // namespace muster
