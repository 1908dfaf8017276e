// SPDX-License-Identifier: Apache-2.0
// A store that lives as long as its object: for tests, the simulator, and trying things out.
#pragma once

#include "core/store/store.hh"

#include <map>

namespace muster {

class MemoryStore final : public Store {
public:
    [[nodiscard]] Result<StoredState, StoreError> load() override;
    [[nodiscard]] Result<void, StoreError> commit(const Batch& batch) override;

    /// From now on commit() refuses, as with a full disk; or no longer.
    void set_full(bool full) noexcept { full_ = full; }
    /// Commits that were taken, and tries in all.
    [[nodiscard]] std::uint64_t commits() const noexcept { return commits_; }
    [[nodiscard]] std::uint64_t tries() const noexcept { return tries_; }
    /// What the last commit that was taken held.
    [[nodiscard]] const Batch& last() const noexcept { return last_; }

private:
    std::map<Ipv4Address, LeaseRecord> leases_;
    std::map<Ipv6Address, Lease6Record> leases6_;
    std::map<std::string, std::string> nodes_; ///< as text, so that writing and reading is covered
    std::map<std::uint64_t, Event> events_;
    std::map<std::uint64_t, StoredFlight> flights_;
    std::map<std::string, ApiTokenRecord> api_tokens_;
    Batch last_;
    std::uint64_t commits_ = 0;
    std::uint64_t tries_ = 0;
    bool full_ = false;
};

} // namespace muster
