// SPDX-License-Identifier: Apache-2.0
// The queue before the DHCPv6 server.
#pragma once

#include "net/dhcp/request_intake.hh"
#include "net/dhcp6/dhcp6_drop.hh"
#include "net/wire/dhcp6_message.hh"

#include <optional>

namespace muster {

/// What a client or a relay sends. SOLICIT and INFORMATION-REQUEST begin an exchange; all others go
/// on with one, or with a lease. A machine is what find_machine() says, behind its relay; a port
/// what options 18 and 37 of the relay nearest to it name.
///
/// Source: RFC 8415 sections 16, 19; RFC 4649.
[[nodiscard]] std::optional<RequestSummary> read_dhcp6_summary(const RxDatagram& datagram) noexcept;

using Dhcp6Intake = TypedIntake<Dhcp6MessageType, Dhcp6Drop, read_dhcp6_summary>;

} // namespace muster
