// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp6/dhcp6_intake.hh"

#include "net/dhcp6/dhcp6_client.hh"

namespace muster {

namespace {

bool from_client(Dhcp6MessageType type) noexcept {
    using enum Dhcp6MessageType;
    switch (type) {
    case solicit:
    case request:
    case confirm:
    case renew:
    case rebind:
    case release:
    case decline:
    case information_request:
        return true;
    case advertise:
    case reply:
    case reconfigure:
    case relay_forward:
    case relay_reply:
        return false;
    }
    return false;
}

} // namespace

std::optional<RequestSummary> read_dhcp6_summary(const RxDatagram& datagram) noexcept {
    Dhcp6Message message;
    if (!read_dhcp6_message(datagram.payload, message) || !from_client(message.type) ||
        datagram.source.address.is_v4()) {
        return std::nullopt;
    }
    const Ipv6Address source = datagram.source.address.v6();
    const Bytes no_relay;
    RequestSummary summary{.type = static_cast<std::uint8_t>(message.type),
                           .begins = message.type == Dhcp6MessageType::solicit ||
                                     message.type == Dhcp6MessageType::information_request};
    // A link-local address names a relay on one link only.
    summary.lane = dhcp_source(
        datagram.interface, message.relayed() ? std::as_bytes(std::span{source.octets}) : no_relay);
    std::uint32_t iaid = 0; // of the first IA_NA, as the server counts it
    for (const Dhcp6Ia& ia : message.associations()) {
        if (ia.kind == Dhcp6OptionCode::ia_na) {
            iaid = ia.iaid;
            break;
        }
    }
    const Dhcp6Machine machine =
        find_machine(message, message.relayed() ? message.nearest_hop().peer : source, iaid);
    summary.machine = dhcp_source(summary.lane, std::as_bytes(std::span{machine.mac.octets}));
    if (message.relayed()) {
        const Dhcp6Hop& hop = message.nearest_hop();
        if (hop.interface_id || !hop.remote_id.empty()) {
            summary.port = dhcp_source(
                dhcp_source(summary.lane, hop.interface_id.value_or(Bytes{})), hop.remote_id);
        }
    }
    return summary;
}

} // namespace muster
