// SPDX-License-Identifier: Apache-2.0
// The way of a fetch: asked, answered, stored, tried again, given up.
#include "core/base/check.hh"
#include "core/mirror/mirror_engine.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

/// RFC 9110 section 8.8.2.2: a date is a strong validator only if the file did not change in the
/// minute before the answer.
constexpr Duration settled_time = std::chrono::minutes{1};

/// Answers that may be another one in a moment.
bool may_pass(std::uint16_t status) noexcept {
    return status >= 500 || status == 408 || status == 425 || status == 429;
}

ObjectRecord record_of(const std::string& url, const UpstreamAnswer& answer, UnixTime now) {
    ObjectRecord record;
    record.url = url;
    record.etag = answer.etag;
    record.last_modified = answer.last_modified;
    record.content_type = answer.content_type;
    record.modified = answer.modified;
    record.fetched = now;
    record.size = answer.content_length.value_or(0);
    record.dated_well = answer.modified.ms > 0 && answer.answered.ms > 0 &&
                        answer.answered - answer.modified >= settled_time;
    return record;
}

} // namespace

void MirrorEngine::begin_fetch(const MirrorAsker& asker, const MirrorPlan& plan,
                               const std::string& url, std::optional<ObjectId> old, const Now& now,
                               MirrorEffects& out) {
    const FetchId id{++last_fetch_};
    Fetch fetch;
    fetch.url = url;
    fetch.ca = plan.ca;
    fetch.old = old;
    fetch.waiting.push_back(asker);
    ++waiting_;
    if (old) {
        fetch.stale_at = now.steady + limits_.stale_wait;
    }
    if (const auto part = parts_.find(url); part != parts_.end()) {
        fetch.object = part->second.object;
        fetch.record = part->second.record;
        fetch.received = part->second.received;
        fetch.room = part->second.room;
        parts_.erase(part);
    }
    fetch_by_url_.emplace(url, id);
    fetches_.emplace(id, std::move(fetch));
    queue_.push_back(id);
    start_queued(out);
    update_gauges();
}

void MirrorEngine::start_queued(MirrorEffects& out) {
    while (!queue_.empty() && running_ < limits_.fetches_max) {
        const FetchId id = queue_.front();
        queue_.pop_front();
        start(id, fetches_.at(id), out);
    }
}

void MirrorEngine::start(FetchId id, Fetch& fetch, MirrorEffects& out) {
    fetch.state = Fetch::State::running;
    fetch.storing = false;
    fetch.retries = false;
    fetch.rests_until = Instant::never();
    ++fetch.attempt;
    ++running_;
    metrics_.upstream_requests.add();
    UpstreamRequest request{.fetch = id,
                            .url = fetch.url,
                            .ca = fetch.ca,
                            .if_none_match = {},
                            .if_modified_since = {},
                            .from = 0,
                            .if_range = {}};
    if (fetch.received > 0 && is_resumable(fetch)) {
        request.from = fetch.received;
        request.if_range = fetch.record.strong_validator();
    } else if (const Object* old = old_of(fetch); old != nullptr && !fetch.object) {
        request.if_none_match = old->record.etag;
        request.if_modified_since = old->record.last_modified;
    }
    out.requests.push_back(std::move(request));
}

