// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/subnet_index.hh"

#include <algorithm>

namespace muster {

SubnetIndex::SubnetIndex(std::span<const SubnetPlan> subnets) : links_(links_of(subnets)) {
    for (std::size_t i = 0; i < subnets.size(); ++i) {
        const auto id = static_cast<SubnetId>(i);
        const Subnet& subnet = subnets[i].subnet;
        by_start_.push_back({to_number(subnet.network), subnet, id});
        for (const Ipv4Address& relay : subnets[i].relays) {
            by_relay_.emplace(relay, id); // the first of subnets that share a link
        }
        if (!subnets[i].interface.empty()) {
            by_interface_.emplace(subnets[i].interface, id);
        }
    }
    std::sort(by_start_.begin(), by_start_.end(),
              [](const Start& a, const Start& b) { return a.first < b.first; });
}

SubnetId SubnetIndex::containing(const Ipv4Address& address) const noexcept {
    const auto after = std::upper_bound(
        by_start_.begin(), by_start_.end(), to_number(address),
        [](std::uint32_t number, const Start& start) { return number < start.first; });
    if (after == by_start_.begin()) {
        return SubnetId::none;
    }
    const Start& start = *(after - 1);
    return start.subnet.contains(address) ? start.id : SubnetId::none;
}

SubnetId SubnetIndex::of(const DhcpMessage& message, const InterfaceInfo& interface,
                         bool broadcast) const noexcept {
    const Ipv4Address& giaddr = message.header.giaddr;
    if (giaddr.is_unspecified()) {
        const Ipv4Address& ciaddr = message.header.ciaddr;
        if (!broadcast && !ciaddr.is_unspecified()) {
            if (const SubnetId own = containing(ciaddr); own != SubnetId::none) {
                return own;
            }
        }
        return of_interface(interface);
    }
    if (const auto link = relay_address_option(message, DhcpRelayOption::link_selection)) {
        return containing(*link);
    }
    const auto configured = by_relay_.find(giaddr);
    return configured != by_relay_.end() ? configured->second : containing(giaddr);
}

SubnetId SubnetIndex::of_interface(const InterfaceInfo& interface) const noexcept {
    if (!by_interface_.empty()) {
        if (const auto named = by_interface_.find(interface.name); named != by_interface_.end()) {
            return named->second;
        }
    }
    return containing(interface.address);
}

std::optional<Ipv4Address> relay_address_option(const DhcpMessage& message,
                                                DhcpRelayOption code) noexcept {
    const auto relay = message.find(DhcpOptionCode::relay_agent_information);
    const auto value =
        relay ? find_sub_option(*relay, static_cast<std::uint8_t>(code)) : std::nullopt;
    if (!value || value->size() != sizeof(Ipv4Address)) {
        return std::nullopt;
    }
    ByteReader reader{*value};
    const auto octets = reader.octets<4>();
    return octets ? std::optional{Ipv4Address{*octets}} : std::nullopt;
}

} // namespace muster
