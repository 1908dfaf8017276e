// SPDX-License-Identifier: Apache-2.0
// Packets on their way. How they leave and arrive at either end is in datagram_ends.cc.
#include "tools/simulator/datagrams.hh"

#include "core/base/check.hh"

#include "tools/simulator/frame.hh"
#include "tools/simulator/machines.hh"
#include "tools/simulator/server_host.hh"

#include <algorithm>

namespace muster::sim {
namespace {

/// Ethernet, IPv4 and UDP headers, check sequence, preamble and gap.
constexpr std::uint32_t wire_overhead = 66;

/// Two 16-bit words change places: a sum does not care.
void swap_words(MutableBytes payload, std::uint64_t damage) noexcept {
    if (payload.size() >= 8) {
        const std::size_t words = payload.size() / 2;
        const std::size_t x = 2 * (damage % words);
        const std::size_t y = 2 * ((damage >> 32U) % words);
        std::swap(payload[x], payload[y]);
        std::swap(payload[x + 1], payload[y + 1]);
    }
}

Duration time_of(std::uint32_t bytes, double rate) noexcept {
    return Duration{static_cast<std::int64_t>(static_cast<double>(bytes) * 1e9 / rate)};
}

} // namespace

void Datagrams::Packet::set_payload(Bytes bytes) {
    size = static_cast<std::uint32_t>(bytes.size());
    small = bytes.size() <= few.size();
    if (small) {
        std::copy(bytes.begin(), bytes.end(), few.begin());
    } else {
        payload.assign(bytes.begin(), bytes.end());
    }
}

void Datagrams::Packet::clear() noexcept {
    protocol = {};
    to_server = everybody = framed = damaged = unseen = small = false;
    blksize = 0;
    machine = 0;
    size = 0;
    content.reset();
    block = 0;
    payload.clear();
}

void Datagrams::prefetch_packet(const AgendaEvent& event) const noexcept {
    if (event.part == Part::datagram) {
        const auto* packet = reinterpret_cast<const std::byte*>(&packets_[event.a]);
        __builtin_prefetch(packet);
        __builtin_prefetch(packet + cache_line_size);
    }
}

void Datagrams::prefetch_machine(const AgendaEvent& event) const noexcept {
    if (event.part == Part::datagram) {
        const Packet& packet = packets_[event.a];
        if (!packet.everybody && !packet.to_server) {
            machines_->prefetch(packet.machine);
        }
    }
}

void Datagrams::prefetch_engine(const AgendaEvent& event) const noexcept {
    if (event.part == Part::datagram) {
        const Packet& packet = packets_[event.a];
        if (!packet.everybody && !packet.to_server) {
            machines_->prefetch_engine(packet.machine);
        }
    }
}

std::uint32_t Datagrams::claim() {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(packets_.size()));
        packets_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
}

void Datagrams::release(std::uint32_t slot) noexcept {
    packets_[slot].clear();
    free_.push_back(slot);
}

void Datagrams::lose(std::uint32_t slot, PacketLoss why) noexcept {
    ++counts_.losses[static_cast<std::size_t>(why)];
    release(slot);
}

void Datagrams::launch(std::uint32_t slot) {
    ++counts_.sent;
    if (universe_.chance(universe_.faults.link.duplication)) {
        const std::uint32_t twin = claim();
        packets_[twin] = packets_[slot];
        ++counts_.duplicated;
        launch_once(slot, false);
        launch_once(twin, true);
        return;
    }
    launch_once(slot, false);
}

void Datagrams::launch_once(std::uint32_t slot, bool again) {
    Packet& packet = packets_[slot];
    const LinkFaults& faults = universe_.faults.link;
    if (!packet.everybody && machines_->unreachable(packet.machine)) {
        return lose(slot, PacketLoss::cut);
    }
    if (universe_.canary == Canary::machine_unheard && packet.to_server && packet.machine == 0) {
        return lose(slot, PacketLoss::lost);
    }
    if (universe_.chance(faults.loss)) {
        return lose(slot, PacketLoss::lost);
    }
    auto at = arrival(packet);
    if (!at) {
        return lose(slot, PacketLoss::queue_full);
    }
    if (universe_.chance(faults.corruption)) {
        packet.damaged = true;
        packet.damage = universe_.random.next();
    }
    const bool dhcp_request = packet.to_server && packet.destination.port == 67;
    if (dhcp_request && universe_.chance(faults.unseen_dhcp)) {
        packet.unseen = true;
        packet.damage = universe_.random.next();
    }
    if (faults.jitter_max > Duration::zero()) {
        *at = *at + universe_.up_to(faults.jitter_max);
    }
    if (again || universe_.chance(faults.reordering)) {
        *at = *at + universe_.up_to(faults.reordering_max);
    }
    if (options_.frames && packet.protocol == ClientProtocol::udp) {
        if (packet.to_server) {
            write_as_frame(packet);
        }
        damage_frame(packet);
    }
    ++counts_.in_flight;
    universe_.events.post(*at, Part::datagram, 0, slot);
}

