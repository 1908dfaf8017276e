// SPDX-License-Identifier: Apache-2.0
#include "net/client/router_solicitor.hh"

#include "net/wire/icmpv6_router.hh"

#include <array>

namespace muster {
namespace {

// After each solicitation: 0, 0.25, 0.8, 1.8, 3.9, 7.9 s, and the end of it 16.1 s after the first.
constexpr std::array<Duration, 6> solicit_waits{245ms, 550ms, 1044ms, 2032ms, 4065ms, 8150ms};
constexpr std::uint8_t router_solicitation = 133;
constexpr std::uint8_t router_advertisement = 134;
constexpr std::size_t flags_offset = 5;
constexpr auto managed_or_other = std::byte{0xC0}; ///< M and O (RFC 4861 section 4.2)

/// RFC 4291 appendix A: the link-local address that a MAC address makes.
Ipv6Address link_local(const MacAddress& mac) noexcept {
    const auto& m = mac.octets;
    return {{0xFE, 0x80, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(m[0] ^ 2U), m[1], m[2], 0xFF,
             0xFE, m[3], m[4], m[5]}};
}

constexpr Ipv6Address all_routers{{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};

} // namespace

void RouterSolicitor::begin(ClientContext& context) {
    busy_ = true;
    sent_ = 0;
    send(context);
}

void RouterSolicitor::send(ClientContext& context) {
    std::array<std::byte, 16> buffer;
    ByteWriter writer{buffer};
    writer.u8(router_solicitation);
    writer.u8(0);
    writer.u16(0); // the checksum is the driver's business
    writer.u32(0);
    writer.u8(1); // source link-layer address, in units of 8 octets
    writer.u8(1);
    writer.octets(context.identity.mac.octets);
    context.send_icmpv6(link_local(context.identity.mac), all_routers, writer.written());
    deadline_ = context.now.steady + solicit_waits[sent_++];
}

void RouterSolicitor::on_timer(ClientContext& context) noexcept {
    if (!busy_ || context.now.steady < deadline_) {
        return;
    }
    if (sent_ < solicit_waits.size()) {
        context.retransmitted();
        send(context);
    } else {
        stop();
    }
}

void RouterSolicitor::on_datagram(const ClientRx& datagram, ClientContext& /*context*/) noexcept {
    if (!busy_ || datagram.protocol != ClientProtocol::icmpv6 || datagram.payload.empty() ||
        datagram.payload[0] != std::byte{router_advertisement}) {
        return;
    }
    const auto message = read_router_message(datagram.payload, datagram.source.address.v6());
    // With M or O it would go on with DHCPv6, which nobody answers here.
    if (message && (datagram.payload[flags_offset] & managed_or_other) == std::byte{0}) {
        stop();
    }
}

} // namespace muster
