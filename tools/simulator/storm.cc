// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/storm.hh"

#include "tools/simulator/world.hh"

#include <algorithm>

namespace muster {
namespace {

constexpr Duration never_entered{-1};

Duration report_interval(const StormOptions& storm) {
    if (storm.transfer_report > Duration{}) {
        return storm.transfer_report;
    }
    const double wire_seconds =
        static_cast<double>(storm.image) * storm.nodes * 8.0 / static_cast<double>(storm.link);
    const auto fine = std::chrono::duration<double>{wire_seconds / 90};
    // Machines give up on a silent server after 120 s.
    // And the governor takes one that is sent nothing for one that loads no more.
    const Duration longest = storm.boot_slots ? Governor::quiet_max / 3 : Duration{30s};
    return std::clamp(std::chrono::duration_cast<Duration>(fine), Duration{5s}, longest);
}

sim::WorldOptions world_of(const StormOptions& storm) {
    sim::WorldOptions o;
    o.seed = storm.seed;
    o.machines.count = storm.nodes;
    o.machines.streams_max = 2 * storm.nodes + 64;
    o.firmware = storm.firmware;
    o.installer = storm.installer;
    o.own_time = storm.own_time;
    o.network.server_rate = storm.link / 8;
    o.network.client_rate = storm.client_link / 8;
    o.network.latency = storm.latency;
    o.streams.report_every = report_interval(storm);
    o.streams.streams_max = o.machines.streams_max;
    o.server.workers = storm.workers;
    if (storm.boot_slots) {
        o.server.governor = GovernorOptions{.slots = *storm.boot_slots,
                                            .egress = static_cast<std::uint64_t>(storm.link / 8)};
    }
    if (storm.tftp_transfers != 0) {
        o.server.engine.tftp_limits.sessions = storm.tftp_transfers;
    }
    if (storm.tftp_windowsize != 0) {
        o.server.engine.tftp_limits.windowsize_max = storm.tftp_windowsize;
    }
    o.site.addresses = storm.addresses;
    o.site.loader = storm.loader;
    o.site.booting = storm.booting;
    o.site.installing = storm.installing;
    o.content.kernel = storm.kernel;
    o.content.initrd = storm.initrd;
    o.content.image = storm.image;
    o.content.package = storm.package;
    o.content.packages =
        storm.installer.kind == InstallerModel::Kind::packages ? storm.installer.packages : 0;
    o.power = {.over = storm.power_on, .rack = storm.rack_size};
    o.faults.link.loss = storm.loss;
    o.checks = false;
    o.operators = false;
    o.keep = false;
    o.make = sim::boot_machines(o);
    return o;
}

/// Listens to the machines of a world.
class Recorder {
public:
    Recorder(const StormOptions& options, sim::World& world) : options_(options), world_(world) {
        const FirmwareMix mix = *FirmwareMix::read(options.firmware);
        storm_.machines.resize(options.nodes);
        stage_since_.resize(options.nodes);
        stage_.resize(options.nodes, ClientStage::off);
        for (MachineIndex i = 0; i < options.nodes; ++i) {
            storm_.machines[i].firmware = mix.of(i).name;
            storm_.machines[i].entered.fill(never_entered);
        }
        in_stage_[static_cast<std::size_t>(ClientStage::off)] = options.nodes;
        world.machines().on_note = [this](const ClientNote& note) {
            take(note);
        };
    }

    [[nodiscard]] bool over() const noexcept {
        return storm_.installed + storm_.lost >= options_.nodes;
    }

    /// Adds the steps of the timeline until `next`, when the world's next event is. Nothing may
    /// happen for many of them but that bytes move.
    void look(Instant next) {
        while (next != Instant::never() && next >= next_step_) {
            add_step(next_step_);
            next_step_ = next_step_ + options_.timeline_step;
        }
    }

    SimulatedStorm finish() {
        const sim::DatagramCounts& counts = world_.datagrams().counts();
        storm_.took = last_end_;
        storm_.datagrams = counts.sent;
        for (const std::uint64_t lost : counts.losses) {
            storm_.datagrams_lost += lost;
        }
        storm_.stream_bytes = world_.streams().bytes_moved();
        const double seconds = std::max(1e-9, static_cast<double>(storm_.took.count()) * 1e-9);
        storm_.link_use = bytes(world_.universe().now.steady) * 8 / options_.link / seconds;
        storm_.events = world_.events();
        storm_.digest = world_.digest();
        for (const sim::Finding& finding : world_.findings()) {
            storm_.findings.push_back(finding.checker + ": " + finding.text);
        }
        for (const StormMachine& machine : storm_.machines) {
            for (std::size_t i = 0; i < client_wait_count; ++i) {
                storm_.waited[i] += machine.waited[i];
            }
            storm_.retransmissions += machine.retransmissions;
        }
        return std::move(storm_);
    }

private:
    [[nodiscard]] Duration now() const noexcept {
        return world_.universe().now.steady - world_.first_power_on();
    }
    [[nodiscard]] double bytes(Instant at) const {
        return world_.streams().bytes_moved(at) +
               static_cast<double>(world_.datagrams().counts().server_tx_bytes);
    }

