// SPDX-License-Identifier: Apache-2.0
// The DHCPv6 options that have a name. Nobody but the table of options includes this.
#pragma once

#include "core/site/dhcp_option_table.hh"

namespace muster {

/// Sorted by code. Codes of DHCPv6 have two octets; those assigned so far fit one.
[[nodiscard]] std::span<const KnownDhcpOption> known_dhcp6_options() noexcept;

} // namespace muster
