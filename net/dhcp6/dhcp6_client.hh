// SPDX-License-Identifier: Apache-2.0
// Who sent a DHCPv6 message: which program, and on which machine.
#pragma once

#include "net/dhcp/dhcp_client_identity.hh"
#include "net/wire/dhcp6_message.hh"

namespace muster {

/// What options 1, 15, 16, 18, 37, 61 and 62 say, in the words of the IPv4 server. Borrows the
/// message. A client without a class of network boot in option 16 is a PXE client all the same when
/// option 62 says that it has UNDI and it asks for option 59. UNDI's revision
/// is for drivers and chooses nothing here.
///
/// Source: RFC 5970 section 3; iPXE and EDK2 as observed (the UUID of a DUID stands as in option
///         97 of DHCPv4).
[[nodiscard]] DhcpClientIdentity identify_client(const Dhcp6Message& message) noexcept;

/// The machine that a message came from.
struct Dhcp6Machine {
    MacAddress mac;
    /// False: nothing showed its link address, and `mac` was made from DUID and IAID. It names the
    /// machine for leases, and is told nobody.
    bool real = true;
};

/// The surest first: the relay's word (option 79), a link-local address made of the link address
/// (modified EUI-64), the link address in the DUID, which may be of another of its interfaces.
///
/// `link_source`  the address that the client itself sent from: the datagram's, or the peer of the
///                nearest relay
/// `iaid`         of its first association, 0 without one
/// Source: RFC 6939; RFC 4291 appendix A; RFC 8415 section 11.
[[nodiscard]] Dhcp6Machine find_machine(const Dhcp6Message& message, const Ipv6Address& link_source,
                                        std::uint32_t iaid) noexcept;

/// The link address of a modified EUI-64 interface identifier; nullopt: it is none.
[[nodiscard]] std::optional<MacAddress> mac_of_eui64(const Ipv6Address& address) noexcept;

} // namespace muster
