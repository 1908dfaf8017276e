// SPDX-License-Identifier: Apache-2.0
// Where packets leave and arrive: the server's sockets and the machines.
#include "core/base/byte_reader.hh"
#include "net/wire/ipv4_udp.hh"
#include "net/wire/tftp_packet.hh"

#include "tools/simulator/checks.hh"
#include "tools/simulator/datagrams.hh"
#include "tools/simulator/frame.hh"
#include "tools/simulator/machines.hh"
#include "tools/simulator/server_host.hh"

#include <algorithm>

namespace muster::sim {
namespace {

constexpr std::size_t chaddr_offset = 28; ///< RFC 2131 section 2
constexpr std::uint16_t dhcp_client_port = 68;

bool is_group(const IpAddress& address) noexcept {
    const auto v4 = address.v4();
    return v4 ? is_multicast(*v4) : address.octets[0] == 0xFF;
}

} // namespace

void Datagrams::on_server_start(const InterfaceInfo& interface,
                                std::span<const std::vector<UdpPortRange>> workers) {
    if (options_.frames) {
        link_ = std::make_unique<FrameLink>(universe_, interface, options_.vlan);
        link_->connect(*machines_);
        link_->on_server_start(workers);
    }
}

void Datagrams::on_server_death() {
    if (link_) {
        link_->check();
        link_.reset();
    }
}

void Datagrams::check() const {
    if (link_) {
        link_->check();
    }
}

void Datagrams::send(unsigned worker, std::uint16_t port, const TxDatagram& datagram,
                     Bytes payload) {
    if (link_ && datagram.service != UdpService::icmpv6) {
        if (datagram.link && universe_.canary == Canary::frame_cut) {
            payload = payload.first(payload.size() / 2);
        }
        return send_frame(link_->write(worker, datagram, payload), datagram.link, 0);
    }
    const std::uint32_t slot = claim();
    Packet& packet = packets_[slot];
    if (datagram.service == UdpService::icmpv6) {
        packet.protocol = ClientProtocol::icmpv6;
        port = 0;
    }
    packet.source = {datagram.source == IpAddress{} ? IpAddress{options_.server_address}
                                                    : datagram.source,
                     port};
    packet.destination = datagram.destination;
    if (datagram.link) {
        if (universe_.canary == Canary::frame_cut) {
            payload = payload.first(payload.size() / 2);
        }
        const auto whole = read_ipv4_udp(payload);
        if (!whole) {
            universe_.found("wire", "the server sent a packet that cannot be read");
            return release(slot);
        }
        payload = whole->payload;
        packet.source = {whole->header.source, whole->header.source_port};
        packet.destination = {whole->header.destination, whole->header.destination_port};
    }
    packet.set_payload(payload);
    if (datagram.link) {
        return send_to_machine(packet, slot, machines_->find(datagram.link_destination));
    }
    send_by_address(slot);
}

/// What a switch does with it: the link address says whose it is.
void Datagrams::send_frame(const std::optional<Bytes>& frame, bool link, std::uint64_t block) {
    if (!frame) {
        ++counts_.sent;
        ++counts_.losses[static_cast<std::size_t>(PacketLoss::no_neighbour)];
        return;
    }
    const auto read = read_frame(*frame);
    if (!read || read->link.source != options_.server_mac || read->link.vlan != options_.vlan) {
        return universe_.found("wire", "the server sent a frame that cannot be read");
    }
    const Ipv4UdpHeader& header = read->packet.header;
    const std::uint32_t slot = claim();
    Packet& packet = packets_[slot];
    packet.source = {header.source, header.source_port};
    packet.destination = {header.destination, header.destination_port};
    packet.block = block;
    packet.size = static_cast<std::uint32_t>(read->packet.payload.size());
    packet.payload.assign(frame->begin(), frame->end());
    packet.framed = true;
    const MacAddress& to = read->link.destination;
    if (is_group_address(to)) {
        if (to != MacAddress::broadcast() && to != multicast_mac(header.destination)) {
            universe_.found("wire", "a group has another link address");
        }
        return send_by_address(slot);
    }
    auto machine = machines_->find(to);
    if (!link && machine != machines_->find(packet.destination.address)) {
        machine = std::nullopt; // its NIC takes it, and its IP does not
    }
    send_to_machine(packet, slot, machine);
}

void Datagrams::send(unsigned worker, std::uint16_t port, const TxBlocks& blocks) {
    const std::uint64_t size = blocks.content ? blocks.content->bytes.size() : 0;
    for (std::uint64_t block = blocks.first_block; block < blocks.first_block + blocks.count;
         ++block) {
        const std::uint64_t offset = (block - 1) * blocks.blksize;
        if (link_) {
            frame_.resize(std::min<std::uint64_t>(blocks.blksize, size - offset));
            if (blocks.content) {
                universe_.files.read(*blocks.content, offset, frame_);
            }
            send_frame(link_->write(worker, blocks, block, frame_), false, block);
            continue;
        }
        const std::uint32_t slot = claim();
        Packet& packet = packets_[slot];
        packet.source = {blocks.source, port};
        packet.destination = blocks.destination;
        packet.blksize = blocks.blksize;
        packet.block = block;
        packet.content = blocks.content;
        packet.size = static_cast<std::uint32_t>(
            tftp_header_size + std::min<std::uint64_t>(blocks.blksize, size - offset));
        if (!blocks.content) { // an empty file
            std::array<std::byte, tftp_header_size> data{};
            ByteWriter writer{data};
            write_tftp_data(writer, {static_cast<std::uint16_t>(block), {}});
            packet.set_payload(data);
        }
        send_by_address(slot);
    }
}

void Datagrams::send_by_address(std::uint32_t slot) {
    Packet& packet = packets_[slot];
    const IpAddress to = packet.destination.address;
    if (to == IpAddress{Ipv4Address::broadcast()}) {
        packet.everybody = true;
        if (packet.destination.port == dhcp_client_port) {
            const auto frame = packet.framed ? read_frame(packet.payload) : std::nullopt;
            const Bytes message = frame ? frame->packet.payload : packet.bytes();
            ByteReader reader{message.subspan(std::min(chaddr_offset, message.size()))};
            const auto chaddr = reader.octets<6>();
            const auto machine = chaddr ? machines_->find(MacAddress{*chaddr}) : std::nullopt;
            if (machine && machines_->unreachable(*machine)) {
                ++counts_.sent;
                return lose(slot, PacketLoss::cut); // the others hear it, and do not care
            }
        }
        return launch(slot);
    }
    if (is_group(to)) {
        const bool all = !to.is_v4();
        const auto group = groups_.find(packet.destination);
        std::vector<MachineIndex> members;
        if (all) {
            for (MachineIndex i = 0; i < machines_->count(); ++i) {
                members.push_back(i);
            }
        } else if (group != groups_.end()) {
            members.assign(group->second.begin(), group->second.end());
        }
        for (const MachineIndex member : members) {
            const std::uint32_t copy = claim();
            packets_[copy] = packets_[slot];
            send_to_machine(packets_[copy], copy, member);
        }
        return release(slot);
    }
    send_to_machine(packet, slot, machines_->find(to));
}

void Datagrams::send_to_machine(Packet& packet, std::uint32_t slot,
                                std::optional<MachineIndex> machine) {
    if (!machine) {
        ++counts_.sent;
        return lose(slot, PacketLoss::no_neighbour);
    }
    packet.machine = *machine;
    launch(slot);
}

void Datagrams::send(const ClientTx& datagram, Bytes payload) {
    const std::uint32_t slot = claim();
    Packet& packet = packets_[slot];
    packet.protocol = datagram.protocol;
    packet.to_server = true;
    packet.machine = datagram.machine;
    packet.source = datagram.source;
    if (packet.source.address == IpAddress{} && datagram.protocol == ClientProtocol::udp) {
        packet.source.address = Ipv4Address{};
    }
    packet.destination = datagram.destination;
    packet.set_payload(payload);
    const IpAddress& to = datagram.destination.address;
    const bool for_server = to == IpAddress{options_.server_address} ||
                            to == IpAddress{Ipv4Address::broadcast()} || !to.is_v4();
    if (!for_server) {
        ++counts_.sent;
        return lose(slot, PacketLoss::no_neighbour);
    }
    if (check_ != nullptr) {
        check_->on_sent(datagram.machine, datagram.source, datagram.destination.port, payload);
    }
    launch(slot);
}

void Datagrams::on_group(const ClientGroup& group) {
    if (group.join) {
        groups_[group.group].insert(group.machine);
    } else {
        groups_[group.group].erase(group.machine);
    }
}

// Delivering makes packets, so that packets_ may move: nothing of it is referred to meanwhile. What
// a payload borrows stays where it is, since a vector that moves keeps its memory.
void Datagrams::deliver_to_server(std::uint32_t slot, Bytes payload) {
    if (!server_->up()) {
        return lose(slot, PacketLoss::server_down);
    }
    const Packet& packet = packets_[slot];
    if (packet.framed) {
        return deliver_frame(slot, payload);
    }
    const ClientRx rx{.protocol = packet.protocol,
                      .source = packet.source,
                      .destination = packet.destination,
                      .payload = payload};
    if (!server_->receive(rx)) {
        return lose(slot, PacketLoss::no_socket);
    }
    ++counts_.delivered;
    release(slot);
}

/// By the server's own reading of it.
void Datagrams::deliver_frame(std::uint32_t slot, Bytes payload) {
    const Packet& packet = packets_[slot];
    const auto worker = server_->worker_for(packet.source, packet.destination.port);
    if (!worker) {
        return lose(slot, PacketLoss::no_socket);
    }
    const auto rx = link_->receive(*worker, packet.payload);
    if (!rx || rx->source != packet.source || !std::ranges::equal(rx->payload, payload)) {
        universe_.found("frames", "the server reads a frame in another way than its sender");
        return release(slot);
    }
    server_->receive(*worker, *rx);
    ++counts_.delivered;
    release(slot);
}

void Datagrams::deliver_to_machine(std::uint32_t slot, Bytes payload) {
    const bool everybody = packets_[slot].everybody;
    const MachineIndex machine = packets_[slot].machine;
    ClientRx rx{.protocol = packets_[slot].protocol,
                .source = packets_[slot].source,
                .destination = packets_[slot].destination,
                .payload = payload};
    if (!everybody && machines_->unreachable(machine)) {
        return lose(slot, PacketLoss::cut);
    }
    if (universe_.canary == Canary::flipped_byte && packets_[slot].block != 0 &&
        payload.size() > 100 && universe_.random.below(50) == 0) {
        flipped_.assign(payload.begin(), payload.end());
        flipped_[90] ^= std::byte{0x20};
        rx.payload = flipped_;
    }
    if (check_ != nullptr && !everybody) {
        check_->on_received(machine, rx);
    }
    if (everybody) {
        machines_->receive_frame(rx);
    } else {
        machines_->receive(machine, rx);
    }
    ++counts_.delivered;
    release(slot);
}

} // namespace muster::sim
