// SPDX-License-Identifier: Apache-2.0
// Installs: what happens to nodes when the site, or an operator, says what they are.
#include "core/control/installs.hh"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace muster {
namespace {

bool same_spec(const NodeSpec& a, const NodeSpec& b) {
    return a.name == b.name && a.macs == b.macs && a.match == b.match && a.profile == b.profile &&
           a.address == b.address && a.address6 == b.address6 && a.tags == b.tags &&
           a.variables == b.variables && a.options == b.options && a.options6 == b.options6;
}

} // namespace

NodeRecord Installs::take_over(const NodeSpec& spec) {
    const NodeTable& nodes = ledger_.nodes();
    if (const NodeRecord* const same = nodes.find(spec.name)) {
        return *same;
    }
    const NodeRecord* heir = nullptr;
    for (const MacAddress& mac : spec.macs) {
        heir = heir != nullptr ? heir : nodes.find(mac);
    }
    NodeRecord named;
    named.spec.match = spec.match;
    for (const std::string& alias : named.aliases()) {
        heir = heir != nullptr ? heir : nodes.find_seen(alias);
    }
    if (heir == nullptr || heir->origin != NodeOrigin::discovered) {
        return {}; // never take the state of a node that somebody else lists
    }
    NodeRecord node = *heir;
    recorder_.rename(heir->name(), spec.name);
    ledger_.erase(heir->name());
    return node;
}

std::optional<InstallState> Installs::write_spec(const NodeSpec& spec, NodeOrigin origin,
                                                 UnixTime at) {
    NodeRecord node = take_over(spec);
    const bool fresh = node.name().empty();
    const InstallState before = node.install.state;
    if (!fresh && node.origin == origin && same_spec(node.spec, spec)) {
        return before;
    }
    if (fresh) {
        node.install.since = at;
    }
    if (!fresh && node.origin == NodeOrigin::discovered) {
        node.learned_macs = node.macs();
    }
    // Another match names another machine.
    const bool same_match =
        fresh || spec.match == node.spec.match || node.origin == NodeOrigin::discovered;
    const auto claimed = [&](const MacAddress& mac) {
        return !spec.match.any() || !same_match ||
               std::find(spec.macs.begin(), spec.macs.end(), mac) != spec.macs.end();
    };
    node.spec = spec;
    node.origin = origin;
    // Addresses that were learned stay only with a node that is known by something else.
    node.learned_macs.erase(
        std::remove_if(node.learned_macs.begin(), node.learned_macs.end(), claimed),
        node.learned_macs.end());
    take_addresses_from_others(node, at);
    ledger_.put(std::move(node));
    return fresh ? std::nullopt : std::optional{before};
}

void Installs::take_addresses_from_others(const NodeRecord& owner, UnixTime at) {
    for (const MacAddress& mac : owner.spec.macs) {
        const NodeRecord* const other = ledger_.nodes().find(mac);
        if (other == nullptr || other->name() == owner.name()) {
            continue;
        }
        NodeRecord rest = *other;
        const auto drop = [&mac](std::vector<MacAddress>& macs) {
            macs.erase(std::remove(macs.begin(), macs.end(), mac), macs.end());
        };
        drop(rest.spec.macs);
        drop(rest.learned_macs);
        if (rest.macs().empty() && !rest.spec.match.any()) {
            ledger_.note(
                at, EventKind::node_removed, rest.name(),
                fmt::format("its link address {} is now that of {}", to_text(mac), owner.name()));
            ledger_.erase(rest.name());
        } else {
            ledger_.put(std::move(rest));
        }
    }
}

/// The site no longer lists the node. What was installed on the machine is remembered by its link
/// addresses, so that it is not wiped when it is listed again, or counts as unknown from now on.
void Installs::release_from_site(const NodeRecord& node) {
    NodeRecord next = node;
    next.origin = NodeOrigin::discovered;
    next.spec = {.name = node.name(),
                 .macs = node.macs(),
                 .match = {},
                 .profile = {},
                 .address = {},
                 .address6 = {},
                 .tags = {},
                 .variables = Variables::object(),
                 .options = {}};
    next.learned_macs.clear();
    ledger_.put(std::move(next));
}

void Installs::settle_profile(const std::string& name, UnixTime at) {
    const NodeRecord* const node = ledger_.nodes().find(name);
    if (node == nullptr) {
        return;
    }
    apply(name,
          {.kind = profile_of(*node) != nullptr ? InstallEventKind::profile_given
                                                : InstallEventKind::profile_removed},
          at);
}

void Installs::merge_site(UnixTime at) {
    std::set<std::string_view> listed;
    std::size_t added = 0;
    for (const NodeSpec& spec : site_->nodes) {
        listed.insert(spec.name);
        added += write_spec(spec, NodeOrigin::site, at) ? 0U : 1U;
    }
    std::vector<std::string> names;
    std::size_t gone = 0;
    for (const auto& [name, node] : ledger_.nodes().all()) {
        names.push_back(name);
    }
    for (const std::string& name : names) {
        const NodeRecord* const node = ledger_.nodes().find(name);
        if (node != nullptr && node->origin == NodeOrigin::site && !listed.contains(name)) {
            release_from_site(*node);
            ++gone;
        }
        settle_profile(name, at);
    }
    ledger_.note(at, EventKind::site_loaded, "",
                 fmt::format("{} nodes ({} new, {} no longer listed), {} profiles, {} subnets",
                             site_->nodes.size(), added, gone, site_->profiles.size(),
                             site_->subnets.size() + site_->subnets6.size()));
}

} // namespace muster
