// SPDX-License-Identifier: Apache-2.0
// Opens everything that musterd listens on, before it gives up its privileges.
#pragma once

#include "core/port/interface_info.hh"
#include "io/host/fd.hh"
#include "io/host/probe_sockets.hh"
#include "io/host/sys_error.hh"

#include "tools/musterd/options.hh"

#include <vector>

namespace muster {

/// How many ephemeral sockets a worker's TFTP transfers leave from. More than one, so that a
/// client that reuses its port is not mixed up with its last transfer.
inline constexpr std::uint8_t tftp_transfer_sockets = 4;

/// One interface's sockets of one worker; invalid where the worker does not serve the protocol.
struct InterfaceSockets {
    std::uint32_t interface = 0;
    bool single_packets = false; ///< see sends_single_packets(); asked where there is DHCP
    Fd dhcp;
    Fd dhcp_discovers;
    Fd pxe;
    Fd dhcp6;
    Fd icmpv6;
    Fd tftp;
    Fd tftp6; ///< IPv6, on every address of the interface
    Fd http;
    Fd http6; ///< all IPv6 addresses of the interface
    Fd https;
    Fd https6;
};

struct WorkerSockets {
    std::vector<InterfaceSockets> interfaces;
    Fd packet;
    ProbeSockets probes;
    std::vector<Fd> tftp_transfers;
    std::vector<Fd> tftp_transfers6; ///< as many, or none
};

/// Sockets of `workers` workers; worker 0 alone gets DHCP and router advertisements. A protocol
/// that this interface cannot have for want of IPv6 is left out with a line in `warnings`; so is
/// all else of IPv6 that cannot be opened, unless the site serves it (`ipv6`).
[[nodiscard]] Result<std::vector<WorkerSockets>, SysError>
open_sockets(const Options& options, const std::vector<InterfaceInfo>& interfaces, unsigned workers,
             bool ipv6, std::vector<std::string>& warnings);

} // namespace muster