/// When it arrives, if no queue on its way is full.
std::optional<Instant> Datagrams::arrival(const Packet& packet) {
    const Instant now = universe_.now.steady;
    const std::uint32_t bytes = packet.size + wire_overhead;
    Instant& server_free = packet.to_server ? server_rx_free_ : server_tx_free_;
    if (server_free > now + options_.queue_max) {
        return std::nullopt;
    }
    if (packet.to_server) {
        server_free = std::max(server_free, now) + time_of(bytes, options_.server_rate);
        return server_free + options_.latency;
    }
    server_free = std::max(server_free, now) + time_of(bytes, options_.server_rate);
    counts_.server_tx_bytes += bytes;
    const Instant at_port = server_free + options_.latency;
    if (packet.everybody) {
        return at_port;
    }
    Instant& port_free = machines_->port_free(packet.machine);
    if (port_free > at_port + options_.queue_max) {
        return std::nullopt;
    }
    port_free = std::max(port_free, at_port) + time_of(bytes, options_.client_rate);
    return port_free;
}

void Datagrams::write_as_frame(Packet& packet) {
    const bool to_all = packet.destination.address == IpAddress{Ipv4Address::broadcast()};
    const EthernetHeader link{.destination = to_all ? MacAddress::broadcast() : options_.server_mac,
                              .source = Machines::mac(packet.machine),
                              .vlan = options_.vlan};
    const Ipv4UdpHeader header{.source = packet.source.address.v4().value_or(Ipv4Address{}),
                               .destination =
                                   packet.destination.address.v4().value_or(Ipv4Address{}),
                               .source_port = packet.source.port,
                               .destination_port = packet.destination.port,
                               .identification = ++identification_};
    write_frame(frame_, link, header, packet.bytes());
    packet.payload.swap(frame_);
    packet.small = false;
    packet.framed = true;
}

void Datagrams::damage_frame(Packet& packet) const {
    if (packet.size == 0) {
        return;
    }
    const std::size_t header =
        (options_.vlan != 0 ? vlan_tag_size : 0) + ethernet_header_size + ipv4_udp_header_size;
    const MutableBytes payload = MutableBytes{packet.payload}.subspan(header, packet.size);
    if (packet.damaged) {
        // One bit of the payload, which no checksum overlooks.
        const std::size_t bit = packet.damage % (payload.size() * 8);
        payload[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    } else if (packet.unseen) {
        swap_words(payload, packet.damage);
    }
}

/// A DATA packet, as it leaves the server.
Bytes Datagrams::write_data(const Packet& packet) {
    if (scratch_.size() < packet.size) {
        scratch_.resize(packet.size);
    }
    const MutableBytes data = MutableBytes{scratch_}.first(packet.size);
    data[0] = std::byte{0};
    data[1] = std::byte{3}; // DATA
    data[2] = static_cast<std::byte>(packet.block >> 8U & 0xFFU);
    data[3] = static_cast<std::byte>(packet.block & 0xFFU);
    const bool of_file = SimFiles::number_of(*packet.content).has_value();
    if (!universe_.files.blank() || !of_file) {
        universe_.files.read(*packet.content, (packet.block - 1) * packet.blksize, data.subspan(4));
        scratch_used_ = packet.size;
    } else if (scratch_used_ > 0) { // blank files are read into what is blank already
        std::fill(scratch_.begin() + 4, scratch_.begin() + scratch_used_, std::byte{0});
        scratch_used_ = 0;
    }
    return data;
}

std::optional<Bytes> Datagrams::open(Packet& packet) {
    if (packet.framed) {
        const auto frame = read_frame(packet.payload);
        if (!frame) {
            return std::nullopt;
        }
        const Ipv4UdpHeader& header = frame->packet.header;
        MUSTER_CHECK(packet.source == Endpoint(header.source, header.source_port) &&
                     packet.destination.port == header.destination_port &&
                     frame->link.vlan == options_.vlan);
        return frame->packet.payload;
    }
    if (packet.damaged && packet.size > 0) {
        return std::nullopt;
    }
    Bytes payload = packet.content ? write_data(packet) : packet.bytes();
    if (packet.unseen) {
        scratch_used_ = static_cast<std::ptrdiff_t>(payload.size());
        scratch_.assign(payload.begin(), payload.end());
        swap_words(scratch_, packet.damage);
        payload = scratch_;
    }
    return payload;
}

void Datagrams::on_event(const AgendaEvent& event) {
    arrive(event.a);
}

void Datagrams::arrive(std::uint32_t slot) {
    Packet& packet = packets_[slot];
    if (packet.to_server) {
        if (const Instant ready = server_->ready_at(packet.source, packet.destination.port);
            ready > universe_.now.steady) { // its worker does not get to it: it waits in the socket
            universe_.events.post(ready, Part::datagram, 0, slot);
            return;
        }
    }
    --counts_.in_flight;
    const auto payload = open(packet);
    if (!payload) {
        return lose(slot, PacketLoss::damaged);
    }
    digest(packet, *payload);
    if (packet.to_server) {
        deliver_to_server(slot, *payload);
    } else {
        deliver_to_machine(slot, *payload);
    }
}

void Datagrams::digest(const Packet& packet, Bytes payload) {
    universe_.digest.add(static_cast<std::uint64_t>(universe_.now.steady.ns));
    universe_.digest.add(
        std::uint64_t{packet.machine} << 33U | std::uint64_t{packet.source.port} << 17U |
        std::uint64_t{packet.destination.port} << 1U | (packet.to_server ? 1U : 0U));
    if (universe_.checks) {
        universe_.digest.add(payload);
    } else {
        universe_.digest.add(payload.size());
    }
    universe_.note([&] {
        return fmt::format(
            "{} {}:{} -> {}:{} {} bytes, machine {}", packet.to_server ? "server <-" : "machine <-",
            to_text(packet.source.address), packet.source.port, to_text(packet.destination.address),
            packet.destination.port, payload.size(), packet.machine);
    });
}

} // namespace muster::sim
