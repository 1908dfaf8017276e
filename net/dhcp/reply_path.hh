// SPDX-License-Identifier: Apache-2.0
// Where a DHCP reply goes.
#pragma once

#include "core/port/outbox.hh"
#include "net/wire/dhcp_message.hh"

namespace muster {

inline constexpr std::uint16_t dhcp_server_port = 67;
inline constexpr std::uint16_t dhcp_client_port = 68;

/// The way of one reply: small and copyable, it waits beside the bytes for a commit.
struct ReplyPath {
    enum class Way : std::uint8_t {
        relay,     ///< to giaddr, port 67
        unicast,   ///< to the address that the client has already
        broadcast, ///< to 255.255.255.255 on the interface
        link,      ///< to yiaddr at chaddr: the client answers no ARP yet
    };
    Way way = Way::broadcast;
    Ipv4Address destination{};
    std::uint16_t port = dhcp_client_port;
    Ipv4Address source{};
    MacAddress link_destination{};
    std::uint32_t interface = 0;
};

/// Where it came in: which interface, and the address of ours that replies leave from.
struct ReplyOrigin {
    std::uint32_t interface = 0;
    Ipv4Address source;
};

/// Source: RFC 2131 section 4.1: giaddr, else ciaddr, else broadcast when the flag is set, else
///         unicast to the link address; a DHCPNAK is broadcast (or left to the relay).
[[nodiscard]] ReplyPath choose_reply_path(const DhcpHeader& request, DhcpMessageType reply,
                                          const Ipv4Address& yiaddr,
                                          const ReplyOrigin& origin) noexcept;

/// Puts the message into the outbox, in a packet of its own headers where the way is `link`.
/// `identification` numbers such packets.
void send_reply(const ReplyPath& path, Bytes message, std::uint16_t identification,
                Outbox& out) noexcept;

} // namespace muster