    void take(const ClientNote& note) {
        StormMachine& m = storm_.machines[note.machine];
        switch (note.kind) {
        case ClientNote::Kind::stage:
            enter(note.machine, note.stage);
            break;
        case ClientNote::Kind::waited:
            if (!world_.streams().delivering_flow()) {
                m.waited[static_cast<std::size_t>(note.wait)] += note.duration;
            }
            break;
        case ClientNote::Kind::retransmission:
            ++m.retransmissions;
            break;
        case ClientNote::Kind::failed:
            m.why = note.text;
            break;
        case ClientNote::Kind::finished:
            enter(note.machine, note.ok ? ClientStage::disk : ClientStage::lost);
            m.installed = note.ok;
            m.lost = !note.ok;
            if (!note.ok) {
                m.why = note.text;
            }
            (note.ok ? storm_.installed : storm_.lost) += 1;
            last_end_ = now();
            break;
        case ClientNote::Kind::image:
            m.image_there = now();
            m.image_asked = now() - note.duration;
            break;
        case ClientNote::Kind::exchange:
        case ClientNote::Kind::transfer:
        case ClientNote::Kind::request:
            break;
        }
    }

    void enter(MachineIndex machine, ClientStage stage) {
        StormMachine& m = storm_.machines[machine];
        const auto before = static_cast<std::size_t>(stage_[machine]);
        const auto after = static_cast<std::size_t>(stage);
        m.spent[before] += now() - stage_since_[machine];
        stage_since_[machine] = now();
        stage_[machine] = stage;
        --in_stage_[before];
        ++in_stage_[after];
        if (m.entered[after] == never_entered) {
            m.entered[after] = now();
        }
    }

    void add_step(Instant at) {
        const double sent = bytes(at);
        const double step_s = static_cast<double>(options_.timeline_step.count()) * 1e-9;
        StormProgress step{.at = at - world_.first_power_on(),
                           .in_stage = in_stage_,
                           .done = storm_.installed + storm_.lost,
                           .link_use = (sent - last_bytes_) * 8 / options_.link / step_s};
        last_bytes_ = sent;
        storm_.link_use_peak = std::max(storm_.link_use_peak, step.link_use);
        if (options_.progress) {
            options_.progress(step);
        }
        storm_.timeline.push_back(step);
    }

    const StormOptions& options_;
    sim::World& world_;
    SimulatedStorm storm_;
    std::vector<Duration> stage_since_;
    std::vector<ClientStage> stage_;
    std::array<std::uint32_t, client_stage_count> in_stage_{};
    Instant next_step_;
    Duration last_end_{};
    double last_bytes_ = 0;
};

/// Why the options cannot be followed; empty: they can.
std::string why_not(const StormOptions& o) {
    if (auto mix = FirmwareMix::read(o.firmware); !mix) {
        return mix.error();
    }
    if (o.nodes == 0 || o.nodes > sim::machines_max) {
        return fmt::format("machines: from 1 to {}", sim::machines_max);
    }
    if (o.link < 1e6 || o.client_link < 1e6) {
        return "links: at least a megabit a second";
    }
    if (o.workers == 0 || o.workers > 64) {
        return "workers: from 1 to 64";
    }
    if (o.loss < 0 || o.loss > 0.9) {
        return "loss: from 0 to 0.9";
    }
    return {};
}

} // namespace

Result<SimulatedStorm, std::string> simulate_storm(const StormOptions& options) {
    if (auto why = why_not(options); !why.empty()) {
        return std::unexpected(std::move(why));
    }
    sim::World world{world_of(options)};
    Recorder recorder{options, world};
    const Instant end = world.first_power_on() + options.give_up;
    while (!recorder.over() && world.universe().now.steady < end) {
        recorder.look(world.next_event());
        if (!world.step()) {
            break;
        }
    }
    return recorder.finish();
}

} // namespace muster
