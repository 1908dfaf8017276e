// SPDX-License-Identifier: Apache-2.0
// All nodes, found by name, link address, UUID and token. One owner: the control.
#pragma once

#include "core/node/node_record.hh"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <functional>
#include <map>

namespace muster {

/// Nodes kept at once; machines that are seen beyond it are not added.
inline constexpr std::size_t nodes_max = 65'536;

/// Records by name, in the order of names, with indexes that put() and erase() keep. Where two
/// records claim a link address the one that was put last has it.
class NodeTable {
public:
    using Map = std::map<std::string, NodeRecord, std::less<>>;

    [[nodiscard]] const Map& all() const noexcept { return nodes_; }
    [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }

    [[nodiscard]] const NodeRecord* find(std::string_view name) const noexcept;
    [[nodiscard]] const NodeRecord* find(const MacAddress& mac) const noexcept;
    /// The node that the site names by this identity (NodeAlias::key()).
    [[nodiscard]] const NodeRecord* find_alias(std::string_view key) const noexcept;
    /// A discovered machine that showed this identity.
    [[nodiscard]] const NodeRecord* find_seen(std::string_view key) const noexcept;
    /// The node that one of whose kept attempts has, or had, this token.
    [[nodiscard]] const NodeRecord* find(const Token& token) const noexcept;

    /// Adds the record, or replaces the one of its name.
    void put(NodeRecord node);
    void erase(std::string_view name);

    /// For fields that no index depends on; null when there is no such node.
    [[nodiscard]] NodeRecord* edit_in_place(std::string_view name) noexcept;

private:
    template <class Key>
    using Index = absl::flat_hash_map<Key, const NodeRecord*>; ///< std::map keeps records in place

    void add_to_indexes(const NodeRecord& node);
    void remove_from_indexes(const NodeRecord& node);

    Map nodes_;
    /// The keys of nodes_: every report and sample finds its node by name, and a tree of ten
    /// thousand names is a dozen of them compared each time.
    absl::flat_hash_map<absl::string_view, NodeRecord*> by_name_;
    Index<MacAddress> by_mac_;
    Index<std::string> by_alias_;
    Index<std::string> by_seen_alias_;
    Index<Token> by_token_;
};

/// The name of a machine that nobody named: `node-525400000101`.
[[nodiscard]] std::string discovered_name(const MacAddress& mac);

} // namespace muster
