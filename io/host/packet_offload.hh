// SPDX-License-Identifier: Apache-2.0
// Whether what is sent in one call stays in one piece on the far side of an interface.
#pragma once

#include <string>

namespace muster {

/// True when a UDP GSO send on this interface reaches whoever is at its other end as single
/// packets: because the device lacks the feature, so that the kernel cuts before it, or because it
/// is hardware, which cuts on its way to the wire.
///
/// A pair of virtual devices hands the uncut packet over. A UDP socket there never notices, but a
/// packet socket does (ISC's DHCP relay has one, and so have programs that play machines): it gets
/// a packet that no wire carries. Of a bridge, bond or VLAN all devices below are asked.
///
/// False, too, when it cannot be found out.
/// Thread: any; at start, since it asks the kernel a dozen times.
/// Source: udp(7) UDP_SEGMENT; ethtool(8) tx-udp-segmentation.
[[nodiscard]] bool sends_single_packets(const std::string& interface);

} // namespace muster
