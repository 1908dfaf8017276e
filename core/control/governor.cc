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
/// a transfer, as a rule.
constexpr Duration period = 2s;
/// Whoever comes for its turn later than this after it was to ask loses it to the next, though
/// not its place.
constexpr Duration late = 5s;
/// Between two reports of one transfer; what is longer was no transfer.
constexpr Duration gap_max = 15s;
double seconds(Duration duration) noexcept {
    return std::chrono::duration<double>(duration).count();
}

} // namespace

std::size_t Governor::index_of(const Place& place) const noexcept {
    const auto key = [](const Place& p) {
        return std::tuple{-p.priority, p.arrival};
    };
    const auto at =
        std::lower_bound(arrivals_.begin(), arrivals_.end(), place,
                         [&](const Place& a, const Place& b) { return key(a) < key(b); });
    return static_cast<std::size_t>(at - arrivals_.begin());
}

std::optional<Governor::Wait> Governor::ask(std::string_view node, const BootTerms& terms) {
    if (const auto ticket = tickets_.find(node); ticket != tickets_.end()) {
        ticket->second.last_traffic = now_; // it boots again, or its loader tries again
        return std::nullopt;
    }
    const BudgetSet budgets = budgets_of(terms);
    auto known = place_of_.find(node);
    if (known != place_of_.end() && known->second.priority != terms.priority) {
        const Instant since = queue_[index_of(known->second)].since;
        const std::uint64_t arrival = known->second.arrival;
        leave_queue(node);
        known = enter_queue(node, {.priority = terms.priority, .arrival = arrival}, since);
    }
    if (known == place_of_.end()) {
        const Place place{.priority = terms.priority, .arrival = next_arrival_};
        if (has_room(index_of(place), budgets)) {
            admit(node, {}, budgets);
            return std::nullopt;
        }
        ++next_arrival_;
        known = enter_queue(node, place, now_);
    }
    const std::size_t index = index_of(known->second);
    Waiting& waiting = queue_[index];
    waiting.budgets = budgets;
    if (has_room(index, budgets)) {
        const Duration waited = now_ - waiting.since;
        leave_queue(node);
        admit(node, waited, budgets);
        return std::nullopt;
    }
    ++counters_.told_to_wait;
    const Budget* const full = full_budget(budgets);
    // When a budget will have room is not known: its machines are not those that take turns.
    const auto turn = full == nullptr ? expected(index - std::min(index, free_slots()))
                                      : std::optional<Duration>{};
    waiting.asked = now_;
    waiting.ask_again = pause(index, turn);
    return Wait{.place = index + 1,
                .waiting = queue_.size(),
                .waited = now_ - waiting.since,
                .ask_again = waiting.ask_again,
                .expected = turn,
                .full_budget = full == nullptr ? std::string{} : full->name,
                .loading = full == nullptr ? tickets_.size() : full->used};
}

Governor::PlaceOf::iterator Governor::enter_queue(std::string_view node, const Place& place,
                                                  Instant since) {
    const auto index = static_cast<std::ptrdiff_t>(index_of(place));
    arrivals_.insert(arrivals_.begin() + index, place);
    queue_.insert(queue_.begin() + index,
                  {std::string{node}, place.priority, since, now_, ask_again_min, {}});
    return place_of_.insert_or_assign(std::string{node}, place).first;
}

/// The newest limit that was said of a budget holds.
Governor::BudgetSet Governor::budgets_of(const BootTerms& terms) {
    BudgetSet set;
    for (const BootBudget& budget : terms.budgets) {
        const auto [known, fresh] = budget_of_.try_emplace(budget.name, budgets_.size());
        if (fresh) {
            budgets_.push_back({.name = budget.name});
        }
        budgets_[known->second].slots = budget.slots;
        set.push_back(known->second);
    }
    return set;
}

const Governor::Budget* Governor::full_budget(const BudgetSet& set) const noexcept {
    for (const std::size_t of : set) {
        if (budgets_[of].used >= budgets_[of].slots) {
            return &budgets_[of];
        }
    }
    return nullptr;
}

std::size_t Governor::free_slots() const noexcept {
    return slots_ - std::min<std::size_t>(slots_, tickets_.size());
}

/// Whether the machine at this place of the queue, or one that would get it, may load now: there is
/// room for all of those before it that would come for a slot now, and for this one. Who waits for
/// room in a budget of its own holds up nobody else.
bool Governor::has_room(std::size_t index, const BudgetSet& set) {
    std::size_t left = free_slots();
    if (left == 0 || full_budget(set) != nullptr) {
        return false;
    }
    for (Budget& budget : budgets_) {
        budget.promised = 0;
    }
    const auto fits = [this](const BudgetSet& of) {
        return std::all_of(of.begin(), of.end(), [this](std::size_t n) {
            return budgets_[n].used + budgets_[n].promised < budgets_[n].slots;
        });
    };
    for (std::size_t i = 0; i < index; ++i) {
        const Waiting& before = queue_[i];
        if (now_ > before.asked + before.ask_again + late || !fits(before.budgets)) {
            continue;
        }
        if (--left == 0) {
            return false;
        }
        for (const std::size_t of : before.budgets) {
            ++budgets_[of].promised;
        }
    }
    return fits(set);
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

std::optional<Duration> Governor::expected(std::size_t place) const noexcept {
    if (turns_ <= 0) {
        return std::nullopt;
    }
    const double left = static_cast<double>(place + 1) / turns_;
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(std::min(left, 86'400.0)));
}

void Governor::admit(std::string_view node, Duration waited, const BudgetSet& budgets) {
    ++counters_.admitted;
    ++period_admitted_;
    for (const std::size_t of : budgets) {
        ++budgets_[of].used;
    }
    tickets_.insert_or_assign(
        std::string{node},
        Ticket{.since = now_, .last_traffic = now_, .waited = waited, .budgets = budgets});
}

/// Before the ticket goes.
void Governor::give_back(const Ticket& ticket) noexcept {
    learn_size(ticket);
    for (const std::size_t of : ticket.budgets) {
        --budgets_[of].used;
    }
}

Duration Governor::waited(std::string_view node) const noexcept {
    const auto ticket = tickets_.find(node);
    return ticket == tickets_.end() ? Duration{} : ticket->second.waited;
}

void Governor::readmit(std::string_view node, const BootTerms& terms) {
    if (!tickets_.contains(node)) {
        admit(node, {}, budgets_of(terms));
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
        give_back(ticket->second);
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
            give_back(entry.second);
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

} // namespace muster
