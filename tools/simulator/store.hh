// SPDX-License-Identifier: Apache-2.0
// The disk of a simulated server: what a commit gave it survives a crash exactly if commit() had
// returned, and may or may not survive if it had not.
#pragma once

#include "core/store/memory_store.hh"

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <optional>

namespace muster::sim {

/// A commit takes time: Control calls commit(), which takes the batch in; whoever runs the control
/// lets virtual time pass and then says settle(), and only then hands out what Control answered.
class SimStore final : public Store {
public:
    /// What is durable now: what the next process will find.
    [[nodiscard]] Result<StoredState, StoreError> load() override;
    [[nodiscard]] Result<void, StoreError> commit(const Batch& batch) override;

    /// The commit under way is durable. Calls `on_durable` with it.
    void settle();
    /// The process died: a commit under way is durable after all, or gone.
    void crash(bool durable);
    [[nodiscard]] bool committing() const noexcept { return under_way_.has_value(); }

    void set_full(bool full) noexcept { full_ = full; }
    [[nodiscard]] bool full() const noexcept { return full_; }
    /// False: takes every batch and keeps none, for worlds without crashes that have no time for
    /// it.
    void set_keeping(bool keeping) noexcept { keeping_ = keeping; }
    /// A planted bug: commits are acknowledged and thrown away.
    void set_lying(bool lying) noexcept { lying_ = lying; }
    [[nodiscard]] std::uint64_t refusals() const noexcept { return refusals_; }

    /// The durable record of an address; null: none.
    [[nodiscard]] const LeaseRecord* lease(const Ipv4Address& address) const noexcept;

    /// Sees every batch when it becomes durable, before it is applied.
    std::function<void(const Batch&)> on_durable;
    /// A planted bug may change what a new process finds.
    std::function<void(StoredState&)> on_load;

private:
    void keep(const Batch& batch);

    MemoryStore durable_;
    absl::flat_hash_map<Ipv4Address, LeaseRecord> leases_;
    std::optional<Batch> under_way_;
    bool full_ = false;
    bool lying_ = false;
    bool keeping_ = true;
    std::uint64_t refusals_ = 0;
};

} // namespace muster::sim
