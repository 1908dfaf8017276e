// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/simulate.hh"

#include "tools/muster-load/live_view.hh"
#include "tools/simulator/storm.hh"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace muster::load {
namespace {

/// Packets go from machine to machine all over a memory that no cache holds, and half of what a
/// miss costs is finding the page: with huge ones a storm takes a tenth less. Only asks for them;
/// what is not needed of them is never touched. Call it before the machines are made.
void prefer_huge_pages(std::uint32_t machines) {
    constexpr std::size_t huge_page = std::size_t{2} << 20U;
    constexpr std::size_t bytes_a_machine = 24 * 1024;
    constexpr std::size_t most = std::size_t{1} << 30U; // mallopt() takes an int
    constexpr int never_mapped = 32 << 20U;             // the largest that mallopt() takes
    const std::size_t size = std::min(most, machines * bytes_a_machine + (std::size_t{64} << 20U));
    (void)mallopt(M_MMAP_THRESHOLD, never_mapped);
    (void)mallopt(M_TRIM_THRESHOLD, static_cast<int>(most));
    (void)mallopt(M_TOP_PAD, static_cast<int>(size));
    const auto before = reinterpret_cast<std::uintptr_t>(::sbrk(0));
    // More than the heap has, so that it grows by all of M_TOP_PAD; volatile, or a compiler sees
    // that nobody wants the block.
    void* volatile block = std::malloc(huge_page);
    std::free(block);
    (void)mallopt(M_TOP_PAD, static_cast<int>(huge_page));
    const auto after = reinterpret_cast<std::uintptr_t>(::sbrk(0));
    const std::uintptr_t begin = (before + huge_page - 1) / huge_page * huge_page;
    if (begin < after) {
        (void)::madvise(reinterpret_cast<void*>(begin), after - begin, MADV_HUGEPAGE);
    }
}

StormOptions storm_of(const Options& options) {
    StormOptions storm;
    storm.nodes = options.clients;
    storm.firmware = options.firmware;
    storm.seed = options.seed;
    storm.power_on = options.pace.spread; // of `once` and `racks` it is zero
    storm.rack_size = options.pace.rack_size;
    storm.link = options.link_bits_per_second;
    storm.image = options.image_bytes;
    storm.boot_slots = options.boot_slots;
    storm.own_time = options.own_time;
    if (options.installer.packages > 0) {
        storm.installer.kind = InstallerModel::Kind::packages;
        storm.installer.packages = options.installer.packages;
    }
    return storm;
}

void add_machine(Figures& figures, const StormMachine& machine) {
    const auto record = [&](Histogram& histogram, ClientStage stage) {
        if (machine.entered[static_cast<std::size_t>(stage)] >= Duration{}) {
            histogram.record(machine.to_stage(stage).count());
        }
    };
    record(figures.to_loader, ClientStage::loader);
    record(figures.to_kernel, ClientStage::kernel);
    if (machine.installed) {
        record(figures.to_installed, ClientStage::disk);
    } else {
        ++figures.failed;
        ++figures.reasons[machine.why];
    }
}

} // namespace

Outcome simulate(const Options& options) {
    LiveView view{options.json};
    StormOptions storm = storm_of(options);
    if (view.shown()) {
        storm.progress = [&](const StormProgress& progress) {
            view.draw(options, {.elapsed = progress.at,
                                .successes = progress.done,
                                .finished = progress.done,
                                .stages = progress.in_stage});
        };
    }
    prefer_huge_pages(storm.nodes);
    const auto result = simulate_storm(storm);
    view.clear();
    if (!result) {
        throw UsageError{"storm: " + result.error()};
    }
    Outcome outcome;
    outcome.options = options;
    outcome.simulated = true;
    outcome.seconds = std::chrono::duration<double>(result->took).count();
    Figures& figures = outcome.figures;
    figures.installed = result->installed;
    // What neither was installed nor gave up was not done when the simulation was.
    figures.lost = options.clients - result->installed;
    figures.retransmissions = result->retransmissions;
    figures.waited = result->waited;
    for (const StormMachine& machine : result->machines) {
        add_machine(figures, machine);
    }
    for (const StormProgress& progress : result->timeline) {
        figures.stages.push_back({progress.at, progress.in_stage});
    }
    if (!result->findings.empty()) {
        outcome.given_up =
            fmt::format("the simulation found {} faults of the server; the first: {}",
                        result->findings.size(), result->findings.front());
    }
    return outcome;
}

} // namespace muster::load
