// SPDX-License-Identifier: Apache-2.0
// Which IPv6 subnet of the site a client is on.
#pragma once

#include "core/lease/lease.hh"
#include "core/port/interface_info.hh"
#include "core/site/dhcp_plan.hh"
#include "net/wire/dhcp6_message.hh"

#include <span>
#include <vector>

namespace muster {

/// Built once per site; subnets do not overlap. Borrows them.
class Subnet6Index {
public:
    Subnet6Index() = default;
    explicit Subnet6Index(std::span<const Subnet6Plan> subnets)
        : subnets_(subnets), links_(links_of(subnets)) {}

    [[nodiscard]] SubnetId containing(const Ipv6Address& address) const noexcept;

    /// Relayed: the one configured for the link address that the relay nearest to the client
    /// gave, else the one containing it (RFC 8415 section 13.1). Not relayed: of_interface().
    [[nodiscard]] SubnetId of(const Dhcp6Message& message,
                              const InterfaceInfo& interface) const noexcept;
    /// The one configured for the interface, else one that contains an address of it.
    [[nodiscard]] SubnetId of_interface(const InterfaceInfo& interface) const noexcept;

    /// The link that the subnet is on; `none` for none.
    [[nodiscard]] LinkId link(SubnetId subnet) const noexcept {
        const auto index = static_cast<std::size_t>(subnet);
        return index < links_.size() ? static_cast<LinkId>(links_[index]) : LinkId::none;
    }

private:
    template <class Wanted>
    [[nodiscard]] SubnetId first_that(Wanted wanted) const noexcept;

    std::span<const Subnet6Plan> subnets_;
    std::vector<std::uint16_t> links_; ///< by SubnetId
};

} // namespace muster
