// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/frame_link.hh"

#include "core/base/check.hh"
#include "core/base/ones_complement.hh"

#include "tools/simulator/machines.hh"

namespace muster::sim {

FrameLink::FrameLink(Universe& universe, const InterfaceInfo& interface, std::uint16_t vlan)
    : universe_(universe), interface_(interface), vlan_(vlan) {}

void FrameLink::on_server_start(std::span<const std::vector<UdpPortRange>> workers) {
    FrameHostOptions options;
    options.interface = interface_;
    options.vlan = vlan_;
    options.limits.neighbours = 16; // few: machines push each other out
    options.limits.unresolved = 4;
    options.limits.held = 4;
    options.limits.own = 4;
    options.limits.neighbour_valid = 5s;
    options.limits.arp_interval = {}; // who does not answer at once never does
    options.limits.arp_attempts = 1;
    hosts_.clear();
    for (const std::vector<UdpPortRange>& ports : workers) {
        options.ports = ports;
        hosts_.push_back(std::make_unique<FrameHost>(options));
        frame_.resize(hosts_.back()->frame_room());
        own_.resize(frame_.size());
    }
}

void FrameLink::on_server_death() {
    check();
    hosts_.clear();
}

void FrameLink::check() const {
    for (const auto& host : hosts_) {
        const FrameHostMetrics& m = host->metrics();
        const std::uint64_t named = m.datagrams.read() + m.arp.read() + m.drops.sum() +
                                    m.ethernet_errors.sum() + m.arp_errors.sum() +
                                    m.ip_errors.sum();
        if (m.received.read() != named) {
            universe_.found("frames", fmt::format("of {} frames {} are accounted for",
                                                  m.received.read(), named));
        }
        // An address that nobody has may come of a damaged request.
        const std::uint64_t refused = m.tx_drops.sum() - m.tx_drops.read(FrameTxDrop::unresolved) -
                                      m.tx_drops.read(FrameTxDrop::no_route);
        if (refused != 0 || m.drops.sum() != 0 || m.own_no_room.read() != 0) {
            universe_.found("frames", fmt::format("{} frames and {} datagrams were refused",
                                                  m.drops.sum(), refused));
        }
    }
}

template <class Write>
std::optional<Bytes> FrameLink::write_to(unsigned worker, const IpAddress& destination, bool link,
                                         Write&& write) {
    FrameHost& host = *hosts_.at(worker);
    const auto address = destination.v4();
    if (address && !link) {
        tell_of_move(host, *address);
    }
    const std::size_t size = write(host);
    const auto waited = serve_own_frames(host);
    MUSTER_CHECK(size == 0 || !waited);
    if (size != 0) {
        return Bytes{frame_}.first(size);
    }
    host.expire(universe_.now.steady);
    if (!waited && address && machines_->find(*address)) {
        universe_.found("frames",
                        fmt::format("{} is there, and nothing is sent to it", to_text(*address)));
    }
    return waited;
}

std::optional<Bytes> FrameLink::write(unsigned worker, const TxDatagram& datagram, Bytes payload) {
    return write_to(worker, datagram.destination.address, datagram.link, [&](FrameHost& host) {
        return host.write(frame_, datagram, payload, universe_.now.steady);
    });
}

std::optional<Bytes> FrameLink::write(unsigned worker, const TxBlocks& blocks, std::uint64_t block,
                                      Bytes data) {
    return write_to(worker, blocks.destination.address, false, [&](FrameHost& host) {
        if (const auto head = host.head_of(blocks, universe_.now.steady)) {
            return host.write_block(frame_, *head, block, data, ones_complement_sum(data));
        }
        return host.write_block(frame_, blocks, block, data, universe_.now.steady);
    });
}

std::optional<RxDatagram> FrameLink::receive(unsigned worker, Bytes frame) {
    FrameHost& host = *hosts_.at(worker);
    const FrameResult result = host.receive(frame, UdpChecksum::verify, universe_.now.steady);
    MUSTER_CHECK(!serve_own_frames(host)); // nothing waits from one call to the next
    return result.kind == FrameResult::Kind::datagram ? std::optional{result.datagram}
                                                      : std::nullopt;
}

/// A machine that has taken an address says so to all (RFC 5227 section 2.3). The host hears it
/// when it next matters.
void FrameLink::tell_of_move(FrameHost& host, const Ipv4Address& address) {
    const auto known = host.neighbour(address);
    const auto owner = machines_->find(address);
    if (known && owner && *known != Machines::mac(*owner)) {
        deliver_arp(host, MacAddress::broadcast(),
                    {.operation = ArpMessage::Operation::request,
                     .sender_mac = Machines::mac(*owner),
                     .sender = address,
                     .target_mac = {},
                     .target = address});
        MUSTER_CHECK(host.neighbour(address) == Machines::mac(*owner));
    }
}

/// Answers what the host asks. Returns: the datagram that has waited for it.
std::optional<Bytes> FrameLink::serve_own_frames(FrameHost& host) {
    std::optional<Bytes> waited;
    for (std::size_t size = 0; (size = host.next_frame(own_)) != 0;) {
        const auto read = read_ethernet(Bytes{own_}.first(size));
        MUSTER_CHECK(read && read->header.source == interface_.mac && read->header.vlan == vlan_);
        if (read->header.type == ethertype_arp) {
            const auto question = read_arp(read->payload);
            MUSTER_CHECK(question && question->operation == ArpMessage::Operation::request);
            answer(host, *question);
            continue;
        }
        MUSTER_CHECK(!waited);
        std::swap(frame_, own_);
        waited = Bytes{frame_}.first(size);
    }
    return waited;
}

void FrameLink::answer(FrameHost& host, const ArpMessage& question) {
    if (const auto owner = machines_->find(question.target)) {
        deliver_arp(host, question.sender_mac,
                    {.operation = ArpMessage::Operation::reply,
                     .sender_mac = Machines::mac(*owner),
                     .sender = question.target,
                     .target_mac = question.sender_mac,
                     .target = question.sender});
    }
}

void FrameLink::deliver_arp(FrameHost& host, const MacAddress& destination,
                            const ArpMessage& message) {
    const EthernetHeader header{.destination = destination,
                                .source = message.sender_mac,
                                .vlan = vlan_,
                                .type = ethertype_arp};
    arp_.assign(std::max(ethernet_frame_min, header.size() + arp_message_size), std::byte{0});
    ByteWriter writer{arp_};
    write_ethernet(writer, header);
    write_arp(writer, message);
    (void)host.receive(arp_, UdpChecksum::verify, universe_.now.steady);
}

} // namespace muster::sim
