// SPDX-License-Identifier: Apache-2.0
// A TAP interface: the kernel's end of a link whose other end is this process.
#pragma once

#include "core/addr/mac_address.hh"
#include "core/addr/subnet.hh"
#include "io/host/fd.hh"
#include "io/host/sys_error.hh"

#include <string>

namespace muster {

/// Makes the interface, or attaches to one that was made persistent before, and brings it up. It
/// goes away with the descriptor unless it is persistent. Frames are read and written one by one;
/// neither blocks. Wants CAP_NET_ADMIN.
///
/// `address` is what the kernel has there, with `subnet` as its prefix.
[[nodiscard]] Result<Fd, SysError> open_tap(const std::string& name, const MacAddress& mac,
                                            const Ipv4Address& address, const Subnet& subnet);

} // namespace muster
