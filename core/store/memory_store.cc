// SPDX-License-Identifier: Apache-2.0
#include "core/store/memory_store.hh"

namespace muster {

Result<StoredState, StoreError> MemoryStore::load() {
    StoredState state;
    for (const auto& [address, lease] : leases_) {
        state.leases.push_back(lease);
    }
    for (const auto& [address, lease] : leases6_) {
        state.leases6.push_back(lease);
    }
    for (const auto& [name, text] : nodes_) {
        auto node = read_node_record(text);
        if (!node) {
            return std::unexpected(
                StoreError{StoreError::Kind::corrupt, name + ": " + node.error()});
        }
        state.nodes.push_back(std::move(*node));
    }
    for (const auto& [id, event] : events_) {
        state.events.push_back(event);
    }
    for (const auto& [id, flight] : flights_) {
        state.flights.push_back(flight);
    }
    for (const auto& [name, token] : api_tokens_) {
        state.api_tokens.push_back(token);
    }
    return state;
}

Result<void, StoreError> MemoryStore::commit(const Batch& batch) {
    ++tries_;
    if (full_) {
        return std::unexpected(
            StoreError{StoreError::Kind::full, "the memory store was told to be full"});
    }
    for (const LeaseRecord& lease : batch.leases) {
        leases_.insert_or_assign(lease.address, lease);
    }
    for (const Lease6Record& lease : batch.leases6) {
        leases6_.insert_or_assign(lease.address, lease);
    }
    for (const std::string& name : batch.removed_nodes) {
        nodes_.erase(name);
    }
    for (const NodeRecord& node : batch.nodes) {
        nodes_.insert_or_assign(node.name(), write_node_record(node));
    }
    for (const Event& event : batch.events) {
        events_.insert_or_assign(event.id, event);
    }
    while (events_.size() > events_kept_max) {
        events_.erase(events_.begin());
    }
    for (const StoredFlight& flight : batch.flights) {
        flights_.insert_or_assign(flight.entry.id, flight);
    }
    while (flights_.size() > flight_kept_max) {
        flights_.erase(flights_.begin());
    }
    for (const std::string& name : batch.removed_api_tokens) {
        api_tokens_.erase(name);
    }
    for (const ApiTokenRecord& token : batch.api_tokens) {
        api_tokens_.insert_or_assign(token.name, token);
    }
    last_ = batch;
    ++commits_;
    return {};
}

} // namespace muster
