// SPDX-License-Identifier: Apache-2.0
#include "io/mirror/mirror_thread.hh"

#include "io/host/clock.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

/// Requests of one worker that may be on their way.
constexpr std::size_t port_capacity = 8192;
/// How often workers are told of growth: each time costs them a look at all that wait.
constexpr Duration growth_interval = std::chrono::milliseconds{1};
constexpr Duration idle_wait = std::chrono::seconds{1};
/// Files that are held open though nobody reads them now.
constexpr std::size_t open_max = 1024;
/// How fine the order of use is that survives a restart.
constexpr Duration use_note_interval = std::chrono::minutes{5};

} // namespace

MirrorThread::MirrorThread(MirrorOptions options)
    : options_(std::move(options)),
      store_(options_.folder),
      engine_(options_.limits),
      upstream_(*this, options_.upstream) {}

MirrorThread::~MirrorThread() {
    stop();
}

MirrorPort& MirrorThread::add_worker(const Wake& worker) {
    ports_.push_back(std::make_unique<MirrorPort>(port_capacity, worker, wake_));
    return *ports_.back();
}

void MirrorThread::start(std::vector<MirrorPlan> mirrors) {
    disk_thread_ = std::thread{[this] {
        run_disk();
    }};
    set_mirrors(std::move(mirrors));
    thread_ = std::thread{[this] {
        run();
    }};
}

void MirrorThread::set_mirrors(std::vector<MirrorPlan> mirrors) {
    {
        const std::lock_guard lock{orders_mutex_};
        orders_.emplace_back([this, plans = std::move(mirrors)]() mutable {
            if (!plans.empty() && !usable_) {
                open_cache();
            }
            engine_.set_mirrors(std::move(plans));
        });
    }
    wake_.signal();
}

void MirrorThread::stop() {
    if (!thread_.joinable()) {
        return;
    }
    stopping_.store(true, std::memory_order_release); // pairs with run()
    wake_.signal();
    thread_.join();
    {
        const std::lock_guard lock{disk_mutex_};
        disk_ends_ = true;
    }
    disk_wake_.notify_one();
    disk_thread_.join();
}

void MirrorThread::open_cache() {
    if (auto prepared = store_.prepare(); !prepared) {
        options_.log(true, "mirrors answer 503: --cache " + prepared.error().text());
        return;
    }
    MirrorStore::Found found = store_.scan();
    for (MirrorStore::Whole& whole : found.whole) {
        engine_.restore(whole.id, std::move(whole.record), whole.checked, out_);
    }
    for (MirrorStore::Part& part : found.parts) {
        if (!engine_.restore_part(part.id, std::move(part.record), part.received)) {
            store_.remove(part.id);
        }
    }
    engine_.restored(out_);
    engine_.metrics().unreliable.add(found.thrown_away);
    usable_ = true;
    options_.log(false, fmt::format("mirrors: {} files in the cache, {} bytes; {} to be continued, "
                                    "{} thrown away",
                                    found.whole.size(), engine_.bytes_used(), found.parts.size(),
                                    found.thrown_away));
}

void MirrorThread::run() {
    now_ = read_clock();
    while (!stopping_.load(std::memory_order_acquire)) { // pairs with stop()
        take_orders();
        take_asks();
        upstream_.step();
        now_ = read_clock();
        engine_.expire(now_, out_);
        apply();
        bool behind = tell_growth();
        for (const auto& port : ports_) {
            behind = !port->flush() || behind;
        }
        close_idle();
        const Instant next = engine_.next_deadline();
        Duration wait = next == Instant::never()
                            ? idle_wait
                            : std::clamp(next - now_.steady, Duration{}, idle_wait);
        if (behind) {
            wait = std::min(wait, growth_interval);
        }
        // Whole milliseconds, and not too early.
        upstream_.wait(wake_.get(), wait + 999us);
        wake_.clear();
        now_ = read_clock();
    }
    park_all();
}

