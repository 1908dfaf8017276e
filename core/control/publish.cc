// SPDX-License-Identifier: Apache-2.0
// Control: what workers are told of the site and the nodes.
#include "core/control/control.hh"
#include "core/site/make_snapshot.hh"

namespace muster {
namespace {

/// What the boot is of, as one key: an alias, or a link address.
std::string identity_of(const NodeBoot& boot) {
    return boot.alias.empty() ? "m" + to_text(boot.mac) : boot.alias;
}

} // namespace

void Control::publish_snapshot(ControlOutbox& out) {
    snapshot_due_ = false;
    const Site& site = installs_.site();
    SnapshotParts parts{.loaders = options_.find_loaders ? options_.find_loaders(site.loaders)
                                                         : site.loaders,
                        .nodes = {},
                        .ports = {.http = options_.http_port, .https = options_.https_port},
                        .revision = ++snapshot_revision_};
    published_.clear();
    for (const auto& [name, node] : ledger_.nodes().all()) {
        for (const MacAddress& mac : node.macs()) {
            parts.nodes.push_back(installs_.boot_of(node, mac));
        }
        for (std::string& alias : node.aliases()) {
            parts.nodes.push_back(installs_.boot_of(node, std::move(alias)));
        }
    }
    for (const NodeBoot& boot : parts.nodes) {
        published_.insert_or_assign(identity_of(boot), boot);
    }
    const SnapshotRef shared =
        std::make_shared<const Snapshot>(make_snapshot(site, std::move(parts)));
    for (unsigned worker = 0; worker < options_.workers; ++worker) {
        out.messages.push_back({static_cast<WorkerId>(worker), shared});
    }
}

void Control::publish_changes(const std::vector<Ledger::Change>& changes, ControlOutbox& out) {
    const auto publish = [&](const NodeRecord& node) {
        for (const MacAddress& mac : node.macs()) {
            publish_mac(mac, out);
        }
        for (const std::string& alias : node.aliases()) {
            publish_alias(alias, out);
        }
    };
    for (const Ledger::Change& change : changes) {
        if (change.before) {
            publish(*change.before);
        }
        if (const NodeRecord* const node = ledger_.nodes().find(change.name)) {
            publish(*node);
        }
    }
}

void Control::publish_mac(const MacAddress& mac, ControlOutbox& out) {
    const NodeRecord* const node = ledger_.nodes().find(mac);
    NodeBoot boot{.mac = mac, .removed = node == nullptr};
    publish_boot(node == nullptr ? std::move(boot) : installs_.boot_of(*node, mac), out);
}

void Control::publish_alias(const std::string& alias, ControlOutbox& out) {
    const NodeRecord* const node = ledger_.nodes().find_alias(alias);
    NodeBoot boot{.alias = alias, .removed = node == nullptr};
    publish_boot(node == nullptr ? std::move(boot) : installs_.boot_of(*node, alias), out);
}

/// Tells worker 0, which owns DHCP, what it must know of this identity, if that is news.
void Control::publish_boot(NodeBoot boot, ControlOutbox& out) {
    const std::string identity = identity_of(boot);
    const auto last = published_.find(identity);
    if (boot.removed ? last == published_.end()
                     : last != published_.end() && last->second == boot) {
        return;
    }
    if (boot.removed) {
        published_.erase(last);
    } else {
        published_.insert_or_assign(identity, boot);
    }
    out.messages.push_back({WorkerId{0}, std::move(boot)});
}

} // namespace muster