BodyOrder MirrorEngine::on_answer(FetchId id, const UpstreamAnswer& answer, const Now& now,
                                  MirrorEffects& out) {
    const auto at = fetches_.find(id);
    if (at == fetches_.end() || at->second.state != Fetch::State::running || at->second.settled) {
        return {};
    }
    Fetch& fetch = at->second;
    fetch.error = OpenError::bad_gateway;
    if (answer.malformed) {
        return {};
    }
    switch (answer.status) {
    case 200:
    case 206:
        return take_body(fetch, answer, now, out);
    case 304:
        if (Object* old = old_of(fetch); old != nullptr && !fetch.object) {
            old->checked = now.wall;
            old->retry_at = {};
            out.checks.push_back({*fetch.old, now.wall});
            grant_all(fetch, *fetch.old, now.wall, false, out);
            settle(fetch);
        } else {
            fetch.retries = true; // it was evicted meanwhile
        }
        return {};
    case 404:
    case 410:
        drop_object(fetch, out);
        if (fetch.old) { // it was, and is not any more
            remove_object(*fetch.old, out);
            fetch.old.reset();
        }
        remember_refusal(fetch.url, OpenError::not_found, now.steady + limits_.refusal_time);
        refuse_all(fetch, OpenError::not_found, out);
        settle(fetch);
        return {};
    case 416: // what we have is not the beginning of what is there now
        if (fetch.object) {
            drop_object(fetch, out);
            fetch.retries = true;
        }
        return {};
    default:
        fetch.retries = may_pass(answer.status);
        if (fetch.retries && answer.retry_after_s > 0) {
            fetch.rests_until =
                now.steady +
                std::min<Duration>(std::chrono::seconds{answer.retry_after_s}, limits_.retry_max);
        } else if ((answer.status == 401 || answer.status == 403) && old_of(fetch) == nullptr) {
            drop_object(fetch, out);
            remember_refusal(fetch.url, OpenError::forbidden, now.steady + limits_.refusal_time);
            refuse_all(fetch, OpenError::forbidden, out);
            settle(fetch);
        }
        return {};
    }
}

/// All that waited are answered, and nobody joins any more: who asks now is a new case.
void MirrorEngine::settle(Fetch& fetch) {
    fetch.settled = true;
    fetch_by_url_.erase(fetch.url);
}

/// The version that is revalidated, unless it was evicted meanwhile.
MirrorEngine::Object* MirrorEngine::old_of(const Fetch& fetch) {
    const auto found = fetch.old ? objects_.find(*fetch.old) : objects_.end();
    return found == objects_.end() ? nullptr : &found->second;
}

/// A later part of the same bytes can be asked for.
bool MirrorEngine::is_resumable(const Fetch& fetch) {
    return fetch.object && fetch.record.size > 0 && !fetch.record.strong_validator().empty();
}

bool MirrorEngine::same_version(const Fetch& fetch, const UpstreamAnswer& answer) {
    const ObjectRecord& record = fetch.record;
    const std::string_view known = record.strong_validator();
    if (known.empty()) {
        return false;
    }
    return known == record.etag ? answer.etag == known : answer.last_modified == known;
}

BodyOrder MirrorEngine::take_body(Fetch& fetch, const UpstreamAnswer& answer, const Now& now,
                                  MirrorEffects& out) {
    if (answer.status == 206) {
        // A part that follows ours. RFC 9110 section 15.3.7.3: of the same version, which If-Range
        // has seen to; the sizes are looked at because not every server knows If-Range.
        const bool fits =
            fetch.object && fetch.received > 0 && answer.range &&
            answer.range->first == fetch.received &&
            (!answer.range->whole || *answer.range->whole == fetch.record.size) &&
            answer.range->last + 1 == fetch.record.size &&
            (answer.etag.empty() || fetch.record.etag.empty() || answer.etag == fetch.record.etag);
        if (!fits) {
            drop_object(fetch, out);
            fetch.retries = true;
            return {};
        }
        metrics_.upstream_resumed.add();
        return continue_object(fetch, 0, now, out);
    }
    if (fetch.object) {
        // All of it again. If it is the same version, only what is missing is of use.
        if (same_version(fetch, answer) && answer.content_length == fetch.record.size) {
            return continue_object(fetch, fetch.received, now, out);
        }
        drop_object(fetch, out);
    }
    return begin_object(fetch, answer, now, out);
}

/// What comes follows what there is, once its first `skip` bytes are left out.
BodyOrder MirrorEngine::continue_object(Fetch& fetch, std::uint64_t skip, const Now& now,
                                        MirrorEffects& out) {
    fetch.sized = true;
    fetch.storing = true;
    grant_all(fetch, *fetch.object, now.wall, false, out);
    return {.kind = BodyOrder::Kind::store,
            .object = *fetch.object,
            .create = false,
            .skip = skip,
            .have = fetch.received,
            .record = &fetch.record,
            .limit = skip + fetch.record.size - fetch.received};
}

