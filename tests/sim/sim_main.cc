// SPDX-License-Identifier: Apache-2.0
// Runs worlds: many seeds, or one of them with all that happens in it.
#include "tests/sim/scripted_machine.hh"
#include "tools/simulator/storm.hh"
#include "tools/simulator/world.hh"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <map>
#include <mutex>
#include <thread>

namespace muster::test {
namespace {

constexpr std::string_view usage =
    R"(usage: sim [--seed N | --seeds FROM-TO] [--trace] [--canary NAME]
  --seed N         one world, drawn from this number
  --seeds A-B      the worlds of these numbers, one after the other (default 1-1000)
  --jobs N         so many worlds at a time (default 1)
  --trace          prints all that happens
  --both           each world twice, on sockets and on frames, which must be the same to the event
  --scripted       machines of the simplest kind instead of firmware's
  --storm N        so many machines at once in a clean world, for its speed
  --canary NAME    plants a bug: store-lies, early-ack, leases-forgotten, …
Exit status: 0 if nothing was found, 1 if something was, 2 for wrong usage.
)";

struct Arguments {
    std::uint64_t from = 1;
    std::uint64_t to = 1000;
    bool trace = false;
    bool verbose = false;
    bool scripted = false;
    bool both = false;
    std::uint64_t storm = 0;
    std::uint64_t jobs = 1;
    sim::Canary canary = sim::Canary::none;
};

bool read_number(std::string_view text, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

bool read_arguments(std::span<char*> words, Arguments& arguments) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string_view word = words[i];
        const std::string_view value = i + 1 < words.size() ? words[i + 1] : "";
        if (word == "--trace") {
            arguments.trace = true;
            continue;
        }
        if (word == "--both") {
            arguments.both = true;
            continue;
        }
        if (word == "--scripted") {
            arguments.scripted = true;
            continue;
        }
        ++i;
        if (word == "--seed" && read_number(value, arguments.from)) {
            arguments.to = arguments.from;
            arguments.verbose = true;
        } else if (const auto dash = value.find('-');
                   word == "--seeds" && dash != std::string_view::npos &&
                   read_number(value.substr(0, dash), arguments.from) &&
                   read_number(value.substr(dash + 1), arguments.to)) {
        } else if (word == "--jobs" && read_number(value, arguments.jobs)) {
        } else if (word == "--storm" && read_number(value, arguments.storm)) {
        } else if (word == "--canary" && sim::read_canary(value) != sim::Canary::none) {
            arguments.canary = sim::read_canary(value);
        } else {
            return false;
        }
    }
    return true;
}

/// A storm in a few lines, for whoever works on the simulator's speed.
int run_storm(std::uint32_t nodes) {
    StormOptions options;
    options.nodes = nodes;
    const auto storm = simulate_storm(options);
    if (!storm) {
        fmt::print(stderr, "{}\n", storm.error());
        return 2;
    }
    fmt::print("{} installed, {} lost, in {:.0f} s of virtual time; {} events, {} datagrams ({} "
               "lost), link use {:.3f}, digest {:016x}\n",
               storm->installed, storm->lost, static_cast<double>(storm->took.count()) * 1e-9,
               storm->events, storm->datagrams, storm->datagrams_lost, storm->link_use,
               storm->digest);
    for (std::size_t i = 0; i < client_wait_count; ++i) {
        fmt::print("  waited {:16} {:.1f} s a machine\n", to_text(static_cast<ClientWait>(i)),
                   static_cast<double>(storm->waited[i].count()) * 1e-9 / nodes);
    }
    std::map<std::string, unsigned> reasons;
    for (const StormMachine& machine : storm->machines) {
        if (!machine.installed) {
            ++reasons[fmt::format("{}: {}", machine.firmware, machine.why)];
        }
    }
    for (const auto& [why, count] : reasons) {
        fmt::print("  {} x {}\n", count, why);
    }
    return storm->lost == 0 ? 0 : 1;
}

/// What one world came to.
struct Outcome {
    std::string text; ///< to print; empty: nothing to say
    bool bad = false;
    std::uint64_t events = 0;
};

/// What is the same on sockets and on frames: every datagram, when and where it came, every note of
/// a machine's, and what became of packets.
struct Transcript {
    std::uint64_t digest = 0;
    std::uint64_t events = 0;
    std::uint64_t delivered = 0;
    std::array<std::uint64_t, sim::packet_loss_count> losses{};
    std::vector<std::string> trace;

    friend bool operator==(const Transcript&, const Transcript&) = default;
};

