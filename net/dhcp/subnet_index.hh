// SPDX-License-Identifier: Apache-2.0
// Which subnet of the site a client is on.
#pragma once

#include "core/lease/lease.hh"
#include "core/port/interface_info.hh"
#include "core/site/dhcp_plan.hh"
#include "net/wire/dhcp_message.hh"

#include <absl/container/flat_hash_map.h>

#include <span>
#include <string>
#include <vector>

namespace muster {

/// Built once per site; subnets do not overlap.
class SubnetIndex {
public:
    SubnetIndex() = default;
    explicit SubnetIndex(std::span<const SubnetPlan> subnets);

    [[nodiscard]] SubnetId containing(const Ipv4Address& address) const noexcept;

    /// Relayed: the link that the relay names (RFC 3527), else the subnet configured for giaddr,
    /// else the one containing it. Not relayed: the one containing ciaddr when the client has an
    /// address and sent to us alone (it may be behind a router), else the subnet configured for
    /// the interface, else the one containing its address.
    [[nodiscard]] SubnetId of(const DhcpMessage& message, const InterfaceInfo& interface,
                              bool broadcast) const noexcept;

    /// The link that the subnet is on; `none` for none.
    [[nodiscard]] LinkId link(SubnetId subnet) const noexcept {
        const auto index = static_cast<std::size_t>(subnet);
        return index < links_.size() ? static_cast<LinkId>(links_[index]) : LinkId::none;
    }

private:
    [[nodiscard]] SubnetId of_interface(const InterfaceInfo& interface) const noexcept;

    struct Start {
        std::uint32_t first = 0;
        Subnet subnet;
        SubnetId id{};
    };
    std::vector<Start> by_start_; ///< sorted by `first`
    absl::flat_hash_map<Ipv4Address, SubnetId> by_relay_;
    absl::flat_hash_map<std::string, SubnetId> by_interface_;
    std::vector<std::uint16_t> links_; ///< by SubnetId
};

/// A sub-option of option 82 that holds an address; nullopt when there is none.
[[nodiscard]] std::optional<Ipv4Address> relay_address_option(const DhcpMessage& message,
                                                              DhcpRelayOption code) noexcept;

} // namespace muster
