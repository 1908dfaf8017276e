// SPDX-License-Identifier: Apache-2.0
// Storms of machines in virtual time, one row each: with the governor, without, and with the
// limits that dnsmasq has.
//
// Question: is any machine lost, when is the last one installed, and how does that compare to what
//           no server could beat?
// Method:   simulate_storm(): the engines that ship, clients with the timers of real ones. What no
//           server could beat is the latest of three moments. First, the same storm's last install
//           with a link that carries anything. Second, the link's time for all bytes between the
//           shortest time that a machine needs before its first large byte and after its last.
//           Third, the same for the root images alone: none of them leaves before the first machine
//           runs its installer and asks, and until then all that began with it are busy with
//           themselves as well, and the link is idle whatever the server does.
#include "tools/simulator/storm.hh"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muster::bench {
namespace {

using namespace std::chrono_literals;

constexpr double endless = 1e15;            ///< bits a second: a link that holds nobody up
constexpr double payload = 1448.0 / 1538.0; ///< of a full packet, all headers counted

// Of its source: what it comes with, unless it is configured otherwise.
constexpr std::uint32_t dnsmasq_leases = 1'000;
constexpr std::uint32_t dnsmasq_transfers = 50;
constexpr std::uint16_t dnsmasq_windowsize = 32;

struct Row {
    std::uint32_t machines = 0;
    Duration over{};
    double link = 0;
    std::uint64_t image = 0;
    double loss = 0;
};

struct Figures {
    std::uint32_t lost = 0;
    double last = 0;        ///< s
    double mean = 0;        ///< s, of those that were installed, from their own power-on
    double before = 0;      ///< s, the shortest until a kernel was loaded
    double after = 0;       ///< s, the shortest from the end of the installer
    double image_asked = 0; ///< s, the first one
    double image_after = 0; ///< s, the shortest from an image to its machine's end
    double bytes = 0;
};

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

StormOptions storm_of(const Row& row, std::uint64_t seed) {
    StormOptions storm;
    storm.nodes = row.machines;
    storm.seed = seed;
    storm.power_on = row.over;
    storm.link = row.link;
    storm.image = row.image;
    storm.loss = row.loss;
    storm.timeline_step = 60s;
    return storm;
}

Figures figures_of(const SimulatedStorm& storm) {
    Figures f{.lost = static_cast<std::uint32_t>(storm.machines.size()) - storm.installed,
              .last = seconds(storm.took)};
    f.before = f.after = f.image_asked = f.image_after = f.last;
    f.bytes = storm.stream_bytes;
    const auto at = [](ClientStage stage) {
        return static_cast<std::size_t>(stage);
    };
    for (const StormMachine& machine : storm.machines) {
        if (!machine.installed) {
            continue;
        }
        f.mean += seconds(machine.to_stage(ClientStage::disk)) / storm.installed;
        f.before = std::min(f.before, seconds(machine.entered[at(ClientStage::kernel)]));
        f.after = std::min(f.after, seconds(machine.entered[at(ClientStage::disk)] -
                                            machine.entered[at(ClientStage::installer)] -
                                            machine.spent[at(ClientStage::installer)]));
        if (machine.image_there >= Duration{}) {
            f.image_asked = std::min(f.image_asked, seconds(machine.image_asked));
            f.image_after = std::min(f.image_after, seconds(machine.entered[at(ClientStage::disk)] -
                                                            machine.image_there));
        }
    }
    return f;
}

Figures run(const StormOptions& storm) {
    const auto result = simulate_storm(storm);
    if (!result) {
        fmt::print(stderr, "{}\n", result.error());
        std::exit(1);
    }
    for (const std::string& finding : result->findings) {
        fmt::print(stderr, "finding: {}\n", finding);
    }
    return figures_of(*result);
}

/// What no server could beat. `image_after`: the shortest time from an image to its machine's end
/// that was seen where images came as slowly as the link brings them; where they come at once the
/// disk is behind with them.
double bound(const Row& row, const Figures& free, double image_after) {
    const auto link_time = [&row](double bytes) {
        return bytes * 8 / (row.link * payload);
    };
    const double images = static_cast<double>(row.image) * row.machines;
    return std::max(
        {free.last, free.before + link_time(free.bytes) + free.after,
         free.image_asked + link_time(images) + std::min(image_after, free.image_after)});
}

struct Choice {
    std::vector<double> machines{1'000, 10'000};
    std::vector<double> over{0, 30, 300};  ///< s
    std::vector<double> links{1, 10, 25};  ///< Gb/s
    std::vector<double> images{60, 800};   ///< MB
    std::vector<double> losses{0, 0.1, 1}; ///< per cent
    std::uint64_t seed = 1;
    bool others = true; ///< also without the governor, and with another server's limits
};

std::vector<Row> rows_of(const Choice& choice) {
    std::vector<Row> rows;
    for (const double machines : choice.machines) {
        for (const double loss : choice.losses) {
            for (const double image : choice.images) {
                for (const double link : choice.links) {
                    for (const double over : choice.over) {
                        rows.push_back(
                            {static_cast<std::uint32_t>(machines),
                             std::chrono::milliseconds{std::llround(over * 1e3)}, link * 1e9,
                             static_cast<std::uint64_t>(std::llround(image * 1e6)), loss / 100});
                    }
                }
            }
        }
    }
    return rows;
}

std::string cells(const Figures& figures, double least) {
    return fmt::format(" {} | {:.0f} | {:.2f} | {:.0f} |", figures.lost, figures.last,
                       figures.last / least, figures.mean);
}

/// Returns whether the governor kept what it promises.
bool print_row(const Row& row, const Choice& choice) {
    StormOptions storm = storm_of(row, choice.seed);
    storm.link = endless;
    const Figures free = run(storm);
    storm = storm_of(row, choice.seed);
    storm.boot_slots = 0;
    const Figures with = run(storm);
    storm.boot_slots.reset();
    const Figures without = choice.others ? run(storm) : with;
    const double least = bound(row, free, std::min(with.image_after, without.image_after));
    fmt::print("| {} | {:.0f} s | {:g} | {:.0f} | {:g} | {:.0f} |{}", row.machines,
               seconds(row.over), row.link / 1e9, static_cast<double>(row.image) / 1e6,
               row.loss * 100, least, cells(with, least));
    bool kept = with.lost == 0 && with.last <= 1.15 * least;
    if (choice.others) {
        kept = kept && with.mean <= 1.02 * without.mean;
        storm.addresses = dnsmasq_leases;
        storm.tftp_transfers = dnsmasq_transfers;
        storm.tftp_windowsize = dnsmasq_windowsize;
        fmt::print("{}{}", cells(without, least), cells(run(storm), least));
    }
    fmt::print("{}\n", kept ? "" : " (!)");
    std::fflush(stdout);
    return kept;
}

bool read_list(std::string_view text, std::vector<double>& list) {
    list.clear();
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        double value = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (error != std::errc{} || end != word.data() + word.size() || value < 0) {
            return false;
        }
        list.push_back(value);
    }
    return !list.empty();
}

