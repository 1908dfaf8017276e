// SPDX-License-Identifier: Apache-2.0
// The control: owns nodes, install states and the store, answers what workers cannot.
//
// It has no thread, no clock and no socket. Whoever runs it hands it what workers say, calls
// step(), and carries the outbox away: a thread in a loop, the simulator in a seeded order.
#pragma once

#include "core/control/api.hh"
#include "core/control/data_plane.hh"

#include <memory>
#include <set>
#include <vector>

namespace muster {

/// Messages that wait for the next step(); beyond it they are refused at once.
inline constexpr std::size_t control_pending_max = 65'536;
/// Progress of transfers is kept this often, if nothing else of the node changes.
inline constexpr Duration progress_interval = std::chrono::seconds{5};
/// The flight recorder is kept this often, and so many entries at once: a storm's are kept in
/// slices, since leases wait for each commit.
inline constexpr Duration flight_interval = std::chrono::seconds{5};
inline constexpr Duration flight_slice_interval = std::chrono::milliseconds{100};
inline constexpr std::size_t flight_slice = 500;
/// While the store takes nothing, it is tried this often even if nobody asks for anything.
inline constexpr Duration store_retry_interval = std::chrono::seconds{1};

/// The effects of a step, in the order in which they have to be delivered.
struct ControlOutbox {
    struct Addressed {
        WorkerId worker{}; ///< or admin_worker
        ControlMessage message;
    };
    std::vector<Addressed> messages;
    ContentRef feed; ///< what all listeners of the admin API are sent, before `messages`; or null
    std::vector<Event> events; ///< for the log; what the store has, too, unless it failed

    void clear() noexcept {
        messages.clear();
        feed.reset();
        events.clear();
    }
};

class Control {
public:
    /// Borrows `store` and `content` for its life.
    Control(Store& store, const ContentIndex& content, RandomSource random, ControlOptions options);

    /// Takes what the store has and the site; the next step() publishes both.
    ///
    /// Deadlines that passed while nobody served end no attempt at once: the machines could not
    /// report, and get `restart_grace` to do so.
    void start(StoredState state, std::shared_ptr<const Site> site, const Now& now);

    /// A new, valid site: takes effect in the next step(), or when the store can keep what it
    /// changes. Workers that hold the old snapshot keep it alive.
    void on_site(std::shared_ptr<const Site> site);

    /// Takes a message; its effects come with the next step().
    void on_message(WorkerId worker, WorkerMessage&& message, const Now& now);

    /// Applies all that has gathered, commits it as one batch, and only then answers. When the
    /// store refuses the batch nothing of it is visible: leases are answered as not durable, and
    /// requests that would have changed something with 503.
    void step(const Now& now, ControlOutbox& out);

    /// How many listen to the admin API's events: as HttpServer::listeners() says.
    void set_listeners(std::size_t count, const Now& now);

    /// When step() has work although no message came.
    [[nodiscard]] Instant next_deadline() const noexcept;

    [[nodiscard]] const Ledger& ledger() const noexcept { return ledger_; }
    [[nodiscard]] const ControlCounters& counters() const noexcept { return counters_; }
    [[nodiscard]] const Site& site() const noexcept { return installs_.site(); }

private:
    struct Pending {
        WorkerId worker{};
        WorkerMessage message;
        UnixTime at;
    };
    /// A request that waits for the commit of what it changed.
    struct Waiting {
        WorkerId worker{};
        Ticket ticket;
        Decision decision;
        bool changes = false; ///< it put something into the batch
    };

    void take_new_site(UnixTime at);
    void apply(Pending& pending);
    template <class Commit>
    void apply_lease(WorkerId worker, const Commit& commit, bool v6);
    void apply_sample(const TransferSample& sample, UnixTime at);
    void release_tickets(const std::vector<Ledger::Change>& changes);
    void apply_request(WorkerId worker, const DynamicRequest& request, UnixTime at);
    void fire_deadlines(const Now& now);
    void probe_store(const Now& now);
    void keep_flights(const Now& now);
    void feed_listeners(const Now& now, ControlOutbox& out);

    void on_committed(Ledger::Committed committed, const Now& now, ControlOutbox& out);
    void on_refused(const StoreError& error, const Now& now, ControlOutbox& out);
    void answer_leases(bool durable, ControlOutbox& out);
    void answer_requests(bool durable, ControlOutbox& out);
    void refuse(WorkerId worker, WorkerMessage&& message);

    void publish_snapshot(ControlOutbox& out);
    void publish_changes(const std::vector<Ledger::Change>& changes, ControlOutbox& out);
    void publish_mac(const MacAddress& mac, ControlOutbox& out);
    void publish_alias(const std::string& alias, ControlOutbox& out);
    void publish_boot(NodeBoot boot, ControlOutbox& out);
    void watch_deadline(const std::string& name, Instant at);
    void watch_deadlines(const std::vector<Ledger::Change>& changes, const Now& now);

    ControlOptions options_;
    ControlCounters counters_;
    Ledger ledger_;
    FlightRecorder recorder_;
    Installs installs_;
    Rendering rendering_;
    std::optional<Governor> governor_;
    StageHistory history_;
    EventFeed feed_;
    DataPlane data_plane_;
    Api api_;

    std::vector<Pending> pending_;
    struct WaitingLease {
        WorkerId worker{};
        SlabHandle request;
        bool v6 = false;
    };
    std::vector<WaitingLease> leases_waiting_;
    std::size_t leases_in_batch_ = 0;
    std::vector<Waiting> requests_waiting_;
    std::vector<ControlOutbox::Addressed> ready_;

    std::shared_ptr<const Site> new_site_;
    std::shared_ptr<const Site> last_site_; ///< to go back to when the merge cannot be kept
    bool site_in_batch_ = false;
    bool merged_ = false; ///< the nodes of a site are kept, since start()
    bool snapshot_due_ = false;
    std::uint64_t snapshot_revision_ = 0;
    absl::flat_hash_map<std::string, NodeBoot> published_; ///< by alias or link address

    std::set<std::pair<Instant, std::string>> deadlines_;
    absl::flat_hash_map<std::string, Instant> deadline_of_;
    Instant progress_due_ = Instant::never();
    Instant flight_due_ = Instant::never();

    struct Outage {
        UnixTime since;
        std::string text;
    };
    std::optional<Outage> outage_;
    Instant store_retry_;
};

} // namespace muster
