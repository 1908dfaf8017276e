// SPDX-License-Identifier: Apache-2.0
// What the control knows, in memory, always equal to what the store has: changes gather in a
// batch, and are kept or taken back as one.
#pragma once

#include "core/control/lease_index.hh"
#include "core/node/node_table.hh"
#include "core/store/store.hh"

#include <absl/container/flat_hash_set.h>

#include <deque>
#include <utility>

namespace muster {

/// Nodes, leases and events over a Store.
///
/// Between two commits nodes() shows the changes of the open batch, so that several facts about
/// one node build on each other; leases() and events() show what is committed. A commit that
/// fails restores the nodes as they were: nothing is ever visible that is not durable.
class Ledger {
public:
    explicit Ledger(Store& store) : store_(store) {}

    void load(StoredState state);

    [[nodiscard]] const NodeTable& nodes() const noexcept { return nodes_; }
    [[nodiscard]] const LeaseIndex& leases() const noexcept { return leases_; }
    [[nodiscard]] const std::map<Ipv6Address, Lease6Record>& leases6() const noexcept {
        return leases6_;
    }
    [[nodiscard]] const std::deque<Event>& events() const noexcept { return events_; }
    /// By name; what is committed, so that no call is let in that is not so for good.
    [[nodiscard]] const std::map<std::string, ApiTokenRecord, std::less<>>&
    api_tokens() const noexcept {
        return api_tokens_;
    }

    /// Who has this address: by its lease, else by what was remembered.
    [[nodiscard]] const NodeRecord* node_at(const IpAddress& address) const noexcept;
    /// Who has leased this address from us; null also where it is merely remembered, for behind an
    /// address translator that is many machines' address.
    [[nodiscard]] const NodeRecord* leased_to(const IpAddress& address) const noexcept;
    /// The address of a machine; unspecified when none is known.
    [[nodiscard]] Ipv4Address address_of(const NodeRecord& node) const noexcept;
    [[nodiscard]] Ipv6Address address6_of(const NodeRecord& node) const noexcept;
    /// Remembers an address that no lease of ours tells of (another DHCP server gave it).
    void remember_address(const IpAddress& address, const MacAddress& mac);

    // Changes of the open batch.
    void put(NodeRecord node);
    void erase(std::string_view name);
    /// A record without a host name keeps the one that is known of its machine at this address.
    void add_lease(const LeaseRecord& lease);
    void add_lease(const Lease6Record& lease);
    void note(UnixTime at, EventKind kind, std::string_view node, std::string message);
    void put_api_token(ApiTokenRecord token);
    void remove_api_token(std::string name);
    /// The open batch changes tokens: what api_tokens() says is about to be old.
    [[nodiscard]] bool changes_api_tokens() const noexcept {
        return !batch_.api_tokens.empty() || !batch_.removed_api_tokens.empty();
    }
    /// A record whose counters may be changed in place. They are kept with the next
    /// flush_progress(): what a crash loses of them is a moment of a progress bar.
    [[nodiscard]] NodeRecord* progress_of(std::string_view name);
    /// While `on`, the names that progress_of() was asked for are gathered.
    void watch_progress(bool on) {
        watched_ = on;
        moved_.clear();
    }
    [[nodiscard]] std::vector<std::string> take_moved() { return std::exchange(moved_, {}); }
    [[nodiscard]] bool has_progress() const noexcept { return !progress_.empty(); }
    void flush_progress();
    /// Entries of the flight recorder, for the open batch.
    void keep(std::vector<StoredFlight> flights) { batch_.flights = std::move(flights); }

    /// True if the open batch changes, adds or removes this node.
    [[nodiscard]] bool touches(std::string_view name) const noexcept {
        return before_.find(name) != before_.end();
    }
    /// The answer to a request rests on what this node is in the open batch: counts as an edit if
    /// the batch changes it. A report that is repeated in the batch of the first one changes
    /// nothing any more, and yet may not be confirmed if the batch is refused. "": on any node.
    void rest_on(std::string_view name) noexcept {
        const bool rests = name.empty() ? !before_.empty() : touches(name);
        edits_ += rests ? 1U : 0U;
    }
    /// How many changes of nodes and tokens the open batch has taken; rises with each, and with
    /// rest_on() of what was changed.
    [[nodiscard]] std::uint64_t edits() const noexcept { return edits_; }
    [[nodiscard]] bool batch_empty() const noexcept { return batch_.empty() && before_.empty(); }

    struct Change {
        std::string name;
        std::optional<NodeRecord> before; ///< empty: it was added
    };
    struct Committed {
        std::vector<Change> changes;
        std::vector<Event> events;
        std::size_t records = 0; ///< written in all
    };
    /// Makes the open batch durable, or takes it back. Either way the next batch is open then.
    [[nodiscard]] Result<Committed, StoreError> commit();
    /// Takes the open batch back untried.
    void take_back();

private:
    [[nodiscard]] std::optional<MacAddress> machine_at(const IpAddress& address) const noexcept;
    void index_lease(const LeaseRecord& lease);
    void index_lease(const Lease6Record& lease);

    Store& store_;
    NodeTable nodes_;
    LeaseIndex leases_;
    std::map<Ipv6Address, Lease6Record> leases6_;
    absl::flat_hash_map<MacAddress, Ipv4Address> address_of_mac_;
    absl::flat_hash_map<MacAddress, Ipv6Address> address6_of_mac_;
    absl::flat_hash_map<IpAddress, MacAddress> remembered_;
    std::deque<Event> events_;
    std::uint64_t next_event_id_ = 1;
    std::map<std::string, ApiTokenRecord, std::less<>> api_tokens_;

    Batch batch_; ///< of nodes only what flush_progress() added
    std::map<std::string, std::optional<NodeRecord>, std::less<>> before_;
    absl::flat_hash_set<std::string> progress_;
    std::vector<std::string> moved_; ///< since take_moved(); the same name may stand twice
    bool watched_ = false;
    std::uint64_t edits_ = 0;
};

} // namespace muster
