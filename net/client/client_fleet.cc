// SPDX-License-Identifier: Apache-2.0
#include "net/client/client_fleet.hh"

#include "core/mem/cache_line.hh"
#include "net/wire/dhcp_message.hh"

#include <algorithm>

namespace muster {
namespace {

constexpr std::size_t chaddr_offset = 28; ///< RFC 2131 section 2

/// Whose DHCP reply this is; nullopt: too short to say.
std::optional<MacAddress> chaddr_of(Bytes message) noexcept {
    if (message.size() < dhcp_fixed_size) {
        return std::nullopt;
    }
    MacAddress mac;
    for (std::size_t i = 0; i < mac.octets.size(); ++i) {
        mac.octets[i] = std::to_integer<std::uint8_t>(message[chaddr_offset + i]);
    }
    return mac;
}

constexpr std::size_t engine_hot_bytes = 640; ///< what a datagram touches of the usual machine

void prefetch_bytes(const void* at, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; i += cache_line_size) {
        __builtin_prefetch(static_cast<const std::byte*>(at) + i);
    }
}

bool is_group(const MacAddress& mac) noexcept {
    return (mac.octets[0] & 1U) != 0;
}

} // namespace

ClientFleet::ClientFleet(const ClientFleetLimits& limits)
    : seats_(limits.machines), timers_(limits.machines), streams_(limits.streams) {}

ClientFleet::~ClientFleet() = default;

template <class Call>
void ClientFleet::call(MachineIndex machine, const Now& now, ClientOutbox& out,
                       Call&& what) noexcept {
    Seat& seat = seats_[machine];
    if (!seat.machine || seat.finished) {
        return;
    }
    ClientContext context{*this, seat.identity, now, out};
    what(*seat.machine, context);
    if (seat.finished) {
        clear_away(machine, out);
    }
}

void ClientFleet::start(const ClientIdentity& identity, std::unique_ptr<ClientMachine> machine,
                        const Now& now, ClientOutbox& out) {
    Seat& seat = seats_.at(identity.index);
    MUSTER_CHECK(!seat.machine);
    seat.machine = std::move(machine);
    seat.identity = identity;
    seat.finished = false;
    by_mac_[identity.mac] = identity.index;
    ++running_;
    if (!identity.address.is_unspecified()) {
        seat.address = identity.address;
        by_address_[identity.address] = identity.index;
    }
    call(identity.index, now, out,
         [](ClientMachine& it, ClientContext& context) { it.start(context); });
}

void ClientFleet::stop(MachineIndex machine, const Now& /*now*/, ClientOutbox& out) {
    if (seats_.at(machine).machine) {
        clear_away(machine, out);
    }
}

void ClientFleet::prefetch(MachineIndex machine) const noexcept {
    prefetch_bytes(&seats_[machine], sizeof(Seat));
}

void ClientFleet::prefetch_engine(MachineIndex machine) const noexcept {
    if (const ClientMachine* const engine = seats_[machine].machine.get()) {
        prefetch_bytes(engine, engine_hot_bytes);
    }
}

bool ClientFleet::running(MachineIndex machine) const noexcept {
    return machine < seats_.size() && seats_[machine].machine != nullptr;
}

void ClientFleet::clear_away(MachineIndex machine, ClientOutbox& out) noexcept {
    Seat& seat = seats_[machine];
    timers_.cancel(machine);
    for (const ClientStreamId stream : seat.streams) {
        out.stream_orders.push_back({stream, ClientStreamOrder::Kind::close});
        streams_.release(stream);
    }
    for (const std::uint16_t port : seat.ports) {
        out.udp_closes.push_back({machine, port});
    }
    if (const auto at = by_mac_.find(seat.identity.mac);
        at != by_mac_.end() && at->second == machine) {
        by_mac_.erase(at);
    }
    if (const auto at = by_address_.find(seat.address);
        at != by_address_.end() && at->second == machine) {
        by_address_.erase(at);
    }
    seat = Seat{};
    --running_;
}