BodyOrder MirrorEngine::begin_object(Fetch& fetch, const UpstreamAnswer& answer, const Now& now,
                                     MirrorEffects& out) {
    fetch.object = ObjectId{++last_object_};
    fetch.record = record_of(fetch.url, answer, now.wall);
    fetch.received = 0;
    fetch.sized = answer.content_length.has_value();
    fetch.storing = true;
    reserve(fetch, ObjectLru::room_of(fetch.record.size), out);
    const BodyOrder order{.kind = BodyOrder::Kind::store,
                          .object = *fetch.object,
                          .create = true,
                          .skip = 0,
                          .have = 0,
                          .record = &fetch.record,
                          .limit = answer.content_length};
    if (fetch.sized) { // without a length nobody can be told how much comes: they wait for the end
        grant_all(fetch, *fetch.object, now.wall, false, out);
    }
    return order;
}

/// What has arrived is of no use any more: who reads it has had all there is.
void MirrorEngine::drop_object(Fetch& fetch, MirrorEffects& out) {
    if (!fetch.object) {
        return;
    }
    lru_.release(fetch.room);
    fetch.room = 0;
    out.endings.push_back(*fetch.object);
    out.removals.push_back(*fetch.object);
    fetch.object.reset();
    fetch.received = 0;
    fetch.sized = false;
    fetch.storing = false;
    fetch.given = false;
}

void MirrorEngine::on_stored(FetchId id, std::uint64_t bytes, MirrorEffects& out) {
    const auto at = fetches_.find(id);
    if (at == fetches_.end() || !at->second.storing) {
        return;
    }
    Fetch& fetch = at->second;
    metrics_.upstream_bytes.add(bytes);
    fetch.received += bytes;
    fetch.attempt = 1; // it moves: what comes next is a first attempt again
    MUSTER_CHECK(!fetch.sized || fetch.received <= fetch.record.size);
    if (!fetch.sized && fetch.kept && ObjectLru::room_of(fetch.received) > fetch.room) {
        // In steps: eviction is not looked at for each packet.
        constexpr std::uint64_t step = 1 << 20;
        reserve(fetch, ObjectLru::room_of(fetch.received + step), out);
    }
}

void MirrorEngine::on_end(FetchId id, UpstreamEnd end, std::string_view why, const Now& now,
                          MirrorEffects& out) {
    const auto at = fetches_.find(id);
    if (at == fetches_.end() || at->second.state != Fetch::State::running) {
        return;
    }
    Fetch& fetch = at->second;
    --running_;
    if (fetch.settled) {
        forget(at, out);
        return;
    }
    const bool whole = fetch.storing && end == UpstreamEnd::complete &&
                       (!fetch.sized || fetch.received == fetch.record.size);
    if (whole) {
        complete(fetch, now, out);
        forget(at, out);
        return;
    }
    metrics_.upstream_failures.add();
    switch (end) {
    case UpstreamEnd::complete: // with a status or a length that is no use
        break;
    case UpstreamEnd::timeout:
        fetch.error = OpenError::gateway_timeout;
        fetch.retries = true;
        break;
    case UpstreamEnd::unreachable:
    case UpstreamEnd::broken:
        fetch.error = OpenError::bad_gateway;
        fetch.retries = true;
        break;
    case UpstreamEnd::untrusted:
    case UpstreamEnd::redirects:
        fetch.error = OpenError::bad_gateway;
        fetch.retries = false;
        break;
    case UpstreamEnd::no_room:
        metrics_.store_failures.add();
        fetch.error = OpenError::unavailable;
        fetch.retries = false;
        drop_object(fetch, out);
        break;
    }
    attempt_failed(at, why, now, out);
}

