// SPDX-License-Identifier: Apache-2.0
// What must survive: leases, nodes, events. Batches go in, and are durable when commit() returns.
#pragma once

#include "core/base/result.hh"
#include "core/flight/flight_entry.hh"
#include "core/lease/lease6_record.hh"
#include "core/node/node_record.hh"
#include "core/store/api_token.hh"
#include "core/store/event.hh"

#include <string>
#include <vector>

namespace muster {

/// Events kept; older ones go.
inline constexpr std::uint64_t events_kept_max = 100'000;
/// Entries of the flight recorder that are kept; older ones go.
inline constexpr std::uint64_t flight_kept_max = 1'000'000;

/// All that one commit makes durable, or none of it. Later entries of a key win.
struct Batch {
    std::vector<LeaseRecord> leases;             ///< key: the address
    std::vector<Lease6Record> leases6;           ///< key: the address
    std::vector<NodeRecord> nodes;               ///< key: the name
    std::vector<std::string> removed_nodes;      ///< applied before `nodes`
    std::vector<Event> events;                   ///< ids ascending
    std::vector<StoredFlight> flights;           ///< key: the id of the entry
    std::vector<ApiTokenRecord> api_tokens;      ///< key: the name
    std::vector<std::string> removed_api_tokens; ///< applied before `api_tokens`

    [[nodiscard]] bool empty() const noexcept {
        return leases.empty() && leases6.empty() && nodes.empty() && removed_nodes.empty() &&
               events.empty() && flights.empty() && api_tokens.empty() &&
               removed_api_tokens.empty();
    }
    void clear() noexcept {
        leases.clear();
        leases6.clear();
        nodes.clear();
        removed_nodes.clear();
        events.clear();
        flights.clear();
        api_tokens.clear();
        removed_api_tokens.clear();
    }
};

struct StoredState {
    std::vector<LeaseRecord> leases;
    std::vector<Lease6Record> leases6;
    std::vector<NodeRecord> nodes;
    std::vector<Event> events; ///< ids ascending
    std::vector<StoredFlight> flights;
    std::vector<ApiTokenRecord> api_tokens;
};

struct StoreError {
    enum class Kind : std::uint8_t {
        full,     ///< no space, or the disk refuses: comes back by itself when that ends
        locked,   ///< another process has it
        corrupt,  ///< what is there cannot be trusted
        version,  ///< written by a newer program
        unusable, ///< cannot be opened or created
    };
    Kind kind{};
    std::string text; ///< one line that says what to do
};

class Store {
public:
    Store() = default;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    virtual ~Store() = default;

    [[nodiscard]] virtual Result<StoredState, StoreError> load() = 0;
    /// Returns when the whole batch is durable. After an error nothing of it is, and the store
    /// takes the next batch as soon as it can.
    [[nodiscard]] virtual Result<void, StoreError> commit(const Batch& batch) = 0;
};

} // namespace muster
