// SPDX-License-Identifier: Apache-2.0
// The loop of a run: begins machines when their moment comes, turns the driver, and decides when
// it is over.
#include "tools/muster-load/run.hh"

#include "io/client/client_driver.hh"
#include "net/client/client_fleet.hh"

#include "tools/muster-load/arrivals.hh"
#include "tools/muster-load/dpdk_wire.hh"
#include "tools/muster-load/live_view.hh"
#include "tools/muster-load/machines.hh"
#include "tools/muster-load/neighbour_table.hh"
#include "tools/muster-load/run_limits.hh"
#include "tools/muster-load/server_usage.hh"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <deque>

namespace muster::load {
namespace {

using std::chrono::milliseconds;

constexpr Duration tick = milliseconds{250};
/// After the end of --duration, what has begun may end; of a server that said nothing for so long
/// what is unanswered is taken for failed.
constexpr Duration grace = std::chrono::seconds{2};

std::atomic<bool> interrupted{false}; // set by the handler, read by the loop of the same thread

void on_signal(int /*number*/) {
    interrupted.store(true, std::memory_order_relaxed);
}

/// Handles the signals that end a run, and gives them back.
class SignalGuard {
public:
    SignalGuard() {
        struct sigaction action {};
        action.sa_handler = on_signal; // NOLINT(cppcoreguidelines-pro-type-union-access): POSIX
        ::sigaction(SIGINT, &action, &old_int_);
        ::sigaction(SIGTERM, &action, &old_term_);
    }
    ~SignalGuard() {
        ::sigaction(SIGINT, &old_int_, nullptr);
        ::sigaction(SIGTERM, &old_term_, nullptr);
    }
    SignalGuard(const SignalGuard&) = delete;
    SignalGuard& operator=(const SignalGuard&) = delete;

private:
    struct sigaction old_int_ {};
    struct sigaction old_term_ {};
};

double own_cpu_seconds() noexcept {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Run {
public:
    explicit Run(const Options& options)
        : options_(options),
          dpdk_(options.dpdk_port.empty() ? DpdkWire{} : open_dpdk_wire(options)),
          link_(dpdk_.wire ? std::optional{dpdk_.link} : link_of(options)),
          machines_(options_, link_ ? &*link_ : nullptr),
          fleet_(fleet_limits(options)),
          driver_(fleet_, driver_options(options_, link_ ? &*link_ : nullptr, dpdk_.wire.get())),
          tally_(options.kind, options.clients),
          usage_(options.server_pids),
          view_(options.json) {
        require_open_files(options_);
        if (auto opened = driver_.open(); !opened) {
            throw Failure{opened.error().text()};
        }
        if (options.pace.shape != Pace::Shape::closed) {
            arrivals_.emplace(options.pace, options.clients, options.duration.has_value(),
                              Prng{options.seed ^ 0xA11C0DEU});
        }
    }

    Outcome play();

private:
    [[nodiscard]] bool in_turn(Instant now);
    void begin_due(const Now& now);
    void begin(MachineIndex machine, Instant scheduled, const Now& now);
    [[nodiscard]] std::optional<MachineIndex> free_machine();
    [[nodiscard]] Instant next_wake() const noexcept;
    void listen(std::span<const ClientNote> notes, Instant now);
    void look_around(Instant now);
    void restart(Instant now);
    void end(const Now& now);
    [[nodiscard]] std::uint64_t received() noexcept;
    [[nodiscard]] Outcome outcome() noexcept;

    const Options options_;
    DpdkWire dpdk_; ///< empty: the kernel moves the packets
    std::optional<ClientLink> link_;
    Machines machines_;
    ClientFleet fleet_;
    ClientDriver<ClientFleet> driver_;
    Tally tally_;
    ServerUsage usage_;
    LiveView view_;
    std::optional<Arrivals> arrivals_; ///< none: closed loop
    std::deque<Instant> overdue_;      ///< moments that found no machine free
    std::deque<MachineIndex> free_;    ///< had a turn and may have another
    std::uint32_t fresh_ = 0;          ///< machines from here on had no turn yet
    std::uint64_t turns_ = 0;
    Instant start_, measured_from_, last_news_, last_done_, next_tick_, ended_;
    std::uint64_t news_ = 0;
    std::uint64_t received_before_ = 0;
    double cpu_before_ = 0;
    std::uint64_t overflows_before_ = neighbour_table_overflows();
    bool warm_ = false;
    std::string given_up_;
};

std::optional<MachineIndex> Run::free_machine() {
    if (fresh_ < options_.clients) {
        return fresh_++;
    }
    if (free_.empty() || !options_.duration) {
        return std::nullopt; // without a duration each has one turn
    }
    const MachineIndex machine = free_.front();
    free_.pop_front();
    return machine;
}

void Run::begin(MachineIndex machine, Instant scheduled, const Now& now) {
    tally_.on_started(machine, scheduled, now.steady);
    fleet_.start(machines_.identity(machine), machines_.make(machine, turns_++), now,
                 driver_.out());
}

void Run::begin_due(const Now& now) {
    if (options_.duration && now.steady - start_ >= *options_.duration + options_.warmup) {
        return;
    }
    if (!arrivals_) {
        while (fleet_.running_count() < options_.pace.concurrency) {
            const auto machine = free_machine();
            if (!machine) {
                return;
            }
            begin(*machine, now.steady, now);
        }
        return;
    }
    while (arrivals_->next() && start_ + *arrivals_->next() <= now.steady) {
        overdue_.push_back(start_ + *arrivals_->next());
        arrivals_->pop();
    }
    while (!overdue_.empty()) {
        const auto machine = free_machine();
        if (!machine) {
            return;
        }
        begin(*machine, overdue_.front(), now);
        overdue_.pop_front();
    }
}

Instant Run::next_wake() const noexcept {
    Instant wake = next_tick_;
    if (arrivals_ && arrivals_->next()) {
        wake = std::min(wake, start_ + *arrivals_->next());
    }
    return wake;
}

void Run::listen(std::span<const ClientNote> notes, Instant now) {
    for (const ClientNote& note : notes) {
        tally_.on_note(note, now);
        if (note.kind == ClientNote::Kind::finished) {
            free_.push_back(note.machine);
        }
        if (note.kind != ClientNote::Kind::waited &&
            note.kind != ClientNote::Kind::retransmission) {
            last_done_ = now;
        }
    }
}

std::uint64_t Run::received() noexcept {
    return (dpdk_.wire ? dpdk_.wire->metrics().received_bytes : 0) +
           driver_.datagrams().metrics().received_bytes +
           driver_.streams().metrics().received_bytes;
}

/// A few times a second: has the server said anything, and what does it use?
void Run::look_around(Instant now) {
    const std::uint64_t news =
        received() + driver_.frames().metrics().received + driver_.streams().metrics().opened;
    if (news != news_ || fleet_.running_count() == 0) {
        last_news_ = now;
    }
    news_ = news;
    if (usage_.watching()) {
        usage_.sample();
    }
    if (options_.kind == Kind::storm) {
        tally_.sample(now - start_);
    }
    if (view_.shown()) {
        view_.draw(options_, moment_of(tally_, now - start_));
    }
    next_tick_ = now + tick;
}

void Run::restart(Instant now) {
    warm_ = true;
    measured_from_ = now;
    last_done_ = now;
    tally_.restart();
    usage_.sample();
    usage_.restart();
    received_before_ = received();
    cpu_before_ = own_cpu_seconds();
}

/// False when the run is over.
bool Run::in_turn(Instant now) {
    const auto silent = now - last_news_;
    if (interrupted.load(std::memory_order_relaxed)) {
        given_up_ = "interrupted";
        return false;
    }
    if (now - start_ >= options_.deadline) {
        given_up_ = "gave up: the time of --deadline is over";
        return false;
    }
    if (!driver_.datagrams().refusal().empty() && received() == 0) {
        given_up_ = "gave up: the machines have no way to send";
        return false;
    }
    if (fleet_.running_count() > 0 && silent >= options_.patience) {
        given_up_ = fmt::format("gave up: nothing came from the server for {:.1f} s",
                                std::chrono::duration<double>(silent).count());
        return false;
    }
    if (options_.duration) {
        const auto over = now - start_ - *options_.duration - options_.warmup;
        const bool waits = !machines_.endless() && fleet_.running_count() > 0 && over < grace;
        return over < Duration{} || waits;
    }
    const bool all_begun =
        arrivals_ ? !arrivals_->next() && overdue_.empty() : fresh_ >= options_.clients;
    return !all_begun || fleet_.running_count() > 0;
}

/// What still runs is switched off. It has failed if the run was given up, or if the server has
/// been silent: what is merely not done yet at the end of a duration has not.
void Run::end(const Now& now) {
    std::string reason;
    if (!given_up_.empty() && given_up_ != "interrupted") {
        reason = "no end when the run was given up";
    } else if (now.steady - last_news_ >= std::min(grace, options_.patience)) {
        reason = "no answer when the run ended";
    }
    for (MachineIndex machine = 0; machine < fresh_; ++machine) {
        if (fleet_.running(machine)) {
            tally_.on_stopped(machine, reason);
            fleet_.stop(machine, now, driver_.out());
        }
    }
    tally_.on_missed(overdue_.size());
}

Outcome Run::play() {
    const SignalGuard signals;
    Now now = read_clock();
    start_ = next_tick_ = last_news_ = now.steady;
    restart(now.steady);
    warm_ = options_.warmup == Duration{};
    while (in_turn(now.steady)) {
        if (!warm_ && now.steady - start_ >= options_.warmup) {
            restart(now.steady);
        }
        begin_due(now);
        driver_.turn(next_wake(), [this](std::span<const ClientNote> notes, const Now& at) {
            listen(notes, at.steady);
        });
        now = read_clock();
        if (now.steady >= next_tick_) {
            look_around(now.steady);
        }
    }
    look_around(now.steady);
    // Bytes and requests of endless machines count to the end, those of others to the last one.
    const bool to_the_end = machines_.endless() || !given_up_.empty() || tally_.successes() == 0;
    ended_ = to_the_end ? now.steady : last_done_;
    Outcome result = outcome();
    end(now);
    // The last ACK among it: a server that never got it would go on repeating its last block.
    driver_.flush();
    result.figures = tally_.figures();
    view_.clear();
    return result;
}

Outcome Run::outcome() noexcept {
    Outcome result;
    result.options = options_;
    result.seconds = std::chrono::duration<double>(ended_ - measured_from_).count();
    const double elapsed =
        std::chrono::duration<double>(read_clock().steady - measured_from_).count();
    result.client_cpu_share = (own_cpu_seconds() - cpu_before_) / std::max(elapsed, 1e-3);
    result.watched = usage_.watching();
    result.server_cpu_seconds = usage_.cpu_seconds();
    result.server_peak_bytes = usage_.peak_bytes();
    result.received_bytes = received() - received_before_;
    if (driver_.frames().is_open()) {
        result.overruns = driver_.frames().overruns();
    }
    result.neighbour_overflows = neighbour_table_overflows() - overflows_before_;
    result.congestion_control = driver_.streams().congestion_control();
    result.given_up = given_up_;
    result.advice = driver_.datagrams().refusal();
    if (result.advice.empty()) {
        result.advice = driver_.streams().failure();
    }
    if (usage_.ended()) {
        result.advice = "a process of --server-pid has ended";
    }
    return result;
}

} // namespace

Outcome run(const Options& options) {
    return Run{options}.play();
}

} // namespace muster::load
