// SPDX-License-Identifier: Apache-2.0
// The storm governor: how many machines load at once, and who is next.
//
// A link that all machines of a rack share at once gives each of them little: all are done at the
// end together, and some have given up before. Admitted a few at a time, each is done in a moment,
// the link is as full, and nobody's timers run out, because whoever waits is told so in a way that
// its boot loader understands.
#pragma once

#include "core/base/time.hh"
#include "core/control/boot_terms.hh"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

struct GovernorOptions {
    /// Machines that may load at once; 0: as many as the link is seen to serve well.
    unsigned slots = 0;
    /// What the link carries, in bytes a second; 0: unknown.
    std::uint64_t egress = 0;
};

/// Owns the tickets and the queue. Pure: time comes with advance(), everything else in calls.
///
/// A machine asks when its boot loader fetches a script, and again as often as it is told to. It
/// has its ticket from the first answer that lets it load until its install ends, or until nothing
/// was sent to it for `quiet_max`: then its installer works on its own, or it is gone.
/// Who waits longest is next; a higher priority goes before. Whoever has budgets (of its rack, its
/// profile) needs room in each of them as well.
///
/// Thread: control's.
class Governor {
public:
    explicit Governor(const GovernorOptions& options);

    /// A ticket without traffic is given back after this time.
    static constexpr Duration quiet_max = std::chrono::seconds{30};
    /// What a machine at the head of the queue is told to wait before it asks again.
    static constexpr Duration ask_again_min = std::chrono::seconds{2};
    static constexpr Duration ask_again_max = std::chrono::seconds{60};
    /// Without knowledge of the link, the slots begin here.
    static constexpr unsigned slots_first = 16;
    /// However slow the link: with less, one machine that is gone would stop all.
    static constexpr unsigned slots_min = 4;
    /// Nobody is admitted to less than this of a known link, in bytes a second.
    static constexpr std::uint64_t share_min = 1'000'000;

    struct Wait {
        std::size_t place = 0;   ///< 1: the next one
        std::size_t waiting = 0; ///< machines in the queue
        Duration waited{};       ///< since it asked first
        Duration ask_again{};
        std::optional<Duration> expected; ///< until its turn, as far as can be told
        std::string full_budget;          ///< that holds it up; empty: the link does
        std::size_t loading = 0;          ///< machines that load now, of that budget or in all
    };

    /// To be called before the calls of each burst; what has become due is done.
    void advance(Instant now);
    /// The machine wants to load. Empty: it may, and has a ticket from now on.
    [[nodiscard]] std::optional<Wait> ask(std::string_view node, const BootTerms& terms = {});
    /// How long the machine waited for the ticket that it has; 0 without one.
    [[nodiscard]] Duration waited(std::string_view node) const noexcept;
    /// At start: the machine was loading when the server stopped.
    void readmit(std::string_view node, const BootTerms& terms = {});
    /// A report of a transfer, to a machine with a ticket or to any other; the first one of a
    /// transfer has no bytes.
    void on_bytes(std::string_view node, std::uint64_t bytes);
    /// Its install has ended, or it is to do something else: neither ticket nor place is kept.
    void release(std::string_view node);

