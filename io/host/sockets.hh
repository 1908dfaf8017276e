// SPDX-License-Identifier: Apache-2.0
// Opens the sockets that musterd serves. Each is close-on-exec and says in its error what it was
// for, so that "address in use" names the port and the flag that moves it.
#pragma once

#include "core/port/interface_info.hh"
#include "io/host/fd.hh"
#include "io/host/sys_error.hh"

namespace muster {

/// UDP on every address of one interface alone, broadcasts allowed: for DHCP and PXE.
[[nodiscard]] Result<Fd, SysError> open_broadcast_socket(const InterfaceInfo& interface,
                                                         std::uint16_t port, const char* what);

/// UDP on port 547 of one interface, where clients and relays reach servers (RFC 8415 section 7).
[[nodiscard]] Result<Fd, SysError> open_dhcp6_socket(const InterfaceInfo& interface,
                                                     std::uint16_t port, const char* what);

struct DhcpSockets {
    Fd first;     ///< everything but DISCOVERs; all of it where the kernel has no filters
    Fd discovers; ///< may be invalid
};

/// The same for a DHCP server, with a socket, and so a receive buffer in the kernel, for DISCOVERs
/// alone: a flood of them, which the kernel can only cut off at the end, then costs no REQUEST.
///
/// What counts as a DISCOVER is one whose first option is 53, as every client known sends it; the
/// rest comes to the first socket. Broadcasts are offered to both sockets and refused by one:
/// the kernel counts those under `InErrors` of /proc/net/snmp, and they are none.
/// Thread: any. Source: socket(7) SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF.
[[nodiscard]] Result<DhcpSockets, SysError> open_dhcp_sockets(const InterfaceInfo& interface,
                                                              std::uint16_t port, const char* what);

/// UDP on one address; port 0 takes any. `shared`: several workers bind the same port and the
/// kernel spreads clients over them. DF stays clear, since ROMs choke on the ICMP that it causes.
/// IPv6 sockets are for IPv6 alone.
[[nodiscard]] Result<Fd, SysError> open_udp_socket(const IpAddress& address, std::uint16_t port,
                                                   bool shared, const char* what);

/// UDP on every IPv6 address of one interface alone.
[[nodiscard]] Result<Fd, SysError> open_udp_socket_of(const InterfaceInfo& interface,
                                                      std::uint16_t port, bool shared,
                                                      const char* what);

/// Has what the IPv4 socket sends to a multicast group pass `ttl - 1` routers, and not come back to
/// this machine.
void set_multicast_ttl(int socket, std::uint8_t ttl) noexcept;

/// Sends IPv4 packets to link addresses; receives nothing.
[[nodiscard]] Result<Fd, SysError> open_packet_socket();

/// Router solicitations in, advertisements out, on one interface (RFC 4861).
[[nodiscard]] Result<Fd, SysError> open_icmpv6_socket(const InterfaceInfo& interface);

/// Listening TCP; `shared` as above.
[[nodiscard]] Result<Fd, SysError> open_listener(const IpAddress& address, std::uint16_t port,
                                                 bool shared, const char* what);

/// Listening TCP on all IPv6 addresses that an interface has or will have; `shared` as above.
[[nodiscard]] Result<Fd, SysError> open_ipv6_listener(const InterfaceInfo& interface,
                                                      std::uint16_t port, bool shared,
                                                      const char* what);

/// Whether the kernel sends several UDP segments in one call (UDP_SEGMENT).
[[nodiscard]] bool has_udp_segmentation(int socket) noexcept;

} // namespace muster
