// SPDX-License-Identifier: Apache-2.0
// Whose packet is this?
#pragma once

#include "core/port/packet_record.hh"

namespace muster {

/// Whether a packet is of the machine that is asked for: a DHCP or PXE message by its chaddr
/// (RFC 2131 section 2), a DHCPv6 message by the link address or UUID that it names somewhere (in a
/// DUID, or a relay's option 79), TFTP by the machine's address.
[[nodiscard]] bool is_wanted(const PacketRecord& packet, const PacketsWanted& wanted) noexcept;

} // namespace muster
