// SPDX-License-Identifier: Apache-2.0
#include "core/control/ledger.hh"

namespace muster {
namespace {

constexpr std::size_t event_message_size_max = 1'000;

template <class Record, class Address>
void index_record(const Record& lease, std::map<Address, Record>& leases,
                  absl::flat_hash_map<MacAddress, Address>& address_of_mac) {
    const auto [it, fresh] = leases.try_emplace(lease.address, lease);
    if (!fresh) {
        // The address changes hands: its last owner is no longer there.
        if (const auto last = address_of_mac.find(it->second.mac);
            last != address_of_mac.end() && last->second == lease.address) {
            address_of_mac.erase(last);
        }
        it->second = lease;
    }
    if (lease.state == LeaseRecord::State::bound) {
        address_of_mac.insert_or_assign(lease.mac, lease.address);
    }
}

} // namespace

void Ledger::load(StoredState state) {
    for (NodeRecord& node : state.nodes) {
        nodes_.put(std::move(node));
    }
    for (const LeaseRecord& lease : state.leases) {
        index_lease(lease);
    }
    for (const Lease6Record& lease : state.leases6) {
        index_lease(lease);
    }
    for (const auto& [name, node] : nodes_.all()) {
        if (!node.address.is_unspecified() && !node.macs().empty()) {
            remember_address(node.address, node.macs().front());
        }
    }
    events_.assign(std::make_move_iterator(state.events.begin()),
                   std::make_move_iterator(state.events.end()));
    next_event_id_ = events_.empty() ? 1 : events_.back().id + 1;
}

const NodeRecord* Ledger::node_at(const IpAddress& address) const noexcept {
    const auto mac = machine_at(address);
    return mac ? nodes_.find(*mac) : nullptr;
}

std::optional<MacAddress> Ledger::machine_at(const IpAddress& address) const noexcept {
    // An expired or released lease still names the likeliest owner: a machine between loader
    // and installer may be late with its renewal, and a new owner replaces the record.
    const auto owner = [](const auto& leases, const auto& key) -> std::optional<MacAddress> {
        const auto lease = leases.find(key);
        const bool owned =
            lease != leases.end() && lease->second.state != LeaseRecord::State::declined;
        return owned ? std::optional{lease->second.mac} : std::nullopt;
    };
    const auto v4 = address.v4();
    if (const auto mac = v4 ? owner(leases_, *v4) : owner(leases6_, address.v6())) {
        return mac;
    }
    const auto seen = remembered_.find(address);
    return seen == remembered_.end() ? std::nullopt : std::optional{seen->second};
}

Ipv6Address Ledger::address6_of(const NodeRecord& node) const noexcept {
    for (const MacAddress& mac : node.macs()) {
        if (const auto it = address6_of_mac_.find(mac); it != address6_of_mac_.end()) {
            return it->second;
        }
    }
    return {};
}

Ipv4Address Ledger::address_of(const NodeRecord& node) const noexcept {
    for (const MacAddress& mac : node.macs()) {
        if (const auto it = address_of_mac_.find(mac); it != address_of_mac_.end()) {
            return it->second;
        }
    }
    return node.address;
}

void Ledger::remember_address(const IpAddress& address, const MacAddress& mac) {
    if (remembered_.size() >= nodes_max && !remembered_.contains(address)) {
        return; // whoever is beyond this is still found by ?mac=
    }
    remembered_.insert_or_assign(address, mac);
}

void Ledger::put(NodeRecord node) {
    ++edits_;
    const NodeRecord* const old = nodes_.find(node.name());
    const auto [it, fresh] = before_.try_emplace(node.name());
    if (fresh && old != nullptr) {
        it->second = *old;
    }
    node.revision = old == nullptr ? 1 : old->revision + 1;
    nodes_.put(std::move(node));
}

void Ledger::erase(std::string_view name) {
    const NodeRecord* const old = nodes_.find(name);
    if (old == nullptr) {
        return;
    }
    ++edits_;
    before_.try_emplace(std::string{name}, *old);
    nodes_.erase(name);
}

void Ledger::note(UnixTime at, EventKind kind, std::string_view node, std::string message) {
    if (message.size() > event_message_size_max) {
        message.resize(event_message_size_max);
    }
    batch_.events.push_back(Event{.id = next_event_id_ + batch_.events.size(),
                                  .at = at,
                                  .kind = kind,
                                  .node = std::string{node},
                                  .message = std::move(message)});
}

NodeRecord* Ledger::progress_of(std::string_view name) {
    NodeRecord* const node = nodes_.edit_in_place(name);
    if (node != nullptr && !progress_.contains(name)) {
        progress_.emplace(name);
    }
    return node;
}

void Ledger::flush_progress() {
    for (const std::string& name : progress_) {
        const NodeRecord* const node = nodes_.find(name);
        if (node != nullptr && !before_.contains(name)) {
            batch_.nodes.push_back(*node);
        }
    }
    progress_.clear();
}

Result<Ledger::Committed, StoreError> Ledger::commit() {
    Committed committed;
    if (batch_empty()) {
        return committed;
    }
    for (const auto& [name, before] : before_) {
        if (const NodeRecord* const node = nodes_.find(name)) {
            batch_.nodes.push_back(*node);
        } else {
            batch_.removed_nodes.push_back(name);
        }
    }
    committed.records = batch_.leases.size() + batch_.leases6.size() + batch_.nodes.size() +
                        batch_.removed_nodes.size() + batch_.events.size();
    if (auto stored = store_.commit(batch_); !stored) {
        take_back();
        return std::unexpected(std::move(stored.error()));
    }
    for (const LeaseRecord& lease : batch_.leases) {
        index_lease(lease);
    }
    for (const Lease6Record& lease : batch_.leases6) {
        index_lease(lease);
    }
    for (auto& [name, before] : before_) {
        progress_.erase(name); // its counters went along
        committed.changes.push_back({name, std::move(before)});
    }
    next_event_id_ += batch_.events.size();
    for (const Event& event : batch_.events) {
        events_.push_back(event);
    }
    while (events_.size() > events_kept_max) {
        events_.pop_front();
    }
    committed.events = std::move(batch_.events);
    batch_.clear();
    before_.clear();
    return committed;
}

void Ledger::take_back() {
    for (auto& [name, before] : before_) {
        nodes_.erase(name);
    }
    for (auto& [name, before] : before_) {
        if (before) {
            nodes_.put(std::move(*before));
        }
    }
    for (const NodeRecord& node : batch_.nodes) {
        progress_.insert(node.name()); // to be kept later; erased ones are skipped then
    }
    batch_.clear();
    before_.clear();
}

void Ledger::index_lease(const LeaseRecord& lease) {
    index_record(lease, leases_, address_of_mac_);
}

void Ledger::index_lease(const Lease6Record& lease) {
    index_record(lease, leases6_, address6_of_mac_);
}

} // namespace muster
