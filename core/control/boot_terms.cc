// SPDX-License-Identifier: Apache-2.0
#include "core/control/boot_terms.hh"

#include "core/node/node_record.hh"
#include "core/site/scalar.hh"
#include "core/site/site.hh"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace muster {
namespace {

/// Requests relayed with this giaddr are of the subnet.
bool is_relay_of(const Ipv4Address& giaddr, const SubnetPlan& subnet) {
    return subnet.subnet.contains(giaddr) ||
           std::find(subnet.relays.begin(), subnet.relays.end(), giaddr) != subnet.relays.end();
}

} // namespace

BootTerms boot_terms(const NodeRecord& node, const Site& site) {
    BootTerms terms;
    std::optional<int> priority;
    for (const std::string& tag : node.spec.tags) {
        if (const auto of = site.boot.priorities.find(tag); of != site.boot.priorities.end()) {
            priority = std::max(priority.value_or(of->second), of->second);
        }
        if (const auto of = site.boot.tag_slots.find(tag); of != site.boot.tag_slots.end()) {
            terms.budgets.push_back({fmt::format("tag {}", tag), of->second});
        }
    }
    terms.priority = priority.value_or(0);
    const auto profile = site.profiles.find(node.spec.profile);
    if (profile != site.profiles.end() && profile->second.boot_slots != 0) {
        terms.budgets.push_back(
            {fmt::format("profile {}", profile->first), profile->second.boot_slots});
    }
    if (const auto of = site.boot.switch_slots.find(node.remote_id);
        of != site.boot.switch_slots.end()) {
        terms.budgets.push_back({fmt::format("switch {}", identifier_text(of->first)), of->second});
    }
    for (const auto& [giaddr, slots] : site.boot.relay_slots) {
        const bool behind = std::any_of(
            site.subnets.begin(), site.subnets.end(), [&, relay = giaddr](const SubnetPlan& plan) {
                return plan.subnet.contains(node.address) && is_relay_of(relay, plan);
            });
        if (behind) {
            terms.budgets.push_back({fmt::format("relay {}", to_text(giaddr)), slots});
        }
    }
    return terms;
}

} // namespace muster
