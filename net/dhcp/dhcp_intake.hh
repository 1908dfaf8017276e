// SPDX-License-Identifier: Apache-2.0
// The queue before the DHCPv4 server.
#pragma once

#include "net/dhcp/dhcp_drop.hh"
#include "net/dhcp/request_intake.hh"
#include "net/wire/dhcp_message.hh"

namespace muster {

/// What a client sends, read without the rest of it. REQUEST, RELEASE and DECLINE go on with an
/// exchange; DISCOVER, INFORM and BOOTP (type 0) begin one. A machine is a link address on its
/// link, a port what option 82 of one relay names.
///
/// Source: RFC 2131 section 2; RFC 3046 section 3.
[[nodiscard]] std::optional<RequestSummary> read_dhcp_summary(const RxDatagram& datagram) noexcept;

using DhcpIntake = TypedIntake<DhcpMessageType, DhcpDrop, read_dhcp_summary>;

} // namespace muster
