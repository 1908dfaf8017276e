// SPDX-License-Identifier: Apache-2.0
// Installs: which node a machine is that was seen.
#include "core/control/installs.hh"
#include "core/node/node_alias.hh"

#include <fmt/format.h>

namespace muster {

/// The node that the site names by something that the machine showed.
const NodeRecord* Installs::named_by(const MachineSeen& seen) const {
    const NodeRecord* named = nullptr;
    any_alias(seen.uuid ? seen.uuid->data() : nullptr,
              {.client_id = seen.client_id.view(),
               .circuit_id = seen.circuit_id.view(),
               .remote_id = seen.remote_id.view()},
              [&](const NodeAlias& alias) {
                  named = ledger_.nodes().find_alias(alias.key());
                  return named != nullptr;
              });
    return named;
}

/// The machine with this link address is this node from now on, whatever it was before.
const NodeRecord* Installs::learn_mac(const NodeRecord& named, const MacAddress& mac, UnixTime at) {
    if (named.learned_macs.size() >= macs_per_node_max) {
        return &named; // it changes its address all the time; the oldest ones stay known
    }
    NodeRecord next = named;
    next.learned_macs.push_back(mac);
    if (const NodeRecord* const other = ledger_.nodes().find(mac)) {
        NodeRecord rest = *other;
        std::erase(rest.learned_macs, mac);
        std::erase(rest.spec.macs, mac);
        if (rest.macs().empty() && !rest.spec.match.any()) {
            ledger_.erase(rest.name());
        } else {
            ledger_.put(std::move(rest));
        }
    }
    ledger_.note(at, EventKind::node_changed, next.name(),
                 fmt::format("recognised by its {}, link address {}",
                             next.spec.match.uuid ? "UUID" : "client id or switch port",
                             to_text(mac)));
    ledger_.put(std::move(next));
    return ledger_.nodes().find(mac);
}

const NodeRecord* Installs::find_known(const MachineSeen& seen, UnixTime at) {
    const NodeRecord* const known = ledger_.nodes().find(seen.mac);
    if (known != nullptr && known->lists_mac(seen.mac)) {
        return known;
    }
    const NodeRecord* const named = named_by(seen);
    return named != nullptr && named != known ? learn_mac(*named, seen.mac, at) : known;
}

const NodeRecord* Installs::find_or_discover(const MachineSeen& seen, UnixTime at) {
    if (const NodeRecord* const known = find_known(seen, at)) {
        return known;
    }
    const MacAddress& mac = seen.mac;
    NodeRecord fresh;
    fresh.spec.name = discovered_name(mac);
    const bool of_one_machine = !mac.is_zero() && (mac.octets[0] & 1U) == 0;
    if (!of_one_machine || ledger_.nodes().size() >= nodes_max ||
        ledger_.nodes().find(fresh.name()) != nullptr) {
        ++counters_.machines_not_added;
        if (!table_full_noted_ && ledger_.nodes().size() >= nodes_max) {
            table_full_noted_ = true;
            ledger_.note(at, EventKind::limit_reached, "",
                         fmt::format("{} nodes are known; machines seen now are not added; remove "
                                     "nodes that are gone",
                                     nodes_max));
        }
        return nullptr;
    }
    fresh.spec.macs = {mac};
    fresh.uuid = seen.uuid;
    fresh.circuit_id = seen.circuit_id.view();
    fresh.remote_id = seen.remote_id.view();
    fresh.install.since = at;
    const std::string name = fresh.name();
    ledger_.note(at, EventKind::node_added, name, "seen for the first time");
    ledger_.put(std::move(fresh));
    settle_profile(name, at);
    return ledger_.nodes().find(mac);
}

/// UUID and port as shown last. A message without them says nothing: a renewal passes no relay.
void Installs::remember_identity(const NodeRecord& node, const MachineSeen& seen) {
    const bool uuid = seen.uuid && seen.uuid != node.uuid;
    const bool port =
        !(seen.circuit_id.empty() && seen.remote_id.empty()) &&
        (seen.circuit_id.view() != node.circuit_id || seen.remote_id.view() != node.remote_id);
    if (!uuid && !port) {
        return;
    }
    NodeRecord next = node; // the table finds nodes by them: not in place
    if (uuid) {
        next.uuid = seen.uuid;
    }
    if (port) {
        next.circuit_id = seen.circuit_id.view();
        next.remote_id = seen.remote_id.view();
    }
    ledger_.put(std::move(next));
}

void Installs::on_seen(const MachineSeen& seen, UnixTime at) {
    const bool other_server = !seen.other_server.is_unspecified();
    const bool boots = seen.kind != DhcpClientKind::other && !other_server;
    const NodeRecord* const node = boots ? find_or_discover(seen, at) : find_known(seen, at);
    if (node == nullptr) {
        return;
    }
    const std::string name = node->name();
    recorder_.on_seen(name, seen, at);
    if (seen.acknowledged && !seen.address.is_unspecified()) {
        ledger_.remember_address(seen.address, seen.mac);
    }
    if (seen.acknowledged && !seen.address6.is_unspecified()) {
        ledger_.remember_address(seen.address6, seen.mac);
    }
    if (!seen.address.is_unspecified() && seen.address != node->address) {
        ledger_.progress_of(name)->address = seen.address;
    }
    if (boots) {
        if (node->arch != seen.arch) {
            ledger_.progress_of(name)->arch = seen.arch;
        }
        remember_identity(*node, seen);
        apply(name, {.kind = InstallEventKind::offered}, at);
        add_wait(name, BootWait::dhcp_collecting, seen.collected);
        add_wait(name, BootWait::dhcp_flush, seen.flushed);
    }
}

} // namespace muster
