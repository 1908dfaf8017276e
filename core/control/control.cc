// SPDX-License-Identifier: Apache-2.0
// Control: gathers facts, commits, answers. What it publishes to workers is in publish.cc.
#include "core/control/control.hh"

#include "core/base/check.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

constexpr std::uint32_t retry_after_s = 2;
constexpr Instant at_once{}; // before every moment of a steady clock, and safe to subtract from

Answer unavailable_answer(WorkerId worker, std::string_view why) {
    Answer answer =
        worker == admin_worker ? api_error(503, "unavailable", why) : text_answer(503, why);
    answer.retry_after_s = retry_after_s;
    return answer;
}

/// What happened, and what would help.
std::string dry_text(const PoolsDry& dry) {
    const std::string subnet = dry.subnet6 ? to_text(*dry.subnet6) : to_text(dry.subnet);
    if (dry.addresses == 0) {
        return fmt::format("subnet {} has no pools, so {} gets no address there: give it one, or "
                           "list the machine as a node with an address",
                           subnet, to_text(dry.mac));
    }
    return fmt::format("no address left for {} in subnet {}: none of the {} of its pools that the "
                       "machine may have is free; add a range to 'pools', or shorten 'lease' (now "
                       "{} s) so that addresses of machines that are gone come back sooner",
                       to_text(dry.mac), subnet, dry.addresses,
                       std::chrono::duration_cast<std::chrono::seconds>(dry.lease).count());
}

/// Where, who if that is known, and what becomes of it.
std::string conflict_text(const AddressConflict& conflict) {
    std::string text = fmt::format("{} is in use", to_text(conflict.address));
    if (conflict.subnet) {
        text += fmt::format(" in subnet {}", to_text(*conflict.subnet));
    }
    if (!conflict.interface.empty()) {
        text += fmt::format(" on {}", conflict.interface);
    }
    text += conflict.mac ? fmt::format(": {} answers there", to_text(*conflict.mac))
                         : std::string{": somebody answers there"};
    text +=
        fmt::format(", so it is offered to nobody for {} s; take it out of 'pools', or list the "
                    "machine as a node with this address",
                    std::chrono::duration_cast<std::chrono::seconds>(conflict.quarantine).count());
    if (conflict.untold > 0) {
        text += fmt::format(" ({} more since the last one told)", conflict.untold);
    }
    return text;
}

Answer broken_answer(WorkerId worker, const std::exception& error) {
    const std::string text = fmt::format("this request met an error: {}", error.what());
    return worker == admin_worker ? api_error(500, "internal", text) : text_answer(500, text);
}

ControlOutbox::Addressed reply_to(WorkerId worker, Ticket ticket, Answer answer) {
    auto reply = std::make_unique<DynamicReply>();
    reply->ticket = ticket;
    reply->status = answer.status;
    reply->retry_after_s = answer.retry_after_s;
    reply->feed = answer.feed;
    reply->content = answer.content
                         ? std::move(answer.content)
                         : std::make_shared<TextContent>(std::move(answer.body), answer.type);
    return {worker, ControlMessage{std::move(reply)}};
}

} // namespace

Control::Control(Store& store, const ContentIndex& content, RandomSource random,
                 ControlOptions options)
    : options_(std::move(options)),
      ledger_(store),
      installs_(ledger_, content, random, counters_, recorder_),
      rendering_(ledger_, installs_, content),
      governor_(options_.governor ? std::make_optional<Governor>(*options_.governor)
                                  : std::nullopt),
      feed_(ledger_, installs_),
      data_plane_(ledger_, installs_, rendering_, governor_, recorder_, counters_, options_),
      api_(ledger_, installs_, rendering_, content, governor_, recorder_, history_, feed_,
           counters_, options_, std::move(random)) {}

void Control::start(StoredState state, std::shared_ptr<const Site> site, const Now& now) {
    MUSTER_CHECK(site != nullptr);
    std::vector<StoredFlight> flights = std::move(state.flights);
    ledger_.load(std::move(state));
    std::erase_if(flights, [&](const StoredFlight& flight) {
        return ledger_.nodes().find(flight.node) == nullptr; // it was removed
    });
    recorder_.load(std::move(flights));
    history_.start(ledger_.nodes());
    installs_.set_site(site);
    new_site_ = std::move(site);
    snapshot_due_ = true;
    if (governor_) {
        governor_->advance(now.steady);
    }
    for (const auto& [name, node] : ledger_.nodes().all()) {
        const InstallState at_stop = node.install.state;
        if (governor_ &&
            (at_stop == InstallState::loading || at_stop == InstallState::installing)) {
            // It was loading when the last run ended.
            governor_->readmit(name, boot_terms(node, installs_.site()));
        }
        if (node.install.deadline == UnixTime{}) {
            continue;
        }
        const bool order = node.install.order_waits; // no machine needs time to be heard of
        Duration left =
            std::max(node.install.deadline - now.wall, order ? Duration{} : options_.restart_grace);
        const Profile* const profile = installs_.profile_of(node);
        if (profile != nullptr && !order) {
            // A clock that was set back meanwhile must not make this a matter of years.
            left =
                std::min(left, std::max({profile->deadlines.booting, profile->deadlines.installing,
                                         options_.restart_grace}));
        }
        watch_deadline(name, now.steady + left);
    }
}

