// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/port/interface_info.hh"
#include "io/host/sys_error.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace muster {

/// What the kernel says about an interface: index, link address, first IPv4 address, IPv6
/// link-local address (unspecified when IPv6 is off there), MTU.
///
/// Errors: ENODEV -- no such interface; EADDRNOTAVAIL -- it has no IPv4 address.
[[nodiscard]] Result<InterfaceInfo, SysError> find_interface(const std::string& name);

/// What the links of these interfaces carry together, in bytes a second; 0 when one does not say,
/// as virtual ones do (or say a number that means nothing).
[[nodiscard]] std::uint64_t link_rate(const std::vector<std::string>& interfaces);

/// How many neighbours the kernel keeps at most (gc_thresh3 of arp(7)); nullopt where it does not
/// say: the limit is the whole machine's, and only its first network namespace shows it.
[[nodiscard]] std::optional<std::uint64_t> neighbour_limit();

/// UDP datagrams that this network namespace dropped since its sockets' receive buffers were full
/// (RcvbufErrors of /proc/net/snmp); nullopt where the kernel does not say.
[[nodiscard]] std::optional<std::uint64_t> receive_buffer_errors();

} // namespace muster
