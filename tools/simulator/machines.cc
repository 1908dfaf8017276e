// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/machines.hh"

#include "tools/simulator/checks.hh"
#include "tools/simulator/datagrams.hh"
#include "tools/simulator/streams.hh"

namespace muster::sim {

Machines::Machines(Universe& universe, const MachineOptions& options, MachineMaker maker)
    : universe_(universe),
      maker_(std::move(maker)),
      fleet_({.machines = options.count, .streams = options.streams_max}),
      machines_(options.count),
      addresses_(options.count),
      seeds_(universe.random.split()) {}

MacAddress Machines::mac(MachineIndex machine) noexcept {
    return {{0x52, 0x54, 0x00, static_cast<std::uint8_t>(machine >> 16U),
             static_cast<std::uint8_t>(machine >> 8U), static_cast<std::uint8_t>(machine)}};
}

std::optional<MachineIndex> Machines::find(const MacAddress& mac) const noexcept {
    const MachineIndex index = static_cast<MachineIndex>(mac.octets[3]) << 16U |
                               static_cast<MachineIndex>(mac.octets[4]) << 8U | mac.octets[5];
    return index < count() && Machines::mac(index) == mac ? std::optional{index} : std::nullopt;
}

std::optional<MachineIndex> Machines::find(const IpAddress& address) const noexcept {
    if (const auto v4 = address.v4()) {
        return fleet_.machine_of(*v4);
    }
    // A link-local address made of the link address (RFC 4291 appendix A).
    const auto& o = address.octets;
    return find(
        MacAddress{{static_cast<std::uint8_t>(o[8] ^ 2U), o[9], o[10], o[13], o[14], o[15]}});
}

template <class Call>
void Machines::call(Call&& what) {
    what();
    perform(false);
    next_deadline_ = fleet_.next_deadline();
}

void Machines::power_on(MachineIndex index) {
    Machine& m = machines_[index];
    if (m.powered) {
        return;
    }
    m.powered = true;
    m.lost = false;
    if (m.done) {
        m.done = false;
        --done_;
    }
    ++m.boots;
    universe_.note([&] { return fmt::format("machine {} is switched on", index); });
    ClientIdentity identity{.index = index, .mac = mac(index), .uuid = {}, .address = {}};
    for (std::size_t i = 0; i < 6; ++i) {
        identity.uuid[i] = identity.mac.octets[i];
    }
    identity.uuid[15] = 1;
    auto made = maker_({.index = index, .seed = seeds_.next(), .installed = m.installed});
    call([&] { fleet_.start(identity, std::move(made), universe_.now, out_); });
}

void Machines::power_off(MachineIndex index) {
    Machine& m = machines_[index];
    if (!m.powered) {
        return;
    }
    universe_.note([&] { return fmt::format("machine {} loses power", index); });
    if (check_ != nullptr) {
        check_->on_power_off(index);
    }
    m.powered = false;
    m.stage = ClientStage::off;
    if (fleet_.running(index)) {
        fleet_.stop(index, universe_.now, out_);
        perform(true);
    }
    next_deadline_ = fleet_.next_deadline();
}

void Machines::on_order_read(MachineIndex index) {
    Machine& m = machines_[index];
    if (m.installed && !m.wipe_allowed) {
        universe_.found("install",
                        fmt::format("machine {} wipes its disk, and nobody ordered that", index));
    }
    m.installed = false;
    m.ordered_anew = false;
}

void Machines::on_reports_installed(MachineIndex index, bool accepted) {
    Machine& m = machines_[index];
    if (!m.installed) {
        m.installed = true;
        ++m.installs;
    }
    if (accepted) {
        m.wipe_allowed = m.ordered_anew;
    }
}

void Machines::cut_link(MachineIndex index, Instant until) {
    machines_[index].cut_until = until;
    streams_->on_link_changed(index);
}

void Machines::receive(MachineIndex machine, const ClientRx& datagram) {
    if (check_ != nullptr) {
        check_->on_datagram(machine, datagram);
    }
    call([&] { fleet_.receive(machine, datagram, universe_.now, out_); });
}

void Machines::receive_frame(const ClientRx& datagram) {
    if (check_ != nullptr) {
        check_->on_broadcast(datagram, *this);
    }
    call([&] {
        (void)fleet_.receive_frame(MacAddress::broadcast(), datagram, universe_.now, out_);
    });
}

void Machines::on_stream_open(ClientStreamId stream) {
    call([&] { fleet_.on_stream_open(stream, universe_.now, out_); });
}

void Machines::on_stream_data(ClientStreamId stream, Bytes bytes) {
    call([&] { fleet_.on_stream_data(stream, bytes, universe_.now, out_); });
}

void Machines::on_stream_discarded(ClientStreamId stream, std::uint64_t size) {
    call([&] { fleet_.on_stream_discarded(stream, size, universe_.now, out_); });
}

void Machines::on_stream_closed(ClientStreamId stream) {
    call([&] { fleet_.on_stream_closed(stream, universe_.now, out_); });
}

void Machines::expire() {
    call([&] { fleet_.expire(universe_.now, out_); });
}

/// `silent`: the machine has lost power, so that what its fleet tidies up nobody hears.
void Machines::perform(bool silent) {
    for (const ClientTx& datagram : out_.datagrams) {
        if (const auto address = datagram.source.address.v4()) {
            addresses_[datagram.machine] = *address;
        }
        if (check_ != nullptr) {
            check_->on_sent(datagram.machine, datagram.destination.port, out_.payload(datagram));
        }
        datagrams_->send(datagram, out_.payload(datagram));
    }
    for (const ClientGroup& group : out_.groups) {
        datagrams_->on_group(group);
    }
    for (const ClientConnect& connect : out_.connects) {
        streams_->open(connect, addresses_[connect.machine]);
    }
    for (const ClientStreamOrder& order : out_.stream_orders) {
        if (silent && order.kind == ClientStreamOrder::Kind::close) {
            streams_->abandon(order.stream);
        } else {
            streams_->order(order, order.kind == ClientStreamOrder::Kind::send ? out_.payload(order)
                                                                               : Bytes{});
        }
    }
    // Notes last: who reads them may switch machines.
    if (out_.notes.empty()) {
        out_.clear();
        return;
    }
    const std::vector<ClientNote> notes = std::exchange(out_.notes, {});
    out_.clear();
    for (const ClientNote& note : notes) {
        take_note(note);
    }
}

void Machines::take_note(const ClientNote& note) {
    Machine& m = machines_[note.machine];
    universe_.digest.add(std::uint64_t{note.machine} << 16U |
                         static_cast<unsigned>(note.kind) << 8U |
                         static_cast<unsigned>(note.stage));
    universe_.note([&] {
        constexpr std::array<std::string_view, 9> kinds{"stage",    "waited",   "again",
                                                        "exchange", "transfer", "request",
                                                        "image",    "failed",   "finished"};
        static_assert(kinds.size() == static_cast<std::size_t>(ClientNote::Kind::finished) + 1);
        return fmt::format("machine {} {} {} ok {} status {} bytes {} {} {}", note.machine,
                           kinds[static_cast<std::size_t>(note.kind)],
                           note.kind == ClientNote::Kind::stage ? to_text(note.stage) : "", note.ok,
                           note.status, note.bytes,
                           note.address.is_unspecified() ? "" : to_text(note.address), note.text);
    });
    switch (note.kind) {
    case ClientNote::Kind::stage:
        m.stage = note.stage;
        if (note.stage == ClientStage::disk && !m.installed && universe_.checks) {
            universe_.found("install", fmt::format("machine {} is sent to a disk that holds no "
                                                   "system",
                                                   note.machine));
        }
        break;
    case ClientNote::Kind::finished:
        m.done = note.ok;
        m.lost = !note.ok;
        done_ += note.ok ? 1U : 0U;
        if (note.ok) {
            m.stage = ClientStage::disk;
        } else {
            m.stage = ClientStage::lost;
            m.last_failure = note.text;
        }
        break;
    case ClientNote::Kind::exchange:
        if (check_ != nullptr) {
            check_->on_exchange(note.machine, note.address, *this);
        }
        break;
    case ClientNote::Kind::failed:
        m.last_failure = note.text;
        break;
    case ClientNote::Kind::waited:
    case ClientNote::Kind::retransmission:
    case ClientNote::Kind::transfer:
    case ClientNote::Kind::request:
    case ClientNote::Kind::image:
        break;
    }
    if (on_note) {
        on_note(note);
    }
}

} // namespace muster::sim
