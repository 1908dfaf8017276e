// SPDX-License-Identifier: Apache-2.0
// What those who listen to the server's events are sent: server-sent events (HTML section 9.2).
#pragma once

#include "core/base/time.hh"
#include "core/control/installs.hh"
#include "core/control/stage_history.hh"

#include <absl/container/flat_hash_set.h>

#include <deque>
#include <span>
#include <string>

namespace muster {

/// One text for all listeners, put together a few times a second while there are any.
///
///  - each event of the log: `id`, its kind as `event`, `data` as in GET /api/v1/events;
///  - `nodes`: what changed of nodes, each as it is now (node_brief_json()), and names of those
///    that are gone; changes of state first, progress as far as there is room;
///  - `tick`: the sample of StageHistory, once a second;
///  - `reset`: what was missed is no longer known, so lists have to be asked for again.
///
/// A listener that comes back with the id of the last event that it has gets those that it missed,
/// and then the nodes that these name or that are on their way.
///
/// Pure: time comes with the calls. Thread: control's.
class EventFeed {
public:
    static constexpr Duration interval = std::chrono::milliseconds{250};
    static constexpr Duration tick_interval = std::chrono::seconds{1};
    /// Nodes of one text: what a listener draws, and control writes, in a moment.
    static constexpr std::size_t nodes_max = 1'000;

    EventFeed(const Ledger& ledger, const Installs& installs)
        : ledger_(ledger), installs_(installs) {}

    /// How many listen now. Without any, nothing is gathered.
    void set_listeners(std::size_t count, Instant now);
    [[nodiscard]] bool listened() const noexcept { return listeners_ > 0; }
    /// After a commit: nodes that were changed, added or removed.
    void note_changes(std::span<const Ledger::Change> changes);
    /// Of a node that goes on: its bytes or percent.
    void note_progress(std::string_view name);

    /// What a new listener is sent first. `last_event_id`: as it gave it; empty: a first visit.
    [[nodiscard]] std::string opening(std::string_view last_event_id, const StageSample& now) const;

    [[nodiscard]] Instant next_deadline() const noexcept { return due_; }
    /// What all listeners are sent now; empty: nothing is due.
    [[nodiscard]] std::string take(Instant now, const StageSample& sample);

private:
    void put_events(std::string& text, std::uint64_t after) const;
    void put_tick(std::string& text, const StageSample& sample) const;
    std::string take_nodes();

    const Ledger& ledger_;
    const Installs& installs_;
    std::size_t listeners_ = 0;
    Instant due_ = Instant::never();
    Instant tick_due_;
    std::uint64_t told_ = 0; ///< the last event that was sent, or that nobody listened to
    std::deque<std::string> changed_;
    std::deque<std::string> progressed_;
    absl::flat_hash_set<std::string> waiting_; ///< names in either
};

} // namespace muster