void ClientFleet::receive(MachineIndex machine, const ClientRx& datagram, const Now& now,
                          ClientOutbox& out) noexcept {
    if (machine < seats_.size()) {
        call(machine, now, out,
             [&](ClientMachine& it, ClientContext& context) { it.on_datagram(datagram, context); });
    }
}

bool ClientFleet::receive_frame(const MacAddress& mac, const ClientRx& datagram, const Now& now,
                                ClientOutbox& out) noexcept {
    std::optional<MachineIndex> machine;
    // Port 67: what a server answers to machines behind the relay agent that we play.
    const bool dhcp = datagram.protocol == ClientProtocol::udp &&
                      (datagram.destination.port == 68 || datagram.destination.port == 67);
    if (dhcp) {
        const auto chaddr = chaddr_of(datagram.payload);
        machine = chaddr ? machine_of(*chaddr) : std::nullopt;
    } else if (is_group(mac)) {
        for (MachineIndex i = 0; i < seats_.size(); ++i) {
            receive(i, datagram, now, out);
        }
        return true;
    } else {
        machine = machine_of(mac);
        if (!machine) {
            const auto address = datagram.destination.address.v4();
            machine = address ? machine_of(*address) : std::nullopt;
        }
    }
    if (!machine) {
        return false;
    }
    receive(*machine, datagram, now, out);
    return true;
}

void ClientFleet::on_stream_open(ClientStreamId stream, const Now& now,
                                 ClientOutbox& out) noexcept {
    if (const Stream* s = find(stream)) {
        call(s->machine, now, out, [&](ClientMachine& it, ClientContext& context) {
            it.on_stream_open(stream, context);
        });
    }
}

void ClientFleet::on_stream_data(ClientStreamId stream, Bytes bytes, const Now& now,
                                 ClientOutbox& out) noexcept {
    if (const Stream* s = find(stream)) {
        call(s->machine, now, out, [&](ClientMachine& it, ClientContext& context) {
            it.on_stream_data(stream, bytes, context);
        });
    }
}

void ClientFleet::on_stream_discarded(ClientStreamId stream, std::uint64_t size, const Now& now,
                                      ClientOutbox& out) noexcept {
    if (const Stream* s = find(stream)) {
        call(s->machine, now, out, [&](ClientMachine& it, ClientContext& context) {
            it.on_stream_discarded(stream, size, context);
        });
    }
}

void ClientFleet::on_stream_closed(ClientStreamId stream, const Now& now,
                                   ClientOutbox& out) noexcept {
    const Stream* s = find(stream);
    if (s == nullptr) {
        return;
    }
    const MachineIndex machine = s->machine;
    std::erase(seats_[machine].streams, stream);
    streams_.release(stream);
    call(machine, now, out,
         [&](ClientMachine& it, ClientContext& context) { it.on_stream_closed(stream, context); });
}

void ClientFleet::expire(const Now& now, ClientOutbox& out) noexcept {
    timers_.expire(now.steady, [&](std::uint32_t machine) {
        call(machine, now, out,
             [](ClientMachine& it, ClientContext& context) { it.on_timer(context); });
    });
}

std::optional<MachineIndex> ClientFleet::machine_of(const Ipv4Address& address) const noexcept {
    const auto at = by_address_.find(address);
    return at == by_address_.end() ? std::nullopt : std::optional{at->second};
}

std::optional<MachineIndex> ClientFleet::machine_of(const MacAddress& mac) const noexcept {
    const auto at = by_mac_.find(mac);
    return at == by_mac_.end() ? std::nullopt : std::optional{at->second};
}

void ClientContext::send_udp(const IpAddress& source, std::uint16_t source_port,
                             const Endpoint& destination, Bytes payload) {
    auto& ports = fleet_.seats_[identity.index].ports;
    if (std::find(ports.begin(), ports.end(), source_port) == ports.end()) {
        ports.push_back(source_port);
    }
    out.datagrams.push_back({.machine = identity.index,
                             .source = {source, source_port},
                             .destination = destination,
                             .mac = identity.mac,
                             .payload_offset = out.store(payload),
                             .payload_size = static_cast<std::uint32_t>(payload.size())});
}