void MirrorEngine::complete(Fetch& fetch, const Now& now, MirrorEffects& out) {
    const ObjectId id = *fetch.object;
    fetch.record.size = fetch.received;
    if (!fetch.sized) {
        reserve(fetch, ObjectLru::room_of(fetch.received), out);
        fetch.sized = true;
    }
    if (fetch.old) {
        remove_object(*fetch.old, out);
    }
    if (fetch.kept) {
        lru_.add(id, fetch.room); // reserved until now
        fetch.room = 0;
        objects_.insert_or_assign(id, Object{fetch.record, now.wall, Instant{}});
        by_url_.insert_or_assign(fetch.url, id);
        out.commits.push_back({id, fetch.record});
    } else {
        out.endings.push_back(id);
        out.removals.push_back(id);
        out.notes.push_back({true, fmt::format("{}: {} bytes are more than the whole cache may "
                                               "hold (--cache-size); not kept",
                                               fetch.url, fetch.received)});
    }
    grant_all(fetch, id, now.wall, false, out);
    fetch.object.reset();
    refusals_.erase(fetch.url);
}

/// Another attempt, or the end of it.
void MirrorEngine::attempt_failed(Fetches::iterator at, std::string_view why, const Now& now,
                                  MirrorEffects& out) {
    Fetch& fetch = at->second;
    if (fetch.object && !is_resumable(fetch)) {
        // Its next version may be another one: nobody can go on reading this one.
        const bool was_given = fetch.given;
        drop_object(fetch, out);
        if (was_given && fetch.waiting.empty()) {
            out.notes.push_back({true, fmt::format("{}: broken off: {}", fetch.url, why)});
            forget(at, out);
            return;
        }
    }
    const bool nobody = fetch.waiting.empty() && !fetch.object;
    const unsigned most =
        old_of(fetch) != nullptr ? limits_.stale_attempts_max : limits_.attempts_max;
    if (!fetch.retries || nobody || fetch.attempt >= most) {
        give_up(at, why, now, out);
        return;
    }
    Duration pause = limits_.retry_first;
    for (unsigned i = 1; i < fetch.attempt && pause < limits_.retry_max; ++i) {
        pause *= 2;
    }
    const Instant due = now.steady + std::min(pause, limits_.retry_max);
    // Retry-After, if there was one, has set a later time.
    fetch.rests_until =
        fetch.rests_until == Instant::never() ? due : std::max(due, fetch.rests_until);
    fetch.state = Fetch::State::resting;
    out.notes.push_back(
        {false, fmt::format("{}: attempt {} failed: {}", fetch.url, fetch.attempt, why)});
    start_queued(out);
}

void MirrorEngine::give_up(Fetches::iterator at, std::string_view why, const Now& now,
                           MirrorEffects& out) {
    Fetch& fetch = at->second;
    out.notes.push_back({true, fmt::format("{}: given up: {}", fetch.url, why)});
    if (Object* old = old_of(fetch)) {
        old->retry_at = now.steady + limits_.stale_retry;
        grant_all(fetch, *fetch.old, old->checked, true, out);
    } else {
        remember_refusal(fetch.url, fetch.error, now.steady + limits_.failure_time);
    }
    refuse_all(fetch, fetch.error, out);
    if (fetch.object) { // whoever asks next continues it
        if (fetch.kept && fetch.received > 0 && is_resumable(fetch)) {
            out.endings.push_back(*fetch.object);
            out.parks.push_back(*fetch.object);
            parts_.insert_or_assign(fetch.url, Part{*fetch.object, fetch.record, fetch.received,
                                                    std::exchange(fetch.room, 0)});
            fetch.object.reset();
        } else {
            drop_object(fetch, out);
        }
    }
    forget(at, out);
}

void MirrorEngine::forget(Fetches::iterator at, MirrorEffects& out) {
    MUSTER_CHECK(at->second.waiting.empty());
    lru_.release(at->second.room);
    if (!at->second.settled) { // else the name may be another fetch's by now
        fetch_by_url_.erase(at->second.url);
    }
    fetches_.erase(at);
    make_room(out);
    start_queued(out);
    update_gauges();
}

} // namespace muster
