// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/dhcp_intake.hh"

namespace muster {

namespace {

constexpr std::size_t giaddr_at = 24;
constexpr std::size_t chaddr_at = 28;
constexpr std::size_t cookie_at = 236;
constexpr std::size_t options_at = 240;
constexpr std::uint8_t suboption_circuit = 1; // RFC 3046 section 3.1
constexpr std::uint8_t suboption_remote = 2;  // section 3.2

} // namespace

std::optional<RequestSummary> read_dhcp_summary(const RxDatagram& datagram) noexcept {
    const Bytes message = datagram.payload;
    if (message.size() < options_at || message[0] != std::byte{dhcp_boot_request} ||
        ByteReader{message.subspan(cookie_at)}.u32() != 0x63825363U) {
        return std::nullopt;
    }
    const std::uint32_t giaddr = *ByteReader{message.subspan(giaddr_at)}.u32();
    // An interface is a lane of its own for what comes without a relay.
    const std::uint64_t lane = giaddr != 0 ? giaddr : std::uint64_t{1} << 32U | datagram.interface;
    RequestSummary summary{.lane = lane,
                           .machine = dhcp_source(lane, message.subspan(chaddr_at, 6))};
    auto type = DhcpMessageType{};
    ByteReader options{message.subspan(options_at)};
    for (auto option = read_dhcp_option(options); option && *option;
         option = read_dhcp_option(options)) {
        const Bytes value = (*option)->value;
        if ((*option)->code == DhcpOptionCode::message_type && value.size() == 1) {
            type = static_cast<DhcpMessageType>(value[0]);
        } else if ((*option)->code == DhcpOptionCode::relay_agent_information && giaddr != 0) {
            const auto circuit = find_sub_option(value, suboption_circuit);
            const auto remote = find_sub_option(value, suboption_remote);
            if (circuit || remote) {
                summary.port = dhcp_source(dhcp_source(giaddr, circuit.value_or(Bytes{})),
                                           remote.value_or(Bytes{}));
            }
        }
    }
    const bool from_server = type == DhcpMessageType::offer || type == DhcpMessageType::ack ||
                             type == DhcpMessageType::nak;
    if (from_server || type > DhcpMessageType::inform) {
        return std::nullopt;
    }
    summary.type = static_cast<std::uint8_t>(type);
    summary.begins = type != DhcpMessageType::request && type != DhcpMessageType::release &&
                     type != DhcpMessageType::decline;
    return summary;
}

} // namespace muster