void ClientContext::send_icmpv6(const IpAddress& source, const IpAddress& destination,
                                Bytes payload) {
    out.datagrams.push_back({.protocol = ClientProtocol::icmpv6,
                             .machine = identity.index,
                             .source = {source, 0},
                             .destination = {destination, 0},
                             .mac = identity.mac,
                             .payload_offset = out.store(payload),
                             .payload_size = static_cast<std::uint32_t>(payload.size())});
}

void ClientContext::close_udp(std::uint16_t port) {
    if (std::erase(fleet_.seats_[identity.index].ports, port) > 0) {
        out.udp_closes.push_back({identity.index, port});
    }
}

void ClientContext::join(const Endpoint& group) {
    out.groups.push_back({identity.index, group, true});
}

void ClientContext::leave(const Endpoint& group) {
    out.groups.push_back({identity.index, group, false});
}

ClientStreamId ClientContext::connect(const IpAddress& source, const Endpoint& destination,
                                      std::uint32_t receive_window) {
    const auto claimed = fleet_.streams_.claim();
    if (claimed.value == nullptr) {
        failed("no connection left in this fleet");
        return {};
    }
    claimed.value->machine = identity.index;
    fleet_.seats_[identity.index].streams.push_back(claimed.handle);
    out.connects.push_back({.stream = claimed.handle,
                            .machine = identity.index,
                            .source = source,
                            .destination = destination,
                            .receive_window = receive_window});
    return claimed.handle;
}

void ClientContext::send_stream(ClientStreamId stream, Bytes bytes) {
    out.stream_orders.push_back(
        {stream, ClientStreamOrder::Kind::send, out.store(bytes), bytes.size()});
}

void ClientContext::discard_stream(ClientStreamId stream, std::uint64_t bytes) {
    out.stream_orders.push_back({stream, ClientStreamOrder::Kind::discard, 0, bytes});
}

void ClientContext::close_stream(ClientStreamId stream) {
    if (fleet_.streams_.get(stream) == nullptr) {
        return; // it has ended by itself meanwhile
    }
    out.stream_orders.push_back({stream, ClientStreamOrder::Kind::close});
    std::erase(fleet_.seats_[identity.index].streams, stream);
    fleet_.streams_.release(stream);
}

void ClientContext::set_timer(Instant deadline) {
    fleet_.timers_.arm(identity.index, deadline);
}

void ClientContext::set_address(const Ipv4Address& address) {
    auto& seat = fleet_.seats_[identity.index];
    if (const auto at = fleet_.by_address_.find(seat.address);
        at != fleet_.by_address_.end() && at->second == identity.index) {
        fleet_.by_address_.erase(at);
    }
    seat.address = address;
    if (!address.is_unspecified()) {
        fleet_.by_address_[address] = identity.index;
    }
}

void ClientContext::note(ClientNote note) {
    note.machine = identity.index;
    out.notes.push_back(std::move(note));
}

void ClientContext::enter(ClientStage stage) {
    note({.kind = ClientNote::Kind::stage, .stage = stage});
}

void ClientContext::waited(ClientWait wait, Duration duration) {
    note({.kind = ClientNote::Kind::waited, .wait = wait, .duration = duration});
}

void ClientContext::retransmitted() {
    note({.kind = ClientNote::Kind::retransmission});
}

void ClientContext::failed(std::string text) {
    note({.kind = ClientNote::Kind::failed, .ok = false, .text = std::move(text)});
}

void ClientContext::finish(bool ok, std::string text) {
    note({.kind = ClientNote::Kind::finished, .ok = ok, .text = std::move(text)});
    fleet_.seats_[identity.index].finished = true;
}

} // namespace muster
