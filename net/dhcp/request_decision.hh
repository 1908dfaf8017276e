// SPDX-License-Identifier: Apache-2.0
// What a DHCPREQUEST is answered: the whole of RFC 2131 section 4.3.2 as one table.
#pragma once

#include "core/lease/lease.hh"
#include "net/wire/dhcp_message.hh"

namespace muster {

/// The state a client is in when it sends a DHCPREQUEST (RFC 2131 section 4.3.2, table 4).
enum class RequestState : std::uint8_t {
    selecting,   ///< takes an offer: server identifier and requested address
    init_reboot, ///< verifies an address it remembers: requested address alone
    renewing,    ///< extends its lease, unicast: ciaddr
    rebinding,   ///< extends its lease, broadcast: ciaddr
};

struct RequestForm {
    RequestState state{};
    Ipv4Address address; ///< the one the client wants
};

/// Which state a DHCPREQUEST speaks of; nullopt when it names no address. `broadcast`: it was not
/// sent to an address of ours. Whether its server identifier is ours is the caller's question.
[[nodiscard]] std::optional<RequestForm> read_request_form(const DhcpMessage& request,
                                                           bool broadcast) noexcept;

enum class RequestAnswer : std::uint8_t { acknowledge, refuse, silent };

/// `known`: the machine has another lease in the subnet, or a reservation of another address.
[[nodiscard]] RequestAnswer decide_request(RequestState state, LeaseStanding standing,
                                           bool known) noexcept;

} // namespace muster
