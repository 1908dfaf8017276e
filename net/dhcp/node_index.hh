// SPDX-License-Identifier: Apache-2.0
// Which node of the site sent a message.
#pragma once

#include "core/lease/lease_table.hh"
#include "core/node/node_alias.hh"
#include "net/dhcp/dhcp_client_identity.hh"

#include <absl/container/flat_hash_map.h>

#include <span>
#include <string>

namespace muster {

/// Nodes by link address and by alias. Keeps the addresses that they reserve set aside in `leases`,
/// of either family, if there are any (a proxy gives out none).
class NodeIndex {
public:
    void expect(std::size_t nodes);
    /// Replaces all nodes. New reservations are made before old ones go, so that an unchanged one
    /// is never open in between.
    template <class Leases>
    void replace(std::span<const NodeBoot> nodes, Leases* leases);
    /// Adds, changes or removes one.
    template <class Leases>
    void set(const NodeBoot& node, Leases* leases);

    /// By a link address that somebody listed, else by what the message shows, else by a link
    /// address that was seen before; null: nobody that the site knows.
    [[nodiscard]] const NodeBoot* find(const MacAddress& mac,
                                       const DhcpClientIdentity& client) const noexcept;

private:
    std::size_t expected_ = 0;
    absl::flat_hash_map<MacAddress, NodeBoot> by_mac_;
    absl::flat_hash_map<std::string, NodeBoot> by_alias_;
};

} // namespace muster
