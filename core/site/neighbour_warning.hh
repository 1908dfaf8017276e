// SPDX-License-Identifier: Apache-2.0
// Whether the kernel can know as many neighbours as the site has machines.
#pragma once

#include "core/port/interface_info.hh"
#include "core/site/dhcp_plan.hh"

#include <optional>
#include <span>
#include <string>

namespace muster {

/// A line for the operator when the pools of the links that are served directly hold more
/// addresses than the kernel keeps neighbours (`gc_thresh3` of arp(7)): beyond it nothing can be
/// sent to a machine, and its transfers end. Machines behind relays are their routers' neighbours.
[[nodiscard]] std::optional<std::string>
neighbour_warning(std::span<const SubnetPlan> subnets, std::span<const InterfaceInfo> interfaces,
                  std::uint64_t gc_thresh3);

} // namespace muster
