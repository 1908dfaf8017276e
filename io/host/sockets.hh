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

/// UDP on one address; port 0 takes any. `shared`: several workers bind the same port and the
/// kernel spreads clients over them. DF stays clear, since ROMs choke on the ICMP that it causes.
/// `device` not empty: of that interface alone, for IPv6, where it has several addresses.
[[nodiscard]] Result<Fd, SysError> open_udp_socket(const IpAddress& address, std::uint16_t port,
                                                   bool shared, const char* what,
                                                   const std::string& device = {});

/// Sends IPv4 packets to link addresses; receives nothing.
[[nodiscard]] Result<Fd, SysError> open_packet_socket();

/// Router solicitations in, advertisements out, on one interface (RFC 4861).
[[nodiscard]] Result<Fd, SysError> open_icmpv6_socket(const InterfaceInfo& interface);

/// Listening TCP; `shared` and `device` as above.
[[nodiscard]] Result<Fd, SysError> open_listener(const IpAddress& address, std::uint16_t port,
                                                 bool shared, const char* what,
                                                 const std::string& device = {});

/// Whether the kernel sends several UDP segments in one call (UDP_SEGMENT).
[[nodiscard]] bool has_udp_segmentation(int socket) noexcept;

} // namespace muster
