// SPDX-License-Identifier: Apache-2.0
#include "core/control/governor.hh"

#include <algorithm>
#include <chrono>
#include <limits>
#include <tuple>
#include <utility>

namespace muster {
namespace {

using namespace std::chrono_literals;

/// What is sent is counted in periods of this length: longer than the time between two reports of
/// a transfer, as a rule.
constexpr Duration period = 2s;
/// Whoever comes for its turn later than this after it was to ask loses it to the next, though
/// not its place.
constexpr Duration late = 5s;
/// Between two reports of one transfer; what is longer was no transfer.
constexpr Duration gap_max = 15s;
/// While each machine gets this much of what one got at best, the link has room for more.
constexpr double roomy = 0.85;
/// What was best is forgotten slowly: others boot later, from another disk.
constexpr double forget = 0.995;
constexpr double recent = 0.3;     ///< weight of the last period
constexpr double remember = 0.985; ///< weight of all before it, where a minute counts
/// Above this share of a known link there is nothing to be won by more slots.
constexpr double full = 0.9; // headers are not counted
/// Machines are not all alike, and do not take turns nicely.
constexpr double spare = 1.5;
// How fast slots change, a period.
constexpr double up = 0.12;
constexpr double up_further = 0.02; ///< beyond what seems enough
constexpr double down = 0.93;
/// Seconds. When all that is left takes less, nobody's place matters any more, but that some would
/// begin late what they do by themselves.
constexpr double soon = 30;
/// Of one machine in what machines load.
constexpr double size_weight = 0.1;
constexpr unsigned slots_max = 100'000;

double seconds(Duration duration) noexcept {
    return std::chrono::duration<double>(duration).count();
}

/// Of a known link, fifteen machines a Gbit/s: what one takes at most is not known yet.
unsigned first_slots(const GovernorOptions& options) noexcept {
    if (options.slots != 0) {
        return options.slots;
    }
    if (options.egress == 0) {
        return Governor::slots_first;
    }
    return static_cast<unsigned>(
        std::clamp<std::uint64_t>(options.egress / 8'000'000, Governor::slots_min, slots_max));
}

} // namespace

Governor::Governor(const GovernorOptions& options)
    : options_(options), slots_(first_slots(options)) {}

std::size_t Governor::index_of(const Place& place) const noexcept {
    const auto key = [](const Place& p) {
        return std::tuple{-p.priority, p.arrival};
    };
    const auto at =
        std::lower_bound(arrivals_.begin(), arrivals_.end(), place,
                         [&](const Place& a, const Place& b) { return key(a) < key(b); });
    return static_cast<std::size_t>(at - arrivals_.begin());
}

std::optional<Governor::Wait> Governor::ask(std::string_view node, int priority) {
    if (const auto ticket = tickets_.find(node); ticket != tickets_.end()) {
        ticket->second.last_traffic = now_; // it boots again, or its loader tries again
        return std::nullopt;
    }
    auto known = place_of_.find(node);
    if (known != place_of_.end() && known->second.priority != priority) {
        const Instant since = queue_[index_of(known->second)].since;
        const std::uint64_t arrival = known->second.arrival;
        leave_queue(node);
        const Place place{.priority = priority, .arrival = arrival};
        const auto index = static_cast<std::ptrdiff_t>(index_of(place));
        arrivals_.insert(arrivals_.begin() + index, place);
        queue_.insert(queue_.begin() + index,
                      {std::string{node}, priority, since, now_, ask_again_min});
        known = place_of_.emplace(node, place).first;
    }
    const std::size_t free = slots_ - std::min<std::size_t>(slots_, tickets_.size());
    if (known == place_of_.end()) {
        const Place place{.priority = priority, .arrival = next_arrival_};
        const std::size_t index = index_of(place);
        if (punctual_before(index, free) < free) {
            admit(node, {});
            return std::nullopt;
        }
        ++next_arrival_;
        arrivals_.insert(arrivals_.begin() + static_cast<std::ptrdiff_t>(index), place);
        queue_.insert(queue_.begin() + static_cast<std::ptrdiff_t>(index),
                      {std::string{node}, priority, now_, now_, ask_again_min});
        known = place_of_.emplace(node, place).first;
    }
    const std::size_t index = index_of(known->second);
    Waiting& waiting = queue_[index];
    if (punctual_before(index, free) < free) {
        const Duration waited = now_ - waiting.since;
        leave_queue(node);
        admit(node, waited);
        return std::nullopt;
    }
    ++counters_.told_to_wait;
    const auto turn = expected(index - std::min(index, free));
    waiting.asked = now_;
    waiting.ask_again = pause(index, turn);
    return Wait{.place = index + 1,
                .waiting = queue_.size(),
                .waited = now_ - waiting.since,
                .ask_again = waiting.ask_again,
                .expected = turn};
}

/// Half of what is left to wait: it is there when its turn comes, and asks a few times only. Those
/// in front ask often, whatever the turns were so far: slots may be raised at any moment.
Duration Governor::pause(std::size_t index, std::optional<Duration> turn) const noexcept {
    const auto rounds = static_cast<std::int64_t>(2 * index / slots_);
    const Duration by_place = ask_again_min * (1 + std::min<std::int64_t>(rounds, 1'000));
    return std::clamp(turn ? std::min(*turn / 2, by_place) : by_place, ask_again_min,
                      ask_again_max);
}

std::size_t Governor::place(std::string_view node) const noexcept {
    const auto known = place_of_.find(node);
    return known == place_of_.end() ? 0 : index_of(known->second) + 1;
}

/// How many of those before this place would come for a slot now; counts to `most`.
std::size_t Governor::punctual_before(std::size_t index, std::size_t most) const noexcept {
    std::size_t count = 0;
    for (std::size_t i = 0; i < index && count < most; ++i) {
        count += now_ <= queue_[i].asked + queue_[i].ask_again + late ? 1U : 0U;
    }
    return count;
}

std::optional<Duration> Governor::expected(std::size_t place) const noexcept {
    if (turns_ <= 0) {
        return std::nullopt;
    }
    const double left = static_cast<double>(place + 1) / turns_;
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(std::min(left, 86'400.0)));
}

void Governor::admit(std::string_view node, Duration waited) {
    ++counters_.admitted;
    ++period_admitted_;
    tickets_.insert_or_assign(std::string{node},
                              Ticket{.since = now_, .last_traffic = now_, .waited = waited});
}

Duration Governor::waited(std::string_view node) const noexcept {
    const auto ticket = tickets_.find(node);
    return ticket == tickets_.end() ? Duration{} : ticket->second.waited;
}

void Governor::readmit(std::string_view node) {
    if (!tickets_.contains(node)) {
        admit(node, {});
    }
}

void Governor::on_bytes(std::string_view node, std::uint64_t bytes) {
    period_bytes_ += bytes;
    const auto ticket = tickets_.find(node);
    if (ticket == tickets_.end()) {
        return;
    }
    // What it did between two transfers does not count: the first report of a transfer has no
    // bytes.
    const Duration since = now_ - std::exchange(ticket->second.last_traffic, now_);
    if (bytes > 0 && since <= gap_max) {
        period_loading_ += since;
        period_loaded_ += bytes;
    }
    ticket->second.bytes += bytes;
}

void Governor::release(std::string_view node) {
    if (const auto ticket = tickets_.find(node); ticket != tickets_.end()) {
        learn_size(ticket->second);
        tickets_.erase(ticket);
    }
    leave_queue(node);
}

void Governor::learn_size(const Ticket& ended) noexcept {
    const auto bytes = static_cast<double>(ended.bytes);
    seen_.machine_bytes +=
        (seen_.machine_bytes == 0 ? 1.0 : size_weight) * (bytes - seen_.machine_bytes);
}

void Governor::leave_queue(std::string_view node) {
    const auto known = place_of_.find(node);
    if (known == place_of_.end()) {
        return;
    }
    const auto index = static_cast<std::ptrdiff_t>(index_of(known->second));
    arrivals_.erase(arrivals_.begin() + index);
    queue_.erase(queue_.begin() + index);
    place_of_.erase(known);
}

void Governor::advance(Instant now) {
    now_ = std::max(now_, now);
    if (period_end_ == Instant::never()) {
        period_end_ = now_ + period;
    }
    if (now_ >= period_end_) {
        end_period();
        period_end_ = now_ + period;
    }
}

void Governor::end_period() {
    const double length = seconds(period + (now_ - period_end_));
    rate_ = static_cast<double>(period_bytes_) / length;
    const double turns = static_cast<double>(period_admitted_) / length;
    turns_ = turns_ == 0 ? turns : 0.7 * turns_ + 0.3 * turns;
    period_bytes_ = 0;
    period_admitted_ = 0;
    look_at_period(length);
    if (adapts()) {
        adapt();
    }
    drop_the_gone();
}

/// Machines that were switched off, or that somebody else boots now.
void Governor::drop_the_gone() {
    std::erase_if(tickets_, [&](const auto& entry) {
        const bool quiet = now_ - entry.second.last_traffic > quiet_max;
        counters_.quiet += quiet ? 1U : 0U;
        if (quiet) {
            learn_size(entry.second);
        }
        return quiet;
    });
    for (std::size_t i = 0; i < queue_.size();) {
        const Waiting& waiting = queue_[i];
        if (now_ - waiting.asked > 2 * ask_again_max + quiet_max) {
            ++counters_.gone;
            leave_queue(std::string{waiting.node});
        } else {
            ++i;
        }
    }
}

/// What was seen lately, the latest weighing most.
void Governor::look_at_period(double length) {
    const double loading = seconds(std::exchange(period_loading_, Duration{}));
    const auto loaded = static_cast<double>(std::exchange(period_loaded_, 0));
    seen_.rate += recent * (rate_ - seen_.rate);
    seen_.loading += recent * (loading / length - seen_.loading);
    seen_.loaded += recent * (loaded / length - seen_.loaded);
    seen_.peak = std::max(seen_.peak * forget, seen_.rate);
    // Over a whole install of some machines: what they do between two transfers comes in waves.
    seen_.busy = seen_.busy * remember +
                 std::max(0.0, static_cast<double>(tickets_.size()) * length - loading);
    seen_.bytes = seen_.bytes * remember + loaded;
}

/// Slots that keep `link` bytes a second full: as many machines as it takes while they load, and
/// those that are busy with themselves meanwhile.
double Governor::needed(double link) const noexcept {
    const double loading = seen_.best_share > 0 ? 2 * link / seen_.best_share : 0;
    const double busy = seen_.bytes > 0 ? link * seen_.busy / seen_.bytes : 0;
    return loading + busy;
}

/// Bytes that all machines, loading or waiting, still want; infinite while that is not known.
double Governor::left_to_load() const noexcept {
    if (seen_.machine_bytes == 0) {
        return std::numeric_limits<double>::infinity();
    }
    double left = static_cast<double>(queue_.size()) * seen_.machine_bytes;
    for (const auto& [name, ticket] : tickets_) {
        left += std::max(0.0, seen_.machine_bytes - static_cast<double>(ticket.bytes));
    }
    return left;
}

/// Slots are to be just enough to keep the link full. Too few leave it idle, and everybody waits
/// for nothing; some too many make those that load a little slower, and nothing worse. So it goes
/// up for as long as the link is not full, and comes down to what is needed with something to
/// spare.
void Governor::adapt() {
    const double share = seen_.loading >= 0.25 ? seen_.loaded / seen_.loading : 0; // else chance
    seen_.best_share = std::max(seen_.best_share * forget, share);
    const double link = options_.egress != 0 ? static_cast<double>(options_.egress) : seen_.peak;
    // Machines that get as much as few did are not held back by a link, whatever it carries.
    const bool held_back = options_.egress != 0 || share < roomy * seen_.best_share;
    const bool is_full = held_back && seen_.rate >= full * link;
    const double enough = spare * needed(link);
    const double slots = slots_;
    double next = slots;
    if (is_full) {
        next = std::max(std::min(slots, enough), down * slots);
    } else if (!queue_.empty() && 10 * tickets_.size() >= 7 * std::size_t{slots_}) {
        // Slots are never quite in use: a machine comes for one a moment after it became free.
        next = slots + std::max(1.0, slots * (slots < enough ? up : up_further));
    }
    const auto everybody = static_cast<double>(tickets_.size() + queue_.size());
    if (left_to_load() < link * soon) {
        next = std::max(next, everybody);
    }
    const double most = options_.egress != 0 ? link / share_min : slots_max;
    slots_ = static_cast<unsigned>(
        std::clamp(next, double{slots_min}, std::max(most, double{slots_min})));
}

} // namespace muster
