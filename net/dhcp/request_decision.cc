// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/request_decision.hh"

namespace muster {

std::optional<RequestForm> read_request_form(const DhcpMessage& request, bool broadcast) noexcept {
    const auto requested = request.address(DhcpOptionCode::requested_address);
    const Ipv4Address& ciaddr = request.header.ciaddr;
    if (!ciaddr.is_unspecified()) {
        // RFC 2131 table 5 forbids option 50 here; clients that send both mean their address.
        return RequestForm{broadcast ? RequestState::rebinding : RequestState::renewing, ciaddr};
    }
    if (!requested) {
        return std::nullopt;
    }
    const bool selecting = request.has(DhcpOptionCode::server_identifier);
    return RequestForm{selecting ? RequestState::selecting : RequestState::init_reboot, *requested};
}

RequestAnswer decide_request(RequestState state, LeaseStanding standing, bool known) noexcept {
    using enum RequestAnswer;
    if (standing == LeaseStanding::own) {
        return acknowledge;
    }
    switch (state) {
    case RequestState::selecting:
        // It chose us. An offer that lapsed is renewed if nobody has the address.
        return standing == LeaseStanding::free && !known ? acknowledge : refuse;
    case RequestState::init_reboot:
        // On the wrong network: NAK, whoever it is. Else, without a record of the client, another
        // server may have one: "MUST remain silent".
        return standing == LeaseStanding::wrong_network || known ? refuse : silent;
    case RequestState::renewing:
        // It sent this to us alone, so the lease was ours, and the record of it is gone.
        return standing == LeaseStanding::free && !known ? acknowledge : refuse;
    case RequestState::rebinding:
        // Anybody may be meant. Only an address that is surely wrong is refused.
        return standing == LeaseStanding::taken || known ? refuse : silent;
    }
    __builtin_unreachable();
}

} // namespace muster