void Control::on_site(std::shared_ptr<const Site> site) {
    MUSTER_CHECK(site != nullptr);
    new_site_ = std::move(site);
}

void Control::on_message(WorkerId worker, WorkerMessage&& message, const Now& now) {
    if (auto* handed = std::get_if<std::unique_ptr<HandedDatagram>>(&message)) {
        const WorkerId to = (*handed)->to;
        ready_.push_back({to, std::move(*handed)});
        return;
    }
    if (pending_.size() >= control_pending_max) {
        refuse(worker, std::move(message));
        return;
    }
    pending_.push_back({worker, std::move(message), now.wall});
}

void Control::refuse(WorkerId worker, WorkerMessage&& message) {
    ++counters_.overload;
    const auto refuse_lease = [&](SlabHandle lease, bool v6) {
        if (lease.generation != 0) {
            ready_.push_back({worker, LeaseCommitted{lease, false, v6}});
        }
    };
    if (const auto* const lease = std::get_if<LeaseCommit>(&message)) {
        refuse_lease(lease->request, false);
    } else if (const auto* const lease6 = std::get_if<Lease6Commit>(&message)) {
        refuse_lease(lease6->request, true);
    } else if (const auto* const request = std::get_if<std::unique_ptr<DynamicRequest>>(&message)) {
        ready_.push_back(reply_to(worker, (*request)->ticket,
                                  unavailable_answer(worker, "too many requests wait")));
    }
}

void Control::step(const Now& now, ControlOutbox& out) {
    std::move(ready_.begin(), ready_.end(), std::back_inserter(out.messages));
    ready_.clear();

    if (governor_) {
        governor_->advance(now.steady);
    }
    const bool try_store = !outage_ || now.steady >= store_retry_;
    if (new_site_ && try_store) {
        take_new_site(now.wall);
    }
    for (Pending& pending : pending_) {
        apply(pending);
    }
    pending_.clear();
    if (try_store) {
        fire_deadlines(now);
        if (now.steady >= progress_due_) {
            ledger_.flush_progress();
            progress_due_ = Instant::never();
        }
        keep_flights(now);
    }
    // Until the site's nodes are kept once, nobody may be taken for an unknown machine: the rule
    // for those may be to install. The batch that can change this comes with the next try.
    const bool too_soon = !merged_ && !try_store;
    if (outage_ && !too_soon && (try_store || !ledger_.batch_empty())) {
        probe_store(now);
    }
    if (ledger_.batch_empty()) {
        answer_requests(true, out);
    } else if (too_soon) {
        ledger_.take_back();
        counters_.leases_refused += leases_in_batch_;
        answer_leases(false, out);
        answer_requests(false, out);
    } else if (auto committed = ledger_.commit()) {
        on_committed(std::move(*committed), now, out);
    } else {
        on_refused(committed.error(), now, out);
    }
    if (ledger_.has_progress() && progress_due_ == Instant::never()) {
        progress_due_ = now.steady + progress_interval;
    }
    if (recorder_.has_unsaved() && flight_due_ == Instant::never()) {
        flight_due_ = now.steady + flight_interval;
    }
    history_.keep(governor_, now);
    feed_listeners(now, out);
}

void Control::set_listeners(std::size_t count, const Now& now) {
    const bool before = feed_.listened();
    feed_.set_listeners(count, now.steady);
    if (before != feed_.listened()) {
        ledger_.watch_progress(feed_.listened());
    }
}

void Control::feed_listeners(const Now& now, ControlOutbox& out) {
    if (!feed_.listened()) {
        return;
    }
    for (const std::string& name : ledger_.take_moved()) {
        feed_.note_progress(name);
    }
    std::string text = feed_.take(now.steady, history_.now(governor_, now.wall));
    if (!text.empty()) {
        out.feed = std::make_shared<TextContent>(std::move(text), "text/event-stream");
    }
}

