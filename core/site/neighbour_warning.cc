// SPDX-License-Identifier: Apache-2.0
#include "core/site/neighbour_warning.hh"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace muster {

std::optional<std::string> neighbour_warning(std::span<const SubnetPlan> subnets,
                                             std::span<const InterfaceInfo> interfaces,
                                             std::uint64_t gc_thresh3) {
    const std::vector<std::uint16_t> links = links_of(subnets);
    std::vector<char> direct(subnets.size(), 0); // by link
    for (std::size_t i = 0; i < subnets.size(); ++i) {
        const bool ours =
            std::any_of(interfaces.begin(), interfaces.end(), [&](const InterfaceInfo& interface) {
                return subnets[i].subnet.contains(interface.address) ||
                       (!subnets[i].interface.empty() && subnets[i].interface == interface.name);
            });
        direct[links[i]] = static_cast<char>(direct[links[i]] != 0 || ours);
    }
    std::uint64_t addresses = 0;
    for (std::size_t i = 0; i < subnets.size(); ++i) {
        for (const PoolPlan& pool : subnets[i].pools) {
            addresses += direct[links[i]] != 0 ? pool.range.count() : 0;
        }
    }
    if (addresses <= gc_thresh3) {
        return std::nullopt;
    }
    return fmt::format("the kernel knows at most {} neighbours, and the pools of the links served "
                       "here hold {} addresses: machines beyond that get no packets; set sysctl "
                       "net.ipv4.neigh.default.gc_thresh3={} (and gc_thresh2 to half of it)",
                       gc_thresh3, addresses, std::bit_ceil(addresses + addresses / 8));
}

} // namespace muster
