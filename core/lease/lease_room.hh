// SPDX-License-Identifier: Apache-2.0
// How many leases a server should have room for.
#pragma once

#include "core/site/dhcp_plan.hh"

#include <algorithm>
#include <cstdint>
#include <span>

namespace muster {

/// The least and the most that a table is made for: what a few racks need anyway, and some 150 MB.
inline constexpr std::uint32_t lease_room_least = 131'072;
inline constexpr std::uint32_t lease_room_most = 1'310'720;

/// Room for every address of the pools, for reservations beside them, and for what the store
/// remembers of addresses that are served no more. Pools that grow beyond it later are served as
/// far as the room goes (`table_full`) until a restart.
///
/// The tables of both families have the same room. An IPv6 pool of more addresses than any table
/// holds says nothing of how many machines there are, and is not counted.
[[nodiscard]] inline std::uint32_t lease_room(std::span<const SubnetPlan> subnets,
                                              std::span<const Subnet6Plan> subnets6,
                                              std::uint64_t stored) noexcept {
    std::uint64_t addresses = 0;
    for (const SubnetPlan& subnet : subnets) {
        for (const PoolPlan& pool : subnet.pools) {
            addresses += pool.range.count();
        }
    }
    std::uint64_t addresses6 = 0;
    for (const Subnet6Plan& subnet : subnets6) {
        for (const Subnet6Plan::Pool& pool : subnet.pools) {
            const std::uint64_t count = pool.range.count();
            addresses6 += count <= lease_room_most ? count : 0;
        }
    }
    constexpr std::uint64_t reserved = 16'384;
    const std::uint64_t wanted = std::max({addresses, addresses6, stored}) + reserved;
    return static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(wanted, lease_room_least, lease_room_most));
}

} // namespace muster
