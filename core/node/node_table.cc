// SPDX-License-Identifier: Apache-2.0
#include "core/node/node_table.hh"

namespace muster {
namespace {

template <class Index, class Key>
const NodeRecord* look_up(const Index& index, const Key& key) noexcept {
    const auto it = index.find(key);
    return it == index.end() ? nullptr : it->second;
}

} // namespace

const NodeRecord* NodeTable::find(std::string_view name) const noexcept {
    const auto it = nodes_.find(name);
    return it == nodes_.end() ? nullptr : &it->second;
}

const NodeRecord* NodeTable::find(const MacAddress& mac) const noexcept {
    return look_up(by_mac_, mac);
}

const NodeRecord* NodeTable::find(const Uuid& uuid) const noexcept {
    return look_up(by_uuid_, uuid);
}

const NodeRecord* NodeTable::find_seen(const Uuid& uuid) const noexcept {
    return look_up(by_seen_uuid_, uuid);
}

const NodeRecord* NodeTable::find(const Token& token) const noexcept {
    return look_up(by_token_, token);
}

void NodeTable::put(NodeRecord node) {
    auto it = nodes_.find(node.name());
    if (it == nodes_.end()) {
        std::string name = node.name();
        it = nodes_.emplace(std::move(name), std::move(node)).first;
    } else {
        remove_from_indexes(it->second);
        it->second = std::move(node);
    }
    add_to_indexes(it->second);
}

void NodeTable::erase(std::string_view name) {
    if (const auto it = nodes_.find(name); it != nodes_.end()) {
        remove_from_indexes(it->second);
        nodes_.erase(it);
    }
}

NodeRecord* NodeTable::edit_in_place(std::string_view name) noexcept {
    const auto it = nodes_.find(name);
    return it == nodes_.end() ? nullptr : &it->second;
}

void NodeTable::add_to_indexes(const NodeRecord& node) {
    for (const MacAddress& mac : node.macs()) {
        by_mac_.insert_or_assign(mac, &node);
    }
    if (node.spec.match.uuid) {
        by_uuid_.insert_or_assign(*node.spec.match.uuid, &node);
    }
    if (node.uuid && node.origin == NodeOrigin::discovered) {
        by_seen_uuid_.insert_or_assign(*node.uuid, &node);
    }
    for (const BootTimeline& boot : node.boots) {
        by_token_.insert_or_assign(boot.token, &node);
    }
}

void NodeTable::remove_from_indexes(const NodeRecord& node) {
    const auto drop = [&node](auto& index, const auto& key) {
        if (const auto it = index.find(key); it != index.end() && it->second == &node) {
            index.erase(it);
        }
    };
    for (const MacAddress& mac : node.macs()) {
        drop(by_mac_, mac);
    }
    if (node.spec.match.uuid) {
        drop(by_uuid_, *node.spec.match.uuid);
    }
    if (node.uuid) {
        drop(by_seen_uuid_, *node.uuid);
    }
    for (const BootTimeline& boot : node.boots) {
        drop(by_token_, boot.token);
    }
}

std::string discovered_name(const MacAddress& mac) {
    return "node-" + to_text(mac, '\0');
}

} // namespace muster