Transcript transcribe(const Arguments& arguments, sim::WorldOptions options, bool frames) {
    options.network.frames = frames;
    options.make = arguments.scripted ? make_scripted_machine : sim::boot_machines(options);
    options.canary = arguments.canary;
    options.trace = arguments.trace;
    sim::World world{options};
    world.run();
    const sim::DatagramCounts& counts = world.datagrams().counts();
    return {world.digest(),
            world.events(),
            counts.delivered,
            counts.losses,
            {world.trace().begin(), world.trace().end()}};
}

Outcome compare_worlds(const Arguments& arguments, std::uint64_t seed) {
    const sim::WorldOptions options = sim::WorldOptions::swarm(seed);
    const Transcript sockets = transcribe(arguments, options, false);
    const Transcript frames = transcribe(arguments, options, true);
    Outcome outcome{.text = {}, .bad = sockets != frames, .events = sockets.events + frames.events};
    if (outcome.bad) {
        outcome.text = fmt::format("{}\n  FOUND: {} datagrams on sockets and {} on frames\n",
                                   options.text(), sockets.delivered, frames.delivered);
        const auto first = std::ranges::mismatch(sockets.trace, frames.trace);
        if (first.in1 != sockets.trace.end() && first.in2 != frames.trace.end()) {
            outcome.text += fmt::format("  sockets {}\n  frames  {}\n", *first.in1, *first.in2);
        }
        outcome.text += fmt::format("  repeat: build/tests/sim --both --seed {} --trace\n", seed);
    }
    return outcome;
}

Outcome run_world(const Arguments& arguments, std::uint64_t seed) {
    if (arguments.both) {
        return compare_worlds(arguments, seed);
    }
    sim::WorldOptions options = sim::WorldOptions::swarm(seed);
    options.make = arguments.scripted ? make_scripted_machine : sim::boot_machines(options);
    options.canary = arguments.canary;
    options.trace = arguments.trace;
    sim::World world{options};
    world.run();
    Outcome outcome{.text = {}, .bad = !world.findings().empty(), .events = world.events()};
    const auto out = std::back_inserter(outcome.text);
    for (const std::string& line : world.trace()) {
        fmt::format_to(out, "{}\n", line);
    }
    if (arguments.verbose || outcome.bad) {
        fmt::format_to(out, "{}\n  digest {:016x}, {} events, {:.1f} s of virtual time\n",
                       options.text(), world.digest(), world.events(),
                       static_cast<double>(world.universe().now.steady.ns) * 1e-9);
    }
    for (const sim::Finding& finding : world.findings()) {
        fmt::format_to(out, "  FOUND {:.6f} {}: {}\n", static_cast<double>(finding.at.ns) * 1e-9,
                       finding.checker, finding.text);
    }
    if (outcome.bad) {
        fmt::format_to(out, "  repeat: build/tests/sim --seed {} --trace{}\n", seed,
                       arguments.scripted ? " --scripted" : "");
    }
    return outcome;
}

/// Worlds know nothing of each other: as many at a time as there are jobs.
int run(const Arguments& arguments) {
    std::atomic<std::uint64_t> next{arguments.from};
    std::atomic<std::uint64_t> bad{0};
    std::atomic<std::uint64_t> events{0};
    std::mutex printing;
    const auto work = [&] {
        for (std::uint64_t seed = next++; seed <= arguments.to; seed = next++) {
            const Outcome outcome = run_world(arguments, seed);
            bad += outcome.bad ? 1U : 0U;
            events += outcome.events;
            if (!outcome.text.empty()) {
                const std::lock_guard lock{printing};
                fmt::print("{}", outcome.text);
                std::fflush(stdout);
            }
        }
    };
    std::vector<std::thread> others;
    for (std::uint64_t i = 1; i < arguments.jobs; ++i) {
        others.emplace_back(work);
    }
    work();
    for (std::thread& other : others) {
        other.join();
    }
    fmt::print("{} worlds, {} of them bad, {} events\n", arguments.to - arguments.from + 1,
               bad.load(), events.load());
    return bad == 0 ? 0 : 1;
}

} // namespace
} // namespace muster::test

int main(int argc, char** argv) {
    muster::test::Arguments arguments;
    if (!muster::test::read_arguments({argv + 1, static_cast<std::size_t>(argc - 1)}, arguments)) {
        fmt::print(stderr, "{}", muster::test::usage);
        return 2;
    }
    return arguments.storm != 0
               ? muster::test::run_storm(static_cast<std::uint32_t>(arguments.storm))
               : muster::test::run(arguments);
}
