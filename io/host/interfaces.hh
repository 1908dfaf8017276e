// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/port/interface_info.hh"
#include "io/host/sys_error.hh"

namespace muster {

/// What the kernel says about an interface: index, link address, first IPv4 address, IPv6
/// link-local address (unspecified when IPv6 is off there), MTU.
///
/// Errors: ENODEV -- no such interface; EADDRNOTAVAIL -- it has no IPv4 address.
[[nodiscard]] Result<InterfaceInfo, SysError> find_interface(const std::string& name);

} // namespace muster
