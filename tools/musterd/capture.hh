// SPDX-License-Identifier: Apache-2.0
// A capture file of what the workers remember.
#pragma once

#include "io/worker/packet_log.hh"

#include <string>
#include <vector>

namespace muster {

/// The packets of `logs` that are wanted, in the order of time. `own`: our address where the driver
/// did not say it, the kernel having chosen.
[[nodiscard]] std::string capture(const std::vector<const PacketLog*>& logs,
                                  const PacketsWanted& wanted, const IpAddress& own);

} // namespace muster