    // For those who look.
    using BudgetSet = std::vector<std::size_t>; ///< indexes of budgets()
    struct Budget {
        std::string name;
        unsigned slots = 0;
        unsigned used = 0;
        unsigned promised = 0; ///< while a decision is made
    };
    struct Ticket {
        Instant since;
        Instant last_traffic;
        Duration waited{};
        std::uint64_t bytes = 0; ///< sent to it since
        BudgetSet budgets;
    };
    struct Waiting {
        std::string node;
        int priority = 0;
        Instant since;
        Instant asked;
        Duration ask_again{};
        BudgetSet budgets;
    };
    [[nodiscard]] const std::map<std::string, Ticket, std::less<>>& tickets() const noexcept {
        return tickets_;
    }
    /// The next one first.
    [[nodiscard]] const std::vector<Waiting>& queue() const noexcept { return queue_; }
    /// All that machines had since the start.
    [[nodiscard]] const std::vector<Budget>& budgets() const noexcept { return budgets_; }
    /// The first of these that has no room; nullptr: none.
    [[nodiscard]] const Budget* full_budget(const BudgetSet& set) const noexcept;
    /// 1: the next one; 0: it does not wait.
    [[nodiscard]] std::size_t place(std::string_view node) const noexcept;
    [[nodiscard]] unsigned slots() const noexcept { return slots_; }
    [[nodiscard]] bool adapts() const noexcept { return options_.slots == 0; }
    [[nodiscard]] double bytes_per_second() const noexcept { return rate_; }
    [[nodiscard]] Instant now() const noexcept { return now_; }
    /// What the machine at this place (0: the next one) may expect.
    [[nodiscard]] std::optional<Duration> expected(std::size_t place) const noexcept;

    struct Counters {
        std::uint64_t admitted = 0;
        std::uint64_t told_to_wait = 0;
        std::uint64_t gone = 0;  ///< left the queue without a word
        std::uint64_t quiet = 0; ///< tickets given back for lack of traffic
    };
    [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

private:
    struct Place {
        int priority = 0;
        std::uint64_t arrival = 0;
    };
    using PlaceOf = std::map<std::string, Place, std::less<>>;

    [[nodiscard]] std::size_t index_of(const Place& place) const noexcept;
    [[nodiscard]] BudgetSet budgets_of(const BootTerms& terms);
    [[nodiscard]] std::size_t free_slots() const noexcept;
    [[nodiscard]] bool has_room(std::size_t index, const BudgetSet& set);
    [[nodiscard]] Duration pause(std::size_t index, std::optional<Duration> turn) const noexcept;
    PlaceOf::iterator enter_queue(std::string_view node, const Place& place, Instant since);
    void admit(std::string_view node, Duration waited, const BudgetSet& budgets);
    void give_back(const Ticket& ticket) noexcept;
    void leave_queue(std::string_view node);
    void learn_size(const Ticket& ended) noexcept;
    [[nodiscard]] double left_to_load() const noexcept;
    void drop_the_gone();
    void end_period();
    void look_at_period(double length);
    [[nodiscard]] double needed(double link) const noexcept;
    void adapt();

    GovernorOptions options_;
    unsigned slots_;
    Instant now_{};
    std::map<std::string, Ticket, std::less<>> tickets_;
    std::vector<Waiting> queue_; ///< sorted as arrivals_
    std::vector<Place> arrivals_;
    PlaceOf place_of_;
    std::uint64_t next_arrival_ = 0;
    std::vector<Budget> budgets_;
    std::map<std::string, std::size_t, std::less<>> budget_of_;

    // What the link is seen to do, a period at a time.
    Duration period_loading_{};       ///< time of transfers to machines with a ticket
    std::uint64_t period_loaded_ = 0; ///< and bytes
    Instant period_end_ = Instant::never();
    std::uint64_t period_bytes_ = 0;
    std::uint64_t period_admitted_ = 0;
    double rate_ = 0;  ///< bytes a second, of the last period
    double turns_ = 0; ///< admissions a second, smoothed
    /// Bytes a second, seconds a second and so on, smoothed.
    struct Seen {
        double rate = 0;
        double peak = 0;          ///< the best rate of late
        double loading = 0;       ///< machines in transfers, those with a ticket
        double loaded = 0;        ///< bytes a second to these
        double best_share = 0;    ///< bytes a second that one machine got when it went well
        double busy = 0;          ///< seconds of machines with a ticket outside of transfers
        double bytes = 0;         ///< sent to them in the same time
        double machine_bytes = 0; ///< that one loads in all; 0: unknown
    };
    Seen seen_;

    Counters counters_;
};

} // namespace muster
