// SPDX-License-Identifier: Apache-2.0
// The kernel's table of link addresses, which is too small for a large segment by default.
#pragma once

#include <cstdint>
#include <string>

namespace muster::load {

/// How often the IPv4 table of this kernel (all namespaces together) was full since it started.
[[nodiscard]] std::uint64_t neighbour_table_overflows();

/// The same from the text of /proc/net/stat/arp_cache; 0 when it does not say.
[[nodiscard]] std::uint64_t neighbour_table_overflows_in(const std::string& statistics);

} // namespace muster::load
