// SPDX-License-Identifier: Apache-2.0
// Who is answered with what, and what is kept. How fetches go on is in mirror_fetch.cc.
#include "core/mirror/mirror_engine.hh"

#include <algorithm>

namespace muster {

namespace {

/// The upstream's word is that nobody gets it; anything else may be otherwise the next time.
MirrorResult result_of(OpenError error) noexcept {
    const bool refused = error == OpenError::not_found || error == OpenError::forbidden;
    return refused ? MirrorResult::refused : MirrorResult::failed;
}

} // namespace

void MirrorEffects::clear() {
    replies.clear();
    commits.clear();
    endings.clear();
    parks.clear();
    removals.clear();
    checks.clear();
    requests.clear();
    notes.clear();
}

void MirrorEngine::restore(ObjectId id, ObjectRecord record, UnixTime checked, MirrorEffects& out) {
    last_object_ = std::max(last_object_, static_cast<std::uint64_t>(id));
    if (const auto known = by_url_.find(record.url); known != by_url_.end()) {
        if (known->second > id) {
            out.removals.push_back(id);
            return;
        }
        remove_object(known->second, out);
    }
    const std::uint64_t room = ObjectLru::room_of(record.size);
    lru_.reserve(room);
    lru_.add(id, room);
    by_url_.emplace(record.url, id);
    objects_.emplace(id, Object{std::move(record), checked, Instant{}});
    update_gauges();
}

bool MirrorEngine::restore_part(ObjectId id, ObjectRecord record, std::uint64_t received) {
    last_object_ = std::max(last_object_, static_cast<std::uint64_t>(id));
    if (record.strong_validator().empty() || received == 0 || received > record.size ||
        parts_.contains(record.url)) {
        return false;
    }
    const std::uint64_t room = ObjectLru::room_of(record.size);
    lru_.reserve(room);
    parts_.emplace(record.url, Part{id, record, received, room});
    update_gauges();
    return true;
}

void MirrorEngine::on_ask(const MirrorAsker& asker, const std::string& target, const Now& now,
                          MirrorEffects& out) {
    const auto refuse = [&](MirrorResult result, OpenError error) {
        metrics_.count(result);
        out.replies.push_back({asker, std::unexpected(error)});
    };
    const MirrorPlan* const plan = find_mirror(mirrors_, target);
    if (plan == nullptr) { // the worker's site is a moment older or younger
        refuse(MirrorResult::refused, OpenError::not_found);
        return;
    }
    const std::string url = upstream_url(*plan, target);
    if (const auto running = fetch_by_url_.find(url); running != fetch_by_url_.end()) {
        Fetch& fetch = fetches_.at(running->second);
        if (fetch.object && fetch.sized) {
            fetch.given = true;
            metrics_.count(MirrorResult::joined);
            out.replies.push_back(
                {asker, MirrorGrant{*fetch.object, now.wall, false, fetch.record.size}});
        } else if (waiting_ >= limits_.waiting_max) {
            refuse(MirrorResult::busy, OpenError::unavailable);
        } else {
            fetch.waiting.push_back(asker);
            ++waiting_;
            if (fetch.old && fetch.stale_at == Instant::never()) {
                fetch.stale_at = now.steady + limits_.stale_wait;
            }
        }
        return;
    }
    std::optional<ObjectId> old;
    if (const auto known = by_url_.find(url); known != by_url_.end()) {
        old = known->second;
        const Object& object = objects_.at(*old);
        lru_.touch(*old);
        if (is_fresh(object, *plan, mirror_kind(target), now)) {
            metrics_.count(MirrorResult::hit);
            out.replies.push_back(
                {asker, MirrorGrant{*old, object.checked, false, object.record.size}});
            return;
        }
        if (now.steady < object.retry_at) {
            metrics_.count(MirrorResult::stale);
            out.replies.push_back(
                {asker, MirrorGrant{*old, object.checked, true, object.record.size}});
            return;
        }
    } else if (const Refusal* refusal = refusal_of(url, now)) {
        refuse(result_of(refusal->error), refusal->error);
        return;
    }
    if (waiting_ >= limits_.waiting_max) {
        refuse(MirrorResult::busy, OpenError::unavailable);
        return;
    }
    begin_fetch(asker, *plan, url, old, now, out);
}

bool MirrorEngine::is_fresh(const Object& object, const MirrorPlan& plan, MirrorKind kind,
                            const Now& now) const noexcept {
    if (kind == MirrorKind::package) {
        return true;
    }
    // A clock that was set back makes nothing fresh for longer.
    return now.wall >= object.checked && now.wall - object.checked < plan.revalidate;
}

const MirrorEngine::Refusal* MirrorEngine::refusal_of(const std::string& url, const Now& now) {
    const auto found = refusals_.find(url);
    return found != refusals_.end() && now.steady < found->second.until ? &found->second : nullptr;
}

void MirrorEngine::remember_refusal(const std::string& url, OpenError error, Instant until) {
    if (refusals_.insert_or_assign(url, Refusal{error, until}).second) {
        refusal_order_.push_back(url);
    }
    while (refusal_order_.size() > limits_.refusals_max) {
        refusals_.erase(refusal_order_.front());
        refusal_order_.pop_front();
    }
}

std::uint64_t MirrorEngine::size_of(const Fetch& fetch, ObjectId id) const {
    if (fetch.object == id) {
        return fetch.record.size;
    }
    const ObjectRecord* const record = find_record(id);
    return record == nullptr ? 0 : record->size;
}

/// To all that wait; the first of them made it be asked for.
void MirrorEngine::grant_all(Fetch& fetch, ObjectId id, UnixTime checked, bool stale,
                             MirrorEffects& out) {
    const bool is_old = fetch.old == id;
    const std::uint64_t size = size_of(fetch, id);
    for (std::size_t i = 0; i < fetch.waiting.size(); ++i) {
        metrics_.count(stale    ? MirrorResult::stale
                       : is_old ? MirrorResult::revalidated
                       : i == 0 ? MirrorResult::fetched
                                : MirrorResult::joined);
        out.replies.push_back({fetch.waiting[i], MirrorGrant{id, checked, stale, size}});
    }
    fetch.given = fetch.given || (!fetch.waiting.empty() && fetch.object == id);
    waiting_ -= fetch.waiting.size();
    fetch.waiting.clear();
    fetch.stale_at = Instant::never();
}

void MirrorEngine::refuse_all(Fetch& fetch, OpenError error, MirrorEffects& out) {
    for (const MirrorAsker& asker : fetch.waiting) {
        metrics_.count(result_of(error));
        out.replies.push_back({asker, std::unexpected(error)});
    }
    waiting_ -= fetch.waiting.size();
    fetch.waiting.clear();
    fetch.stale_at = Instant::never();
}

void MirrorEngine::remove_object(ObjectId id, MirrorEffects& out) {
    const auto found = objects_.find(id);
    if (found == objects_.end()) {
        return;
    }
    if (const auto named = by_url_.find(found->second.record.url);
        named != by_url_.end() && named->second == id) {
        by_url_.erase(named);
    }
    lru_.remove(id);
    objects_.erase(found);
    out.removals.push_back(id);
}

/// What was not continued goes first, then what was not asked for the longest.
void MirrorEngine::make_room(MirrorEffects& out) {
    while (lru_.used() > lru_.max() && !parts_.empty()) {
        const auto part = parts_.begin();
        lru_.release(part->second.room);
        out.removals.push_back(part->second.object);
        parts_.erase(part);
        metrics_.evicted.add();
    }
    while (const auto id = lru_.excess()) {
        remove_object(*id, out);
        metrics_.evicted.add();
    }
    update_gauges();
}

/// Room for what arrives. What is larger than the whole cache drives nobody out: it is not kept.
void MirrorEngine::reserve(Fetch& fetch, std::uint64_t room, MirrorEffects& out) {
    lru_.release(fetch.room);
    fetch.kept = room <= lru_.max();
    fetch.room = fetch.kept ? room : 0;
    lru_.reserve(fetch.room);
    make_room(out);
}

void MirrorEngine::update_gauges() noexcept {
    metrics_.bytes.set(lru_.used());
    metrics_.bytes_max.set(lru_.max());
    metrics_.objects.set(objects_.size());
    metrics_.fetches.set(fetches_.size());
}

void MirrorEngine::on_committed(ObjectId id, bool durable, const Now& now, MirrorEffects& out) {
    if (durable) {
        return;
    }
    metrics_.store_failures.add();
    if (const auto found = objects_.find(id); found != objects_.end()) {
        remember_refusal(found->second.record.url, OpenError::unavailable,
                         now.steady + limits_.failure_time);
    }
    remove_object(id, out);
    update_gauges();
}

void MirrorEngine::expire(const Now& now, MirrorEffects& out) {
    for (auto& [id, fetch] : fetches_) {
        if (fetch.stale_at <= now.steady && fetch.old) {
            if (const auto old = objects_.find(*fetch.old); old != objects_.end()) {
                out.notes.push_back({true, fetch.url + ": the upstream does not answer; the "
                                                       "version of the cache is given"});
                // Whoever asks while this goes on waits no more.
                old->second.retry_at = now.steady + limits_.stale_retry;
                grant_all(fetch, *fetch.old, old->second.checked, true, out);
            }
            fetch.stale_at = Instant::never();
        }
        if (fetch.state == Fetch::State::resting && fetch.rests_until <= now.steady) {
            fetch.state = Fetch::State::queued;
            queue_.push_back(id);
        }
    }
    start_queued(out);
    while (!refusal_order_.empty()) {
        const auto refusal = refusals_.find(refusal_order_.front());
        if (refusal != refusals_.end() && refusal->second.until > now.steady) {
            break;
        }
        if (refusal != refusals_.end()) {
            refusals_.erase(refusal);
        }
        refusal_order_.pop_front();
    }
}

Instant MirrorEngine::next_deadline() const noexcept {
    Instant next = Instant::never();
    for (const auto& [id, fetch] : fetches_) {
        next =
            std::min({next, fetch.stale_at,
                      fetch.state == Fetch::State::resting ? fetch.rests_until : Instant::never()});
    }
    return next;
}

} // namespace muster
