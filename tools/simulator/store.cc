// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/store.hh"

#include "core/base/check.hh"

namespace muster::sim {

Result<StoredState, StoreError> SimStore::load() {
    auto state = durable_.load();
    if (state && on_load) {
        on_load(*state);
    }
    return state;
}

Result<void, StoreError> SimStore::commit(const Batch& batch) {
    MUSTER_CHECK(!under_way_); // control steps only when the last commit has returned
    if (full_) {
        ++refusals_;
        return std::unexpected(StoreError{StoreError::Kind::full, "the simulated disk is full"});
    }
    if (keeping_) {
        under_way_ = batch;
    }
    return {};
}

void SimStore::settle() {
    if (under_way_) {
        keep(*under_way_);
        under_way_.reset();
    }
}

void SimStore::crash(bool durable) {
    if (durable) {
        settle();
    }
    under_way_.reset();
}

void SimStore::keep(const Batch& batch) {
    if (lying_) {
        return;
    }
    if (on_durable) {
        on_durable(batch);
    }
    for (const LeaseRecord& lease : batch.leases) {
        leases_.insert_or_assign(lease.address, lease);
    }
    const bool kept = durable_.commit(batch).has_value();
    MUSTER_CHECK(kept);
}

const LeaseRecord* SimStore::lease(const Ipv4Address& address) const noexcept {
    const auto it = leases_.find(address);
    return it == leases_.end() ? nullptr : &it->second;
}

} // namespace muster::sim