void Control::keep_flights(const Now& now) {
    if (now.steady < flight_due_ || outage_) {
        return;
    }
    ledger_.keep(recorder_.take_unsaved(flight_slice));
    flight_due_ = recorder_.has_unsaved() ? now.steady + flight_slice_interval : Instant::never();
}

Instant Control::next_deadline() const noexcept {
    if (!pending_.empty() || !ready_.empty() || !ledger_.batch_empty() || (new_site_ && !outage_)) {
        return at_once;
    }
    if (outage_) {
        // Deadlines wait until their outcome can be kept.
        return std::min(store_retry_, feed_.next_deadline());
    }
    const Instant deadline = deadlines_.empty() ? Instant::never() : deadlines_.begin()->first;
    return std::min({deadline, progress_due_, flight_due_, feed_.next_deadline()});
}

void Control::take_new_site(UnixTime at) {
    last_site_ = installs_.site_ref();
    installs_.set_site(std::exchange(new_site_, nullptr));
    installs_.merge_site(at);
    site_in_batch_ = true;
}

void Control::apply(Pending& pending) {
    struct Visitor {
        Control& control;
        const Pending& pending;

        void operator()(std::monostate) const {}
        void operator()(const LeaseCommit& commit) const {
            control.apply_lease(pending.worker, commit, false);
        }
        void operator()(const Lease6Commit& commit) const {
            control.apply_lease(pending.worker, commit, true);
        }
        void operator()(const MachineSeen& seen) const {
            control.installs_.on_seen(seen, pending.at);
        }
        void operator()(const PoolsDry& dry) const {
            control.ledger_.note(pending.at, EventKind::limit_reached, "", dry_text(dry));
        }
        void operator()(const AddressConflict& conflict) const {
            control.ledger_.note(pending.at, EventKind::address_in_use, "",
                                 conflict_text(conflict));
        }
        void operator()(const std::unique_ptr<DynamicRequest>& request) const {
            control.apply_request(pending.worker, *request, pending.at);
        }
        void operator()(const std::unique_ptr<TransferSample>& sample) const {
            control.apply_sample(*sample, pending.at);
        }
        void operator()(const std::unique_ptr<HandedDatagram>&) const {
        } // on_message() passed it on
    };
    std::visit(Visitor{*this, pending}, pending.message);
}

void Control::apply_sample(const TransferSample& sample, UnixTime at) {
    installs_.on_sample(sample, at);
    if (governor_) {
        const NodeRecord* const node = ledger_.node_at(sample.client);
        governor_->on_bytes(node == nullptr ? std::string_view{} : node->name(), sample.sent);
    }
}

/// Whoever loads no more, or is to do something else, makes room.
void Control::release_tickets(const std::vector<Ledger::Change>& changes) {
    for (const Ledger::Change& change : changes) {
        const NodeRecord* const node = ledger_.nodes().find(change.name);
        if (node == nullptr || installs_.action_of(*node) != BootAction::install) {
            governor_->release(change.name);
        }
    }
}

template <class Commit>
void Control::apply_lease(WorkerId worker, const Commit& commit, bool v6) {
    ledger_.add_lease(commit.lease);
    ++leases_in_batch_;
    if (commit.request.generation != 0) {
        leases_waiting_.push_back({worker, commit.request, v6});
    }
}

void Control::apply_request(WorkerId worker, const DynamicRequest& request, UnixTime at) {
    const std::uint64_t edits = ledger_.edits();
    Decision decision;
    try {
        decision =
            worker == admin_worker ? api_.decide(request, at) : data_plane_.decide(request, at);
    } catch (const std::exception& error) { // of a library; what came of it stays in the batch
        decision = decided(broken_answer(worker, error));
    }
    requests_waiting_.push_back({.worker = worker,
                                 .ticket = request.ticket,
                                 .decision = std::move(decision),
                                 .changes = ledger_.edits() != edits});
}

void Control::fire_deadlines(const Now& now) {
    std::vector<std::string> due;
    for (auto it = deadlines_.begin(); it != deadlines_.end() && it->first <= now.steady; ++it) {
        due.push_back(it->second);
    }
    for (const std::string& name : due) {
        const NodeRecord* const node = ledger_.nodes().find(name);
        if (node == nullptr || node->install.deadline == UnixTime{}) {
            watch_deadline(name, Instant::never());
            continue;
        }
        // The steady clock decides; the wall clock may have been set back since.
        installs_.apply(name, {.kind = InstallEventKind::deadline_passed},
                        std::max(now.wall, node->install.deadline));
    }
}

