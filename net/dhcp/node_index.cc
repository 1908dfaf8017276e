// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/node_index.hh"

#include <algorithm>

namespace muster {

namespace {

template <class Map, class Key>
void set_in(Map& map, const Key& key, const NodeBoot& node, LeaseTable* leases) {
    const auto known = map.find(key);
    const auto old = known == map.end() ? std::nullopt : known->second.reserved;
    if (leases != nullptr && node.reserved && !node.removed) {
        leases->reserve(*node.reserved);
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

void NodeIndex::replace(std::span<const NodeBoot> nodes, LeaseTable* leases) {
    NodeIndex fresh;
    fresh.expect(std::max(nodes.size(), expected_));
    fresh.expected_ = expected_;
    for (const NodeBoot& node : nodes) {
        fresh.set(node, leases);
    }
    const auto give_back = [leases](const NodeBoot& node) {
        if (leases != nullptr && node.reserved) {
            leases->unreserve(*node.reserved);
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

void NodeIndex::set(const NodeBoot& node, LeaseTable* leases) {
    if (node.alias.empty()) {
        set_in(by_mac_, node.mac, node, leases);
    } else {
        set_in(by_alias_, node.alias, node, leases);
    }
}

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
