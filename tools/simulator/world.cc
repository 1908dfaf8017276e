// SPDX-License-Identifier: Apache-2.0
// A world's life: its parts joined, time, the two phases, the checks of the end. What goes wrong
// is in world_faults.cc.
#include "tools/simulator/world.hh"

#include "core/base/check.hh"

#include <algorithm>

namespace muster::sim {
namespace {

constexpr UnixTime epoch{1'700'000'000'000};

struct LoaderSize {
    std::string_view name;
    std::uint64_t size;
};
/// Debian 12's.
constexpr LoaderSize loader_sizes[] = {
    {"undionly.kpxe", 71'000}, {"snponly.efi", 275'000},   {"ipxe.efi", 1'040'000},
    {"shimx64.efi", 949'000},  {"grubx64.efi", 1'680'000}, {"lpxelinux.0", 92'000},
    {"pxelinux.0", 43'000},    {"ldlinux.c32", 120'000},
};

WorldOptions completed(WorldOptions options) {
    MUSTER_CHECK(options.make != nullptr);
    options.site.machines = options.machines.count;
    return options;
}

} // namespace

MachineMaker boot_machines(const WorldOptions& options) {
    auto mix = FirmwareMix::read(options.firmware);
    MUSTER_CHECK(mix.has_value());
    return
        [mix = std::move(*mix), own_time = options.own_time, network_first = options.network_first,
         installer = options.installer](const PowerOn& power) {
            BootMachineOptions machine;
            machine.firmware = &mix.of(power.index);
            machine.installer = installer;
            machine.seed = power.seed;
            machine.own_time = own_time;
            machine.network_first = network_first;
            machine.installed = power.installed;
            return make_boot_machine(machine);
        };
}

World::World(WorldOptions options)
    : options_(completed(std::move(options))),
      universe_(options_.seed),
      datagrams_(universe_, options_.network),
      streams_(universe_, options_.network, options_.streams, options_.server.workers,
               options_.server.connections_max),
      machines_(universe_, options_.machines, options_.make),
      server_(universe_, store_, options_.server, options_.network, read_site(options_.site)),
      address_check_(universe_, store_),
      tftp_check_(universe_),
      http_check_(universe_, machines_),
      install_check_(universe_) {
    universe_.faults = options_.faults;
    universe_.canary = options_.canary;
    universe_.checks = options_.checks;
    universe_.trace = options_.trace ? &trace_ : nullptr;
    clean_ = options_.faults.text() == Faults{}.text();
    const bool checks = options_.checks;
    datagrams_.connect(server_, machines_, checks ? &tftp_check_ : nullptr);
    streams_.connect(server_, machines_, checks ? &http_check_ : nullptr);
    machines_.connect(datagrams_, streams_, checks ? &address_check_ : nullptr);
    server_.connect(datagrams_, streams_, accounting_);
    store_.set_keeping(options_.keep);
    store_.set_lying(options_.canary == Canary::store_lies);
    if (checks) {
        store_.on_durable = [this](const Batch& batch) {
            install_check_.on_durable(batch);
        };
    }
    store_.on_load = [this](StoredState& state) {
        spoil_stored(state);
    };
    add_files();
    server_.start();
    plan_power();
    plan_faults();
    if (options_.operators) {
        universe_.events.post(Instant{} + operators_come_every, Part::fault, operator_round);
    }
}

World::~World() = default;

void World::add_files() {
    SimFiles& files = universe_.files;
    if (!options_.checks) {
        files.set_blank();
    }
    const ContentSizes& sizes = options_.content;
    files.add(ContentRoot::files, "minimal/linux", sizes.kernel);
    files.add(ContentRoot::files, "minimal/initrd", sizes.initrd);
    files.add(ContentRoot::files, "minimal/root.tar", sizes.image);
    for (const LoaderSize& loader : loader_sizes) {
        files.add(ContentRoot::loaders, std::string{loader.name},
                  static_cast<std::uint64_t>(static_cast<double>(loader.size) * sizes.loaders));
    }
    for (unsigned i = 0; i < sizes.packages; ++i) {
        // A few large ones and many small ones, as a distribution has them.
        const std::uint64_t size =
            i % 20 == 0 ? sizes.package * 12 : sizes.package * (i % 7 + 1) / 8;
        files.add(ContentRoot::files, fmt::format("packages/{}.deb", i), size);
    }
}

void World::plan_power() {
    // Machines that find no server are another story, which crashes tell.
    const Instant first = first_power_on();
    const std::uint32_t count = options_.machines.count;
    const PowerCurve& curve = options_.power;
    for (MachineIndex i = 0; i < count; ++i) {
        Duration after{};
        if (curve.rack > 0) {
            const std::uint32_t racks = (count + curve.rack - 1) / curve.rack;
            after = curve.over * (i / curve.rack) / std::max(1U, racks);
        } else {
            after = universe_.up_to(curve.over);
        }
        universe_.events.post(first + after, Part::machine, switch_on, i);
    }
}

void World::set_time(Instant at) noexcept {
    universe_.now.steady = std::max(universe_.now.steady, at);
    universe_.now.wall = epoch + (universe_.now.steady - Instant{}) + wall_offset_;
}

Instant World::next_event() const noexcept {
    return std::min({universe_.events.next(), server_.next_deadline(), machines_.next_deadline()});
}

bool World::step() {
    const Instant agenda = universe_.events.next();
    const Instant server = server_.next_deadline();
    const Instant next = next_event();
    if (next == Instant::never()) {
        return false;
    }
    ++steps_;
    set_time(next);
    if (agenda == next) {
        if (const AgendaEvent* soon = universe_.events.peek(8)) {
            datagrams_.prefetch_packet(*soon);
        }
        if (const AgendaEvent* soon = universe_.events.peek(5)) {
            datagrams_.prefetch_machine(*soon);
        }
        if (const AgendaEvent* soon = universe_.events.peek(2)) {
            datagrams_.prefetch_engine(*soon);
        }
        dispatch(universe_.events.pop());
    } else if (server == next) {
        server_.expire();
    } else {
        machines_.expire();
    }
    return true;
}

void World::dispatch(const AgendaEvent& event) {
    switch (event.part) {
    case Part::datagram:
        datagrams_.on_event(event);
        break;
    case Part::stream:
    case Part::flow:
        streams_.on_event(event);
        break;
    case Part::server:
        server_.on_event(event);
        break;
    case Part::machine:
        if (event.what == switch_on) {
            machines_.power_on(event.a);
            switched_on_ = std::max(switched_on_, event.a + 1);
        } else {
            machines_.power_off(event.a);
        }
        break;
    case Part::fault:
        on_fault(event);
        break;
    }
}

bool World::server_agrees(MachineIndex machine) const {
    if (!server_.up()) {
        return false;
    }
    const NodeRecord* const node = server_.control()->ledger().nodes().find(Machines::mac(machine));
    return node != nullptr && node->install.state == InstallState::installed;
}

bool World::all_done() const noexcept {
    if (machines_.done_count() < machines_.count()) {
        return false;
    }
    for (MachineIndex i = 0; i < machines_.count(); ++i) {
        if (!server_agrees(i)) {
            return false;
        }
    }
    return true;
}

void World::run() {
    const Instant safe_until = Instant{} + options_.safety;
    while (universe_.now.steady < safe_until && universe_.findings.empty() && step()) {
    }
    heal();
    const Instant bound = universe_.now.steady + options_.liveness_max;
    std::uint32_t done_before = UINT32_MAX;
    Instant looked_at{};
    while (universe_.now.steady < bound && universe_.findings.empty()) {
        // Asking every node is dear: only when the count of machines changed, or time has passed.
        if (machines_.done_count() == machines_.count() &&
            (machines_.done_count() != done_before || universe_.now.steady > looked_at + 1s)) {
            looked_at = universe_.now.steady;
            if (all_done()) {
                break;
            }
        }
        done_before = machines_.done_count();
        if (!step()) {
            break;
        }
    }
    check_end();
}

void World::check_end() {
    if (!universe_.findings.empty()) {
        return;
    }
    std::uint32_t named = 0;
    for (MachineIndex i = 0; i < machines_.count() && named < 3; ++i) {
        const Machine& m = machines_.machine(i);
        if (!m.done) {
            ++named;
            universe_.found("liveness", fmt::format("machine {} is not installed: stage {}{}, last "
                                                    "failure '{}'",
                                                    i, to_text(m.stage), m.lost ? ", lost" : "",
                                                    m.last_failure));
        } else if (!server_agrees(i)) {
            ++named;
            universe_.found("agreement",
                            fmt::format("machine {} runs from its disk, and the server does not "
                                        "know it",
                                        i));
        }
    }
    const DatagramCounts& counts = datagrams_.counts();
    std::uint64_t lost = 0;
    for (const std::uint64_t count : counts.losses) {
        lost += count;
    }
    if (counts.sent + counts.duplicated != counts.delivered + lost + counts.in_flight) {
        universe_.found("accounting",
                        fmt::format("of {} packets sent and {} made twice {} arrived, {} were lost "
                                    "and {} are under way",
                                    counts.sent, counts.duplicated, counts.delivered, lost,
                                    counts.in_flight));
    }
    datagrams_.check();
    if (server_.up()) {
        accounting_.check(server_, streams_, universe_);
    }
}

} // namespace muster::sim
