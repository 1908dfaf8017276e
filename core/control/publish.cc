// SPDX-License-Identifier: Apache-2.0
// Control: what workers are told of the site and the nodes.
#include "core/control/control.hh"
#include "core/site/make_snapshot.hh"

namespace muster {

void Control::publish_snapshot(ControlOutbox& out) {
    snapshot_due_ = false;
    const Site& site = installs_.site();
    SnapshotParts parts{.loaders = options_.find_loaders ? options_.find_loaders(site.loaders)
                                                         : site.loaders,
                        .nodes = {},
                        .http_port = options_.http_port,
                        .revision = ++snapshot_revision_};
    published_.clear();
    for (const auto& [name, node] : ledger_.nodes().all()) {
        for (const MacAddress& mac : node.macs()) {
            const NodeBoot boot = installs_.boot_of(node, mac);
            published_.insert_or_assign(mac, boot);
            parts.nodes.push_back(boot);
        }
    }
    const SnapshotRef shared =
        std::make_shared<const Snapshot>(make_snapshot(site, std::move(parts)));
    for (unsigned worker = 0; worker < options_.workers; ++worker) {
        out.messages.push_back({static_cast<WorkerId>(worker), shared});
    }
}

void Control::publish_changes(const std::vector<Ledger::Change>& changes, ControlOutbox& out) {
    for (const Ledger::Change& change : changes) {
        if (change.before) {
            for (const MacAddress& mac : change.before->macs()) {
                publish_node(mac, out);
            }
        }
        if (const NodeRecord* const node = ledger_.nodes().find(change.name)) {
            for (const MacAddress& mac : node->macs()) {
                publish_node(mac, out);
            }
        }
    }
}

/// Tells worker 0, which owns DHCP, what it must know of this address, if that is news.
void Control::publish_node(const MacAddress& mac, ControlOutbox& out) {
    const NodeRecord* const node = ledger_.nodes().find(mac);
    const auto last = published_.find(mac);
    if (node == nullptr) {
        if (last != published_.end()) {
            published_.erase(last);
            NodeBoot gone;
            gone.mac = mac;
            gone.removed = true;
            out.messages.push_back({WorkerId{0}, gone});
        }
        return;
    }
    const NodeBoot boot = installs_.boot_of(*node, mac);
    if (last != published_.end() && last->second == boot) {
        return;
    }
    published_.insert_or_assign(mac, boot);
    out.messages.push_back({WorkerId{0}, boot});
}

} // namespace muster