void MirrorThread::take_orders() {
    std::vector<std::function<void()>> orders;
    {
        const std::lock_guard lock{orders_mutex_};
        orders.swap(orders_);
    }
    for (const auto& order : orders) {
        order();
    }
}

void MirrorThread::take_asks() {
    for (std::size_t worker = 0; worker < ports_.size(); ++worker) {
        MirrorAsk ask;
        while (ports_[worker]->take(ask)) {
            const MirrorAsker asker{static_cast<std::uint8_t>(worker), ask.ticket};
            if (usable_) {
                engine_.on_ask(asker, ask.target, now_, out_);
            } else {
                out_.replies.push_back({asker, std::unexpected(OpenError::unavailable)});
            }
        }
    }
    apply();
}

BodyOrder MirrorThread::on_answer(FetchId fetch, const UpstreamAnswer& answer) {
    const BodyOrder order = engine_.on_answer(fetch, answer, now_, out_);
    if (order.kind != BodyOrder::Kind::store) {
        return order;
    }
    OpenObject& object = open_[order.object];
    object.busy = true;
    object.used = now_.steady;
    object.record = *order.record;
    if (!object.file) {
        auto file = order.create ? store_.create_part(order.object)
                                 : store_.open_part(order.object, order.have);
        if (file) {
            object.file = std::make_shared<MirrorFile>(std::move(*file), order.have, false);
        } else {
            options_.log(true, "--cache: " + file.error().text());
        }
    }
    if (object.file && order.create && object.record.size > 0 &&
        !object.record.strong_validator().empty()) {
        store_.describe_part(order.object, object.record, false);
    }
    return order;
}

bool MirrorThread::on_body(FetchId fetch, ObjectId id, Bytes bytes) {
    const auto object = open_.find(id);
    if (object == open_.end() || !object->second.file || !object->second.file->append(bytes)) {
        return false;
    }
    engine_.on_stored(fetch, bytes.size(), out_);
    grown_ = true;
    return true;
}

void MirrorThread::on_end(FetchId fetch, UpstreamEnd end, std::string_view why) {
    engine_.on_end(fetch, end, why, now_, out_);
}

/// Effects may make the engine say more.
void MirrorThread::apply() {
    for (const MirrorEffects::Reply& to : out_.replies) {
        reply(to);
    }
    for (const MirrorEffects::Commit& whole : out_.commits) {
        commit(whole);
    }
    for (const ObjectId id : out_.endings) {
        if (const auto object = open_.find(id); object != open_.end() && object->second.file) {
            object->second.file->end();
            grown_ = true;
        }
    }
    for (const ObjectId id : out_.parks) {
        open_.erase(id);
    }
    for (const ObjectId id : out_.removals) {
        open_.erase(id);
        post([this, id] { store_.remove(id); });
    }
    for (const MirrorEffects::Check& check : out_.checks) {
        post([this, check] { store_.note_times(check.object, check.at, {}); });
    }
    for (const UpstreamRequest& request : out_.requests) {
        upstream_.start(request);
    }
    for (const MirrorEffects::Note& note : out_.notes) {
        options_.log(note.warning, "mirror: " + note.text);
    }
    out_.clear();
}

void MirrorThread::reply(const MirrorEffects::Reply& to) {
    MirrorAnswer answer{to.asker.ticket, std::unexpected(OpenError::unavailable)};
    if (!to.grant) {
        answer.content = std::unexpected(to.grant.error());
    } else if (auto content = content_of(*to.grant)) {
        answer.content = std::move(content);
    }
    ports_[to.asker.worker]->answer(std::move(answer));
}

