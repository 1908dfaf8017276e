// SPDX-License-Identifier: Apache-2.0
#include "core/control/ledger.hh"

#include <algorithm>

namespace muster {
namespace {

constexpr std::size_t event_message_size_max = 1'000;

template <class Record>
bool lacks_hostname(const Record& lease) noexcept {
    return lease.hostname[0] == '\0' && lease.state != LeaseRecord::State::declined;
}

/// `before`: the record that `lease` replaces, or null.
template <class Record, class Address>
void index_owner(const Record* before, const Record& lease,
                 absl::flat_hash_map<MacAddress, Address>& address_of_mac) {
    if (before != nullptr) {
        // The address changes hands: its last owner is no longer there.
        if (const auto last = address_of_mac.find(before->mac);
            last != address_of_mac.end() && last->second == lease.address) {
            address_of_mac.erase(last);
        }
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
    address_of_mac_.reserve(state.leases.size());
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
    for (ApiTokenRecord& token : state.api_tokens) {
        api_tokens_.insert_or_assign(token.name, token);
    }
    events_.assign(std::make_move_iterator(state.events.begin()),
                   std::make_move_iterator(state.events.end()));
    next_event_id_ = events_.empty() ? 1 : events_.back().id + 1;
}

const NodeRecord* Ledger::node_at(const IpAddress& address) const noexcept {
    const auto mac = machine_at(address);
    return mac ? nodes_.find(*mac) : nullptr;
}

const NodeRecord* Ledger::leased_to(const IpAddress& address) const noexcept {
    if (const auto v4 = address.v4()) {
        const auto lease = leases_.find(*v4);
        return lease && lease->state == LeaseRecord::State::bound ? nodes_.find(lease->mac)
                                                                  : nullptr;
    }
    const auto lease6 = leases6_.find(address.v6());
    return lease6 != leases6_.end() && lease6->second.state == LeaseRecord::State::bound
               ? nodes_.find(lease6->second.mac)
               : nullptr;
}

std::optional<MacAddress> Ledger::machine_at(const IpAddress& address) const noexcept {
    // An expired or released lease still names the likeliest owner: a machine between loader
    // and installer may be late with its renewal, and a new owner replaces the record.
    if (const auto v4 = address.v4()) {
        const auto lease = leases_.find(*v4);
        if (lease && lease->state != LeaseRecord::State::declined) {
            return lease->mac;
        }
    } else if (const auto lease6 = leases6_.find(address.v6());
               lease6 != leases6_.end() && lease6->second.state != LeaseRecord::State::declined) {
        return lease6->second.mac;
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

void Ledger::add_lease(const LeaseRecord& lease) {
    batch_.leases.push_back(lease);
    if (lacks_hostname(lease)) {
        if (const auto known = leases_.find(lease.address); known && known->mac == lease.mac) {
            batch_.leases.back().hostname = known->hostname;
        }
    }
}

void Ledger::add_lease(const Lease6Record& lease) {
    batch_.leases6.push_back(lease);
    if (lacks_hostname(lease)) {
        if (const auto known = leases6_.find(lease.address);
            known != leases6_.end() && known->second.mac == lease.mac) {
            batch_.leases6.back().hostname = known->second.hostname;
        }
    }
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

void Ledger::put_api_token(ApiTokenRecord token) {
    ++edits_;
    batch_.api_tokens.push_back(std::move(token));
}

void Ledger::remove_api_token(std::string name) {
    ++edits_;
    batch_.removed_api_tokens.push_back(std::move(name));
}

NodeRecord* Ledger::progress_of(std::string_view name) {
    NodeRecord* const node = nodes_.edit_in_place(name);
    if (node != nullptr) {
        progress_.emplace(absl::string_view{name.data(), name.size()});
        if (watched_) {
            moved_.emplace_back(name);
        }
    }
    return node;
}

void Ledger::flush_progress() {
    // In the order of names: a run of the simulator repeats, and so does what a store is given.
    std::vector<std::string> names{progress_.begin(), progress_.end()};
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
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
                        batch_.removed_nodes.size() + batch_.events.size() + batch_.flights.size() +
                        batch_.api_tokens.size() + batch_.removed_api_tokens.size();
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
    for (const std::string& name : batch_.removed_api_tokens) {
        api_tokens_.erase(name);
    }
    for (ApiTokenRecord& token : batch_.api_tokens) {
        api_tokens_.insert_or_assign(token.name, token);
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
    const auto before = leases_.find(lease.address);
    index_owner(before ? &*before : nullptr, lease, address_of_mac_);
    leases_.put(lease);
}

void Ledger::index_lease(const Lease6Record& lease) {
    const auto before = leases6_.find(lease.address);
    index_owner(before == leases6_.end() ? nullptr : &before->second, lease, address6_of_mac_);
    leases6_.insert_or_assign(lease.address, lease);
}

} // namespace muster
