// SPDX-License-Identifier: Apache-2.0
// Governor: how many machines may load at once, from what the link is seen to do.
#include "core/control/governor.hh"

#include <algorithm>
#include <limits>
#include <utility>

namespace muster {
namespace {

/// While each machine gets this much of what one got at best, the link has room for more.
constexpr double roomy = 0.85;
/// What was best is forgotten slowly: others boot later, from another disk.
constexpr double forget = 0.995;
constexpr double recent = 0.3;     ///< weight of the last period
constexpr double remember = 0.985; ///< weight of all before it, where a minute counts
/// Above this share of a known link there is nothing to be won by more slots.
constexpr double well_used = 0.9; // headers are not counted
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

void Governor::learn_size(const Ticket& ended) noexcept {
    const auto bytes = static_cast<double>(ended.bytes);
    seen_.machine_bytes +=
        (seen_.machine_bytes == 0 ? 1.0 : size_weight) * (bytes - seen_.machine_bytes);
}

/// What was seen lately, the latest weighing most.
void Governor::look_at_period(double length) {
    const double loading =
        std::chrono::duration<double>(std::exchange(period_loading_, Duration{})).count();
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
    const bool is_full = held_back && seen_.rate >= well_used * link;
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