std::shared_ptr<const MirrorContent> MirrorThread::content_of(const MirrorGrant& grant) {
    auto found = open_.find(grant.object);
    if (found == open_.end() || !found->second.file) {
        const ObjectRecord* const record = engine_.find_record(grant.object);
        if (record == nullptr) {
            return nullptr;
        }
        auto file = store_.open_object(grant.object);
        if (!file) {
            options_.log(true, "--cache: " + file.error().text());
            return nullptr;
        }
        OpenObject object;
        object.file = std::make_shared<MirrorFile>(std::move(*file), record->size, true);
        object.record = *record;
        found = open_.insert_or_assign(grant.object, std::move(object)).first;
    }
    OpenObject& object = found->second;
    object.used = now_.steady;
    object.record.size = grant.size;
    if (!object.file->map(grant.size)) {
        options_.log(true, fmt::format("--cache: mapping {}: {}", object.record.url,
                                       std::strerror(errno))); // NOLINT(concurrency-mt-unsafe)
        return nullptr;
    }
    // While it arrives every moment is a new `checked`; nobody looks at the seconds of that.
    const bool same = object.content && object.content->stale == grant.stale &&
                      (object.busy || object.content->checked == grant.checked);
    if (!same) {
        object.content = std::make_shared<const MirrorContent>(
            object.file, object.record, grant.object, grant.checked, grant.stale);
    }
    if (!object.busy && now_.wall - object.noted > use_note_interval) {
        object.noted = now_.wall;
        post([this, id = grant.object, at = now_.wall] { store_.note_times(id, {}, at); });
    }
    return object.content;
}

void MirrorThread::commit(const MirrorEffects::Commit& whole) {
    const auto found = open_.find(whole.object);
    if (found == open_.end() || !found->second.file) {
        engine_.on_committed(whole.object, false, now_, out_);
        return;
    }
    OpenObject& object = found->second;
    object.file->end();
    grown_ = true;
    post([this, file = object.file, whole] {
        const auto done = store_.commit(file->descriptor(), whole.object, whole.record);
        const std::string error = done ? std::string{} : done.error().text();
        const std::lock_guard lock{orders_mutex_};
        orders_.emplace_back([this, id = whole.object, error] {
            if (const auto kept = open_.find(id); kept != open_.end()) {
                kept->second.busy = false;
            }
            if (!error.empty()) {
                options_.log(true, "--cache: " + error);
            }
            engine_.on_committed(id, error.empty(), now_, out_);
        });
        wake_.signal();
    });
}

bool MirrorThread::tell_growth() {
    if (!grown_) {
        return false;
    }
    if (now_.steady - told_ < growth_interval) {
        return true;
    }
    grown_ = false;
    told_ = now_.steady;
    for (const auto& port : ports_) {
        port->tell_growth();
    }
    return false;
}

void MirrorThread::close_idle() {
    if (now_.steady < next_sweep_ || open_.size() <= open_max) {
        return;
    }
    next_sweep_ = now_.steady + idle_wait;
    std::vector<std::pair<Instant, ObjectId>> idle;
    for (const auto& [id, object] : open_) {
        if (!object.busy && object.content.use_count() <= 1) {
            idle.emplace_back(object.used, id);
        }
    }
    std::ranges::sort(idle);
    const std::size_t surplus = open_.size() - open_max;
    for (std::size_t i = 0; i < std::min(surplus, idle.size()); ++i) {
        open_.erase(idle[i].second);
    }
}

/// What is arriving goes on in the next run, also if that is after the machine was switched off.
void MirrorThread::park_all() {
    for (const auto& [id, object] : open_) {
        const bool arriving = object.busy && object.file && !object.file->ended();
        if (arriving && object.record.size > 0 && !object.record.strong_validator().empty() &&
            ::fdatasync(object.file->descriptor()) == 0) {
            store_.describe_part(id, object.record, true);
        }
    }
}

void MirrorThread::run_disk() {
    std::unique_lock lock{disk_mutex_};
    for (;;) {
        disk_wake_.wait(lock, [this] { return disk_ends_ || !disk_work_.empty(); });
        if (disk_work_.empty()) {
            return;
        }
        const std::function<void()> work = std::move(disk_work_.front());
        disk_work_.pop_front();
        lock.unlock();
        work();
        lock.lock();
    }
}

void MirrorThread::post(std::function<void()> work) {
    {
        const std::lock_guard lock{disk_mutex_};
        disk_work_.push_back(std::move(work));
    }
    disk_wake_.notify_one();
}

} // namespace muster
