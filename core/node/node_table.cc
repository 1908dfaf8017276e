// SPDX-License-Identifier: Apache-2.0
#include "core/node/node_table.hh"

#include "core/node/node_alias.hh"

namespace muster {
namespace {

/// What absl hashes texts as.
absl::string_view text_key(std::string_view key) noexcept {
    return {key.data(), key.size()};
}

template <class Index, class Key>
const NodeRecord* look_up(const Index& index, const Key& key) noexcept {
    const auto it = index.find(key);
    return it == index.end() ? nullptr : it->second;
}

/// By what a machine that was seen could be named.
std::vector<std::string> seen_aliases(const NodeRecord& node) {
    std::vector<std::string> keys;
    any_alias(node.uuid ? node.uuid->data() : nullptr,
              {.client_id = {}, .circuit_id = node.circuit_id, .remote_id = node.remote_id},
              [&keys](const NodeAlias& alias) {
                  keys.emplace_back(alias.key());
                  return false;
              });
    return keys;
}

} // namespace

const NodeRecord* NodeTable::find(std::string_view name) const noexcept {
    return look_up(by_name_, text_key(name));
}

const NodeRecord* NodeTable::find(const MacAddress& mac) const noexcept {
    return look_up(by_mac_, mac);
}

const NodeRecord* NodeTable::find_alias(std::string_view key) const noexcept {
    return look_up(by_alias_, text_key(key));
}

const NodeRecord* NodeTable::find_seen(std::string_view key) const noexcept {
    return look_up(by_seen_alias_, text_key(key));
}

const NodeRecord* NodeTable::find(const Token& token) const noexcept {
    return look_up(by_token_, token);
}

void NodeTable::put(NodeRecord node) {
    if (NodeRecord* const known = edit_in_place(node.name())) {
        remove_from_indexes(*known);
        *known = std::move(node);
        add_to_indexes(*known);
        return;
    }
    std::string name = node.name();
    const auto it = nodes_.emplace(std::move(name), std::move(node)).first;
    by_name_.emplace(text_key(it->first), &it->second);
    add_to_indexes(it->second);
}

void NodeTable::erase(std::string_view name) {
    if (const auto it = nodes_.find(name); it != nodes_.end()) {
        remove_from_indexes(it->second);
        by_name_.erase(text_key(it->first));
        nodes_.erase(it);
    }
}

NodeRecord* NodeTable::edit_in_place(std::string_view name) noexcept {
    const auto it = by_name_.find(text_key(name));
    return it == by_name_.end() ? nullptr : it->second;
}

void NodeTable::add_to_indexes(const NodeRecord& node) {
    for (const MacAddress& mac : node.macs()) {
        by_mac_.insert_or_assign(mac, &node);
    }
    for (std::string& key : node.aliases()) {
        by_alias_.insert_or_assign(std::move(key), &node);
    }
    if (node.origin == NodeOrigin::discovered) {
        for (std::string& key : seen_aliases(node)) {
            by_seen_alias_.insert_or_assign(std::move(key), &node);
        }
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
    for (const std::string& key : node.aliases()) {
        drop(by_alias_, key);
    }
    for (const std::string& key : seen_aliases(node)) {
        drop(by_seen_alias_, key);
    }
    for (const BootTimeline& boot : node.boots) {
        drop(by_token_, boot.token);
    }
}

std::string discovered_name(const MacAddress& mac) {
    return "node-" + to_text(mac, '\0');
}

} // namespace muster
