// SPDX-License-Identifier: Apache-2.0
// A port of DPDK, and how the kernel gets its share of it (--dpdk-split).
#pragma once

#include "core/port/udp_ports.hh"
#include "core/site/site.hh"
#include "io/dpdk/dpdk_port.hh"
#include "io/host/fd.hh"

#include "tools/musterd/options.hh"

#include <memory>
#include <vector>

namespace muster {

struct SharedPort {
    std::unique_ptr<DpdkPort> port;
    Fd tap; ///< of `tap`: where the kernel's frames go and come from
    Fd xdp; ///< of `xdp`: holds the program at the interface
};

/// The UDP ports that are DPDK's.
[[nodiscard]] std::vector<UdpPortRange> served_ports(const Options& options);

/// The device of --dpdk-port; of `xdp` it follows from --interface.
[[nodiscard]] std::string device_of(const Options& options);

/// The subnet of the site that the server's address is in. Errors: what the site lacks.
[[nodiscard]] Result<Subnet, std::string> own_subnet(const Site& site);

/// `tap`: a port that is DPDK's alone, and a TAP interface with its addresses.
/// Errors: one line for the operator.
[[nodiscard]] Result<SharedPort, std::string> open_by_tap(const Options& options, const Site& site,
                                                          std::string& warning);

/// `xdp`: AF_XDP on an interface that stays the kernel's.
/// Errors: one line for the operator.
[[nodiscard]] Result<SharedPort, std::string> open_by_xdp(const Options& options,
                                                          std::string& warning);

} // namespace muster
