// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/tally.hh"

namespace muster::load {
namespace {

/// Different texts of failures that are kept apart; servers may put anything into them.
constexpr std::size_t reasons_max = 100;

} // namespace

Tally::Tally(Kind kind, std::uint32_t machines) : kind_(kind), machines_(machines) {
    stages_[static_cast<std::size_t>(ClientStage::off)] = machines;
}

void Tally::restart() {
    figures_ = Figures{};
}

std::uint64_t Tally::successes() const noexcept {
    switch (kind_) {
    case Kind::dhcp:
        return figures_.exchanges;
    case Kind::tftp:
    case Kind::multicast:
        return figures_.transfers;
    case Kind::http:
        return figures_.requests;
    case Kind::storm:
        return figures_.installed;
    }
    __builtin_unreachable();
}

void Tally::on_started(MachineIndex machine, Instant scheduled, Instant now) {
    Machine& m = machines_[machine];
    const ClientStage stage = m.stage;
    m = Machine{.scheduled = scheduled, .late = now - scheduled, .stage = stage};
    ++figures_.started;
    figures_.lateness.record(m.late.count());
}

void Tally::fail(Machine& machine, const std::string& reason) {
    machine.failed = true;
    ++figures_.failed;
    if (figures_.reasons.size() < reasons_max || figures_.reasons.contains(reason)) {
        ++figures_.reasons[reason];
    }
}

void Tally::enter(Machine& machine, ClientStage stage, Instant now) {
    --stages_[static_cast<std::size_t>(machine.stage)];
    machine.stage = stage;
    ++stages_[static_cast<std::size_t>(stage)];
    const auto since_start = (now - machine.scheduled).count();
    if (stage == ClientStage::loader && !machine.loader) {
        machine.loader = true;
        figures_.to_loader.record(since_start);
    } else if (stage == ClientStage::kernel && !machine.kernel) {
        machine.kernel = true;
        figures_.to_kernel.record(since_start);
    }
}

void Tally::finish(Machine& machine, const ClientNote& note, Instant now) {
    ++figures_.finished;
    if (kind_ == Kind::storm) {
        if (note.ok) {
            ++figures_.installed;
            figures_.to_installed.record((now - machine.scheduled).count());
        } else {
            ++figures_.lost;
            enter(machine, ClientStage::lost, now);
        }
    }
    if (!note.ok && !machine.failed) {
        fail(machine, note.text);
    }
}

void Tally::on_note(const ClientNote& note, Instant now) {
    Machine& machine = machines_[note.machine];
    switch (note.kind) {
    case ClientNote::Kind::stage:
        enter(machine, note.stage, now);
        break;
    case ClientNote::Kind::waited:
        figures_.waited[static_cast<std::size_t>(note.wait)] += note.duration;
        break;
    case ClientNote::Kind::retransmission:
        ++figures_.retransmissions;
        break;
    case ClientNote::Kind::exchange: {
        ++figures_.exchanges;
        const auto [holder, is_new] = holders_.try_emplace(note.address, note.machine);
        if (!is_new && holder->second != note.machine) {
            ++figures_.duplicate_addresses;
        }
        if (kind_ == Kind::dhcp) {
            figures_.latency.record((note.duration + machine.late).count());
        }
        break;
    }
    case ClientNote::Kind::transfer:
        ++figures_.transfers;
        figures_.bytes += note.bytes;
        if (kind_ == Kind::tftp || kind_ == Kind::multicast) {
            figures_.latency.record((note.duration + machine.late).count());
        }
        break;
    case ClientNote::Kind::image:
        break;
    case ClientNote::Kind::request:
        if (!note.ok) {
            break; // an answer, but not the one asked for: `failed` follows
        }
        ++figures_.requests;
        figures_.bytes += note.bytes;
        if (kind_ == Kind::http) {
            figures_.latency.record((note.duration + machine.late).count());
            machine.late = {}; // of later requests on the same connection nothing was scheduled
        }
        break;
    case ClientNote::Kind::failed:
        // What goes wrong on the way of a machine that is installed in the end is no failure.
        if (kind_ != Kind::storm) {
            fail(machine, note.text);
        }
        break;
    case ClientNote::Kind::finished:
        finish(machine, note, now);
        break;
    }
}

void Tally::on_stopped(MachineIndex machine, const std::string& reason) {
    Machine& m = machines_[machine];
    ++figures_.finished;
    if (!reason.empty() && !m.failed) {
        fail(m, reason);
        if (kind_ == Kind::storm) {
            ++figures_.lost;
        }
    }
}

void Tally::on_missed(std::uint64_t count) {
    if (count > 0) {
        figures_.failed += count;
        figures_
            .reasons["never begun: all clients were busy (more --clients, or a lower --rate)"] +=
            count;
    }
}

void Tally::sample(Duration since_start) {
    figures_.stages.push_back({since_start, stages_});
}

} // namespace muster::load
