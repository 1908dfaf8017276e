// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp6/subnet6_index.hh"

#include <algorithm>

namespace muster {

template <class Wanted>
SubnetId Subnet6Index::first_that(Wanted wanted) const noexcept {
    const auto found = std::find_if(subnets_.begin(), subnets_.end(), wanted);
    return found == subnets_.end() ? SubnetId::none
                                   : static_cast<SubnetId>(found - subnets_.begin());
}

SubnetId Subnet6Index::containing(const Ipv6Address& address) const noexcept {
    return first_that([&](const Subnet6Plan& plan) { return plan.subnet.contains(address); });
}

SubnetId Subnet6Index::of(const Dhcp6Message& message,
                          const InterfaceInfo& interface) const noexcept {
    if (!message.relayed()) {
        return of_interface(interface);
    }
    for (std::size_t i = message.hop_count; i > 0; --i) {
        const Ipv6Address& link = message.hops[i - 1].link;
        if (link.is_unspecified()) {
            continue; // a relay on layer 2 only (RFC 6221): the next one knows
        }
        const SubnetId configured = first_that([&](const Subnet6Plan& plan) {
            return std::find(plan.relays.begin(), plan.relays.end(), link) != plan.relays.end();
        });
        return configured != SubnetId::none ? configured : containing(link);
    }
    return of_interface(interface);
}

SubnetId Subnet6Index::of_interface(const InterfaceInfo& interface) const noexcept {
    const SubnetId named =
        first_that([&](const Subnet6Plan& plan) { return plan.interface == interface.name; });
    if (named != SubnetId::none) {
        return named;
    }
    return first_that([&](const Subnet6Plan& plan) {
        return std::any_of(interface.addresses6.begin(), interface.addresses6.end(),
                           [&](const Ipv6Address& own) { return plan.subnet.contains(own); });
    });
}

} // namespace muster
