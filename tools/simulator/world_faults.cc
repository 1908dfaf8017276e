// SPDX-License-Identifier: Apache-2.0
// What goes wrong in a world, and who looks after it.
#include "tools/simulator/world.hh"

#include <algorithm>
#include <cmath>

namespace muster::sim {
namespace {

constexpr Duration power_cycle = 1s;

template <class Value>
Value between(Prng& random, Value least, Value most) {
    return least + static_cast<Value>(random.below(static_cast<std::uint64_t>(most - least) + 1));
}

} // namespace

WorldOptions WorldOptions::swarm(std::uint64_t seed) {
    Prng random{seed ^ 0x5eedU};
    WorldOptions o;
    o.seed = seed;
    o.machines.count = between(random, 1U, 20U);
    o.machines.streams_max = 256;
    o.server.workers = random.chance(0.5) ? 1 : between(random, 2U, 4U);
    o.server.connections_max = 128;
    o.server.engine.dhcp_limits.leases_max = 1024;
    o.server.engine.dhcp_limits.commits_max = random.chance(0.5) ? 64 : between(random, 1U, 8U);
    o.server.engine.dhcp_limits.nodes_expected = 64;
    TftpLimits& tftp = o.server.engine.tftp_limits;
    tftp.sessions = random.chance(0.75) ? 64 : between(random, 1U, 8U);
    tftp.windowsize_max = random.chance(0.5) ? std::uint16_t{64} : std::uint16_t{1};
    tftp.single_port = random.chance(0.2);
    tftp.transfer_sockets = static_cast<std::uint8_t>(between(random, 2U, 4U));
    o.server.engine.http_limits.input_blocks = random.chance(0.5) ? 64 : 2;
    o.server.mailbox_capacity = random.chance(0.5) ? 8192 : between(random, 2U, 16U);
    o.network.server_rate = random.chance(0.5) ? 1e9 / 8 : 10e9 / 8;
    o.network.client_rate = random.chance(0.5) ? 1e9 / 8 : 100e6 / 8;
    o.network.latency = Duration{between(random, 20'000, 2'000'000)};
    o.network.frames = random.chance(0.5);
    o.network.vlan = seed % 4 == 0 ? 42 : 0; // drawn from nothing: older seeds stay what they were
    o.streams.streams_max = o.machines.streams_max;
    o.site.lease = std::chrono::seconds{between(random, 60, 3600)};
    o.site.booting = std::chrono::seconds{between(random, 60, 180)};
    o.site.installing = std::chrono::seconds{between(random, 60, 300)};
    o.site.retries = between(random, 0U, 3U);
    o.site.reserved = random.chance(0.5) ? 0 : between(random, 0U, o.machines.count);
    o.site.reserved_in_pool = random.chance(0.5);
    o.site.addresses = random.chance(0.25) ? o.machines.count : 0;
    o.content.kernel = between(random, 1'000U, 200'000U);
    o.content.initrd = between(random, 1'000U, 500'000U);
    o.content.image = between(random, 1'000U, 40'000'000U);
    o.content.loaders = 0.05;
    o.power.over = random.chance(0.5) ? Duration::zero() : Duration{30s};
    o.faults = Faults::swarm(random);
    if (o.site.addresses != 0) {
        // As many addresses as machines: none may go to reservations, or to a machine that a
        // damaged request made up.
        o.site.reserved_in_pool = false;
        o.faults.reload = {};
        o.faults.link.unseen_dhcp = 0;
    }
    o.safety = 60s + std::chrono::seconds{between(random, 0, 120)};
    Prng others{seed ^ 0x510700U}; // of its own, so that earlier seeds stay the worlds they were
    if (others.chance(0.5)) {
        o.server.governor = GovernorOptions{.slots = between(others, 0U, 4U), .egress = 0};
    }
    return o;
}

std::string WorldOptions::text() const {
    return fmt::format(
        "seed {} machines {} workers {} commits-max {} sessions {} windowsize-max "
        "{}{} slots {} mailbox {} latency {}us{} lease {}s reserved {} pool {} safety {}s, {}",
        seed, machines.count, server.workers, server.engine.dhcp_limits.commits_max,
        server.engine.tftp_limits.sessions, server.engine.tftp_limits.windowsize_max,
        server.engine.tftp_limits.single_port ? " single-port" : "",
        server.governor ? std::to_string(server.governor->slots) : "off", server.mailbox_capacity,
        network.latency.count() / 1000,
        network.frames ? network.vlan != 0 ? " frames vlan" : " frames" : "",
        std::chrono::duration_cast<std::chrono::seconds>(site.lease).count(), site.reserved,
        site.addresses, std::chrono::duration_cast<std::chrono::seconds>(safety).count(),
        faults.text());
}

Recurring* World::recurring(FaultKind kind) noexcept {
    switch (kind) {
    case crash:
        return &universe_.faults.crash;
    case store_full:
        return &universe_.faults.store_full;
    case cut:
        return &universe_.faults.cut;
    case worker_pause:
        return &universe_.faults.worker_pause;
    case control_pause:
        return &universe_.faults.control_pause;
    case reload:
        return &universe_.faults.reload;
    case power_cut:
        return &universe_.faults.power_cut;
    case store_works:
    case reorder:
    case operator_round:
        break;
    }
    return nullptr;
}

void World::plan_faults() {
    for (const FaultKind kind :
         {crash, store_full, cut, worker_pause, control_pause, reload, power_cut}) {
        if (const Recurring* fault = recurring(kind); fault->on()) {
            plan(kind, fault->every);
        }
    }
    if (universe_.faults.reorder_every > Duration::zero()) {
        plan(reorder, universe_.faults.reorder_every);
    }
}

/// The next one, at a moment that knows nothing of the last.
void World::plan(FaultKind kind, Duration every) {
    const double wait =
        -std::log(1.0 - universe_.random.uniform()) * static_cast<double>(every.count());
    universe_.events.post(universe_.now.steady + Duration{static_cast<std::int64_t>(wait)},
                          Part::fault, kind);
}

Duration World::length(const Recurring& fault) {
    return fault.least + universe_.up_to(fault.most - fault.least);
}

MachineIndex World::any_machine() {
    return static_cast<MachineIndex>(universe_.random.below(machines_.count()));
}

void World::on_fault(const AgendaEvent& event) {
    const auto kind = static_cast<FaultKind>(event.what);
    if (kind == operator_round) {
        look_after_machines();
        universe_.events.post(universe_.now.steady + operators_come_every, Part::fault,
                              operator_round);
        return;
    }
    if (kind == store_works) {
        store_.set_full(false);
        return;
    }
    if (healed_) {
        return;
    }
    begin_fault(kind);
    const Recurring* fault = recurring(kind);
    plan(kind, fault != nullptr ? fault->every : universe_.faults.reorder_every);
}

void World::begin_fault(FaultKind kind) {
    const Instant now = universe_.now.steady;
    switch (kind) {
    case crash:
        restart_server(length(universe_.faults.crash));
        break;
    case store_full:
        store_.set_full(true);
        universe_.events.post(now + length(universe_.faults.store_full), Part::fault, store_works);
        break;
    case cut: {
        const Instant until = now + length(universe_.faults.cut);
        for (MachineIndex i = 0; i < machines_.count(); ++i) {
            if (universe_.random.chance(0.3)) {
                machines_.cut_link(i, until);
            }
        }
        break;
    }
    case worker_pause:
        server_.pause_worker(static_cast<unsigned>(universe_.random.below(options_.server.workers)),
                             now + length(universe_.faults.worker_pause));
        break;
    case control_pause:
        server_.pause_control(now + length(universe_.faults.control_pause));
        break;
    case reload: {
        SiteShape shape = options_.site;
        shape.reserved = static_cast<std::uint32_t>(universe_.random.below(machines_.count() + 1));
        shape.reserved_in_pool = universe_.random.chance(0.5);
        shape.lease = std::chrono::seconds{60 + universe_.random.below(3'600)};
        universe_.note([&] {
            return fmt::format("reload: {} reservations{}", shape.reserved,
                               shape.reserved_in_pool ? " in the pool" : "");
        });
        server_.reload(read_site(shape));
        break;
    }
    case power_cut:
        cycle_power(any_machine(), length(universe_.faults.power_cut));
        break;
    case reorder:
        order_anew(any_machine());
        break;
    case store_works:
    case operator_round:
        break;
    }
}

void World::restart_server(Duration after) {
    server_.kill();
    // Back alone: by a clock that leaps forward leases run out before their machines think so, and
    // nobody could know.
    wall_offset_ -= universe_.up_to(universe_.faults.wall_step_max);
    server_.start(after);
}

/// An operator wants the machine installed again: says so, and switches it off and on.
void World::order_anew(MachineIndex machine) {
    const NodeRecord* const node =
        server_.up() ? server_.control()->ledger().nodes().find(Machines::mac(machine)) : nullptr;
    if (node == nullptr) {
        return;
    }
    const std::string name = node->name();
    universe_.note([&] { return fmt::format("order: install {}", name); });
    machines_.machine(machine).wipe_allowed = true;
    machines_.machine(machine).ordered_anew = true;
    install_check_.on_order(name);
    server_.order(DynamicRequest::Method::post, "/api/v1/nodes/" + name + "/install");
    cycle_power(machine, power_cycle);
}

void World::cycle_power(MachineIndex machine, Duration off_for) {
    if (!machines_.machine(machine).powered) {
        return;
    }
    machines_.power_off(machine);
    universe_.events.post(universe_.now.steady + off_for, Part::machine, switch_on, machine);
}

/// People come by: a machine that gave up is switched off and on; one that the server will not
/// install any more is ordered anew; so is one that the server takes for unfinished although it
/// runs from its disk.
void World::look_after_machines() {
    for (MachineIndex i = 0; i < machines_.count(); ++i) {
        const Machine& m = machines_.machine(i);
        if (!m.powered) {
            continue;
        }
        const NodeRecord* const node =
            server_.up() ? server_.control()->ledger().nodes().find(Machines::mac(i)) : nullptr;
        if (node != nullptr && node->install.state == InstallState::failed) {
            order_anew(i);
        } else if (m.lost || (m.done && node != nullptr && !server_agrees(i))) {
            cycle_power(i, power_cycle);
        }
    }
}

void World::heal() {
    if (healed_) {
        return;
    }
    healed_ = true;
    universe_.note([] { return "all faults end"; });
    universe_.faults = Faults{};
    store_.set_full(false);
    for (MachineIndex i = 0; i < machines_.count(); ++i) {
        if (machines_.link_back_at(i) > universe_.now.steady) {
            machines_.cut_link(i, universe_.now.steady);
        }
    }
    server_.start();
}

/// The planted bugs of a restart: what the new process finds is not what was there.
void World::spoil_stored(StoredState& state) {
    if (spoiled_) {
        return;
    }
    if (universe_.canary == Canary::lease_given_twice && state.leases.size() >= 2) {
        // One machine's lease becomes another's, whose own is gone.
        state.leases.front().mac = state.leases.back().mac;
        state.leases.pop_back();
        spoiled_ = true;
    }
    for (NodeRecord& node : state.nodes) {
        const bool installed = node.install.state == InstallState::installed;
        if (universe_.canary == Canary::install_forgotten && installed) {
            node.install.state = InstallState::ready;
            spoiled_ = true;
            return;
        }
        if (universe_.canary == Canary::install_invented && !installed) {
            node.install.state = InstallState::installed;
            node.install.token_use = TokenUse::spent_installed;
            node.install.deadline = {};
            spoiled_ = true;
            return;
        }
        if (universe_.canary == Canary::attempt_forgotten && !installed &&
            node.install.attempt > 0) {
            --node.install.attempt;
            spoiled_ = true;
            return;
        }
        NodeRecord& other = state.nodes.front();
        if (universe_.canary == Canary::token_shared && &other != &node &&
            !other.install.token.empty() && !node.install.token.empty()) {
            node.install.token = other.install.token;
            spoiled_ = true;
            return;
        }
    }
}

} // namespace muster::sim
