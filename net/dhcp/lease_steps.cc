// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/lease_steps.hh"

#include <algorithm>
#include <bit>

namespace muster {

BootAction wanted_action(const NodeBoot* node, const DhcpPlan& plan) noexcept {
    return node != nullptr ? node->action : plan.unknown_action;
}

LoaderChoice wanted_loader(const NodeBoot* node, const DhcpPlan& plan, ClassMask classes) noexcept {
    const LoaderChoice of_node = node != nullptr ? node->loader : plan.unknown_loader;
    if (of_node != LoaderChoice::automatic && of_node != LoaderChoice::other_way) {
        return of_node;
    }
    for (ClassMask rest = classes; rest != 0; rest &= rest - 1) {
        const auto& one = plan.classes[static_cast<std::size_t>(std::countr_zero(rest))];
        if (one.loader != LoaderChoice::automatic) {
            return one.loader;
        }
    }
    return of_node;
}

std::array<char, 64> kept_hostname(std::string_view text) noexcept {
    std::array<char, 64> name{};
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_';
    };
    if (text.size() < name.size() && std::all_of(text.begin(), text.end(), allowed)) {
        std::copy(text.begin(), text.end(), name.begin());
    }
    return name;
}

} // namespace muster