bool read_arguments(std::span<char* const> arguments, Choice& choice) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view name = arguments[i];
        if (name == "--governor-only") {
            choice.others = false;
            continue;
        }
        std::vector<double> seed;
        std::vector<double>* const list = name == "--machines" ? &choice.machines
                                          : name == "--over"   ? &choice.over
                                          : name == "--link"   ? &choice.links
                                          : name == "--image"  ? &choice.images
                                          : name == "--loss"   ? &choice.losses
                                          : name == "--seed"   ? &seed
                                                               : nullptr;
        if (list == nullptr || ++i == arguments.size() || !read_list(arguments[i], *list)) {
            return false;
        }
        if (!seed.empty()) {
            choice.seed = static_cast<std::uint64_t>(seed.front());
        }
    }
    return true;
}

} // namespace
} // namespace muster::bench

int main(int count, char** arguments) {
    using namespace muster::bench;
    Choice choice;
    if (!read_arguments({arguments + 1, static_cast<std::size_t>(count - 1)}, choice)) {
        fmt::print(stderr, "usage: storms [--machines N,…] [--over SECONDS,…] [--link GBIT,…] "
                           "[--image MB,…] [--loss PERCENT,…] [--seed N] [--governor-only]\n");
        return 2;
    }
    fmt::print(
        "| machines | on within | Gb/s | MB | loss % | bound s | lost | last s | ratio | mean "
        "s |{}\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|{}\n",
        choice.others ? " off: lost | last s | ratio | mean s | dnsmasq: lost | last s | "
                        "ratio | mean s |"
                      : "",
        choice.others ? "--:|--:|--:|--:|--:|--:|--:|--:|" : "");
    bool kept = true;
    for (const Row& row : rows_of(choice)) {
        kept = print_row(row, choice) && kept;
    }
    return kept ? 0 : 1;
}
