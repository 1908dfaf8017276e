// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/node_index.hh"

#include <algorithm>

namespace muster {

namespace {

const std::optional<Ipv4Address>& reservation(const NodeBoot& node, const LeaseTable*) noexcept {
    return node.reserved;
}
const std::optional<Ipv6Address>& reservation(const NodeBoot& node, const Lease6Table*) noexcept {
    return node.reserved6;
}

template <class Map, class Key, class Leases>
void set_in(Map& map, const Key& key, const NodeBoot& node, Leases* leases) {
    const auto known = map.find(key);
    const auto old = known == map.end() ? std::nullopt : reservation(known->second, leases);
    if (const auto& address = reservation(node, leases);
        leases != nullptr && address && !node.removed) {
        leases->reserve(*address);
    }
    if (leases != nullptr && old) {
        leases->unreserve(*old);
    }
    if (node.removed) {
        map.erase(key);
    } else {
        map.insert_or_assign(key, node);
    }
}

} // namespace

void NodeIndex::expect(std::size_t nodes) {
    expected_ = nodes;
    by_mac_.reserve(nodes);
}

template <class Leases>
void NodeIndex::replace(std::span<const NodeBoot> nodes, Leases* leases) {
    NodeIndex fresh;
    fresh.expect(std::max(nodes.size(), expected_));
    fresh.expected_ = expected_;
    for (const NodeBoot& node : nodes) {
        fresh.set(node, leases);
    }
    const auto give_back = [leases](const NodeBoot& node) {
        if (const auto& address = reservation(node, leases); leases != nullptr && address) {
            leases->unreserve(*address);
        }
    };
    for (const auto& [mac, node] : by_mac_) {
        give_back(node);
    }
    for (const auto& [alias, node] : by_alias_) {
        give_back(node);
    }
    *this = std::move(fresh);
}

template <class Leases>
void NodeIndex::set(const NodeBoot& node, Leases* leases) {
    if (node.alias.empty()) {
        set_in(by_mac_, node.mac, node, leases);
    } else {
        set_in(by_alias_, node.alias, node, leases);
    }
}

template void NodeIndex::replace(std::span<const NodeBoot> nodes, LeaseTable* leases);
template void NodeIndex::replace(std::span<const NodeBoot> nodes, Lease6Table* leases);
template void NodeIndex::set(const NodeBoot& node, LeaseTable* leases);
template void NodeIndex::set(const NodeBoot& node, Lease6Table* leases);

const NodeBoot* NodeIndex::find(const MacAddress& mac,
                                const DhcpClientIdentity& client) const noexcept {
    const auto by_mac = by_mac_.find(mac);
    const NodeBoot* node = by_mac == by_mac_.end() ? nullptr : &by_mac->second;
    if (by_alias_.empty() || (node != nullptr && !node->learned)) {
        return node;
    }
    any_alias(client.uuid ? client.uuid->data() : nullptr, client.shown,
              [&](const NodeAlias& alias) {
                  const std::string_view key = alias.key();
                  const auto found = by_alias_.find(absl::string_view{key.data(), key.size()});
                  if (found == by_alias_.end()) {
                      return false;
                  }
                  node = &found->second;
                  return true;
              });
    return node;
}

} // namespace muster
