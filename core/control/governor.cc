// SPDX-License-Identifier: Apache-2.0
#include "core/control/governor.hh"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

namespace muster {
namespace {

using namespace std::chrono_literals;

/// What is sent is counted in periods of this length: longer than the time between two reports of
/// a transfer.
constexpr Duration period = 4s;
/// Whoever comes for its turn later than this after it was to ask loses it to the next, though
/// not its place.
constexpr Duration late = 5s;
/// While each machine gets this much of what one got at best, the link has room for more.
constexpr double roomy = 0.85;
/// With less than this, fewer would do as well.
constexpr double crowded = 0.5;
/// What one machine got at best is forgotten slowly: others boot later, from another disk.
constexpr double forget = 0.99;
/// Above this share of a known link there is nothing to be won by more slots.
constexpr double full = 0.92;
constexpr unsigned slots_max = 100'000;

double seconds(Duration duration) noexcept {
    return std::chrono::duration<double>(duration).count();
}

/// Of a known link, ten machines a Gbit/s: what one machine takes at most is not known yet.
unsigned first_slots(const GovernorOptions& options) noexcept {
    if (options.slots != 0) {
        return options.slots;
    }
    if (options.egress == 0) {
        return Governor::slots_first;
    }
    return static_cast<unsigned>(
        std::clamp<std::uint64_t>(options.egress / 12'500'000, Governor::slots_min, slots_max));
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
    if (const auto ticket = tickets_.find(node); ticket != tickets_.end() && bytes > 0) {
        ticket->second.last_traffic = now_;
        ticket->second.bytes += bytes;
    }
}

void Governor::release(std::string_view node) {
    if (const auto ticket = tickets_.find(node); ticket != tickets_.end()) {
        period_loading_ += loading_time(ticket->second);
        tickets_.erase(ticket);
    }
    leave_queue(node);
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
        period_begin_ = now_;
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
    const std::uint64_t bytes = std::exchange(period_bytes_, 0);
    period_admitted_ = 0;
    if (adapts()) {
        adapt(bytes);
    }
    period_begin_ = now_;
    drop_the_gone();
}

/// Of this period, unless the machine was busy with other things for all of it.
Duration Governor::loading_time(const Ticket& ticket) const noexcept {
    return ticket.last_traffic > period_begin_ ? now_ - std::max(ticket.since, period_begin_)
                                               : Duration{};
}

/// Machines that were switched off, or that somebody else boots now.
void Governor::drop_the_gone() {
    std::erase_if(tickets_, [&](const auto& entry) {
        const bool quiet = now_ - entry.second.last_traffic > quiet_max;
        counters_.quiet += quiet ? 1U : 0U;
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

/// A machine alone gets what itself, its network card or a slow switch allow. As long as more
/// machines get as much each, the link is not the limit, and waiting is for nothing.
void Governor::adapt(std::uint64_t bytes) {
    Duration loading = std::exchange(period_loading_, Duration{});
    for (const auto& [name, ticket] : tickets_) {
        loading += loading_time(ticket);
    }
    if (loading < period) {
        return; // hardly one machine: chance
    }
    const double share = static_cast<double>(bytes) / seconds(loading);
    best_share_ = std::max(best_share_ * forget, share);
    const double link = static_cast<double>(options_.egress);
    // Slots are never quite in use: a machine comes for one a moment after it became free.
    const bool link_full = link > 0 && rate_ >= full * link;
    if (share < crowded * best_share_) {
        slots_ = std::max(slots_min, slots_ - slots_ / 10);
    } else if (!queue_.empty() && 10 * tickets_.size() >= 7 * std::size_t{slots_} && !link_full &&
               share >= roomy * best_share_) {
        const std::uint64_t most = options_.egress == 0 ? slots_max : options_.egress / share_min;
        slots_ = static_cast<unsigned>(
            std::clamp<std::uint64_t>(slots_ + std::max(1U, slots_ / 4), slots_min,
                                      std::clamp<std::uint64_t>(most, slots_min, slots_max)));
    }
}

} // namespace muster