/// Puts the story of the outage into the batch: it is kept exactly if the outage is over.
void Control::probe_store(const Now& now) {
    ledger_.note(outage_->since, EventKind::store_failed, "", outage_->text);
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(now.wall - outage_->since).count();
    ledger_.note(now.wall, EventKind::store_recovered, "",
                 fmt::format("the store takes changes again, after {} s", seconds));
}

void Control::on_committed(Ledger::Committed committed, const Now& now, ControlOutbox& out) {
    ++counters_.commits;
    counters_.records += committed.records;
    counters_.events += committed.events.size();
    counters_.leases_committed += leases_in_batch_;
    for (Event& event : committed.events) {
        if (outage_ && event.kind == EventKind::store_failed) {
            continue; // said when it began
        }
        out.events.push_back(std::move(event));
    }
    recorder_.saved(true);
    for (const Ledger::Change& change : committed.changes) {
        if (ledger_.nodes().find(change.name) == nullptr) {
            recorder_.forget(change.name);
        }
    }
    outage_.reset();
    api_.set_store_works(true);
    history_.note_changes(committed.changes, ledger_.nodes());
    feed_.note_changes(committed.changes);
    watch_deadlines(committed.changes, now);
    if (governor_) {
        release_tickets(committed.changes);
    }
    answer_leases(true, out);
    if (site_in_batch_) {
        site_in_batch_ = false;
        merged_ = true;
        last_site_.reset();
        snapshot_due_ = true;
    }
    if (snapshot_due_) {
        publish_snapshot(out);
    } else {
        publish_changes(committed.changes, out);
    }
    answer_requests(true, out);
}

void Control::on_refused(const StoreError& error, const Now& now, ControlOutbox& out) {
    ++counters_.commit_failures;
    recorder_.saved(false);
    counters_.leases_refused += leases_in_batch_;
    store_retry_ = now.steady + store_retry_interval;
    api_.set_store_works(false);
    if (!outage_) {
        outage_ = Outage{now.wall, error.text};
        out.events.push_back({.id = 0,
                              .at = now.wall,
                              .kind = EventKind::store_failed,
                              .node = {},
                              .message = error.text});
    }
    if (site_in_batch_) {
        site_in_batch_ = false;
        if (new_site_ == nullptr) {
            new_site_ = installs_.site_ref();
        }
        installs_.set_site(std::exchange(last_site_, nullptr));
    }
    answer_leases(false, out);
    if (snapshot_due_) {
        publish_snapshot(out); // at start: known machines are served all the same
    }
    answer_requests(false, out);
}

void Control::answer_leases(bool durable, ControlOutbox& out) {
    for (const WaitingLease& lease : leases_waiting_) {
        out.messages.push_back({lease.worker, LeaseCommitted{lease.request, durable, lease.v6}});
    }
    leases_waiting_.clear();
    leases_in_batch_ = 0;
}

void Control::answer_requests(bool durable, ControlOutbox& out) {
    for (Waiting& waiting : requests_waiting_) {
        Answer answer;
        if (waiting.changes && !durable) {
            ++counters_.store_unavailable;
            answer =
                unavailable_answer(waiting.worker, "the store takes no changes now; ask again");
        } else {
            try {
                answer = waiting.decision();
            } catch (const std::exception& error) { // of a library
                answer = broken_answer(waiting.worker, error);
            }
        }
        out.messages.push_back(reply_to(waiting.worker, waiting.ticket, std::move(answer)));
    }
    requests_waiting_.clear();
}

void Control::watch_deadline(const std::string& name, Instant at) {
    if (const auto it = deadline_of_.find(name); it != deadline_of_.end()) {
        deadlines_.erase({it->second, name});
        deadline_of_.erase(it);
    }
    if (at != Instant::never()) {
        deadlines_.insert({at, name});
        deadline_of_.emplace(name, at);
    }
}

void Control::watch_deadlines(const std::vector<Ledger::Change>& changes, const Now& now) {
    for (const Ledger::Change& change : changes) {
        const NodeRecord* const node = ledger_.nodes().find(change.name);
        const UnixTime deadline = node == nullptr ? UnixTime{} : node->install.deadline;
        if (deadline == UnixTime{}) {
            watch_deadline(change.name, Instant::never());
        } else if (!change.before || change.before->install.deadline != deadline ||
                   !deadline_of_.contains(change.name)) {
            watch_deadline(change.name, now.steady + (deadline - now.wall));
        }
    }
}

} // namespace muster
