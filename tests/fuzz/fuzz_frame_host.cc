// SPDX-License-Identifier: Apache-2.0
// Question: does any order of frames, datagrams to send and time break the frame host or the DHCP
// server behind it, or make it send a frame that cannot be read, loses count, or holds on to one
// for ever?
// Method: the input spells a script. Frames are raw bytes, or made whole around raw bytes so that
// checksums do not keep the rest out. All that leaves is read again, and every counter is weighed.
#include "core/base/check.hh"

#include "tests/support/frame_rig.hh"

#include <algorithm>
#include <optional>

namespace {

using namespace muster;
using namespace muster::test;

constexpr std::size_t steps_max = 2000;

class Script {
public:
    explicit Script(Bytes input) : input_(input), rig_(options(next())) {}

    void run() {
        for (std::size_t step = 0; step < steps_max && !input_.empty(); ++step) {
            perform(next());
            check_counts();
        }
        rig_.advance(1h); // every question has been asked, and given up
        rig_.advance(1h);
        rig_.advance(1h);
        take_own_frames();
        MUSTER_CHECK(rig_.tx_drops(FrameTxDrop::unresolved) + released_ == held_);
    }

private:
    static FrameHostOptions options(std::uint8_t flags) {
        FrameHostOptions options = frame_host_options();
        options.vlan = (flags & 1U) != 0 ? 42 : 0;
        options.gateway = (flags & 2U) != 0 ? ip("10.79.0.254") : Ipv4Address{};
        options.kernel_beside = (flags & 4U) != 0;
        options.limits.neighbours = (flags & 8U) != 0 ? 4 : 64;
        return options;
    }
    std::uint8_t next() { return input_.u8().value_or(0); }
    std::vector<std::byte> bytes() {
        const std::size_t wanted = next(); // before the rest is measured
        const Bytes taken = *input_.take(std::min(wanted, input_.remaining()));
        return {taken.begin(), taken.end()};
    }
    /// One of a few neighbours, the host itself, somebody far away, or nobody.
    Ipv4Address address() {
        const std::uint8_t n = next();
        switch (n % 8) {
        case 0:
            return {};
        case 1:
            return Ipv4Address::broadcast();
        case 2:
            return rig_.host.options().interface.address;
        case 3:
            return from_number(to_number(ip("10.80.0.0")) + n);
        case 4:
            return from_number(to_number(ip("239.255.69.0")) + n);
        default:
            return from_number(to_number(ip("10.79.0.0")) + n);
        }
    }
    EthernetHeader link() {
        const std::uint8_t n = next();
        return {.destination = (n & 1U) != 0 ? MacAddress::broadcast() : host_mac,
                .source = machine_mac(n >> 2U),
                .vlan = (n & 2U) != 0 ? rig_.host.options().vlan : std::uint16_t{0},
                .type = ethertype_ipv4};
    }

    void perform(std::uint8_t step) {
        switch (step % 9) {
        case 0:
            return receive(bytes());
        case 1: {
            EthernetHeader header = link();
            header.type = (step & 16U) != 0 ? ethertype_arp : ethertype_ipv4;
            return receive(make_frame(header, bytes()));
        }
        case 2: {
            const EthernetHeader header = link();
            const Ipv4Address source = address();
            const Ipv4Address destination = address();
            const std::vector<std::byte> payload = bytes();
            return receive(ipv4_frame(header, {.source = source,
                                               .destination = destination,
                                               .protocol = next(),
                                               .time_to_live = 1,
                                               .options = {},
                                               .payload = payload}));
        }
        case 3: {
            constexpr std::array<std::uint16_t, 5> ports{67, 4011, 69, host_transfer_port, 53};
            const EthernetHeader header = link();
            Ipv4UdpHeader udp{.source = address(), .destination = address()};
            udp.source_port = next();
            udp.destination_port = ports[next() % ports.size()];
            return receive(udp_frame(header, udp, bytes()));
        }
        case 4: {
            const EthernetHeader header = link();
            ArpMessage message;
            message.operation = static_cast<ArpMessage::Operation>(1 + (step >> 5U & 1U));
            message.sender_mac = header.source;
            message.sender = address();
            message.target = address();
            return receive(arp_frame(header.destination, message, header.vlan));
        }
        case 5: {
            constexpr std::array services{UdpService::dhcp, UdpService::tftp,
                                          UdpService::tftp_transfer};
            TxDatagram datagram;
            datagram.service = services[next() % services.size()];
            datagram.destination = {address(), next()};
            return send(datagram, bytes());
        }
        case 6: { // a whole message of a machine's, for the server
            ClientMessage message{static_cast<DhcpMessageType>(1 + next() % 8),
                                  machine_mac(next())};
            message.header.ciaddr = address();
            message.header.giaddr = (step & 64U) != 0 ? address() : Ipv4Address{};
            message.with(DhcpOptionCode::requested_address, address());
            const Ipv4UdpHeader udp{.source = message.header.ciaddr,
                                    .destination = Ipv4Address::broadcast(),
                                    .source_port = 68,
                                    .destination_port = 67};
            return receive(udp_frame(link(), udp, message.bytes()));
        }
        case 7:
            rig_.host.ask({.address = address(), .interface = next() % 2 * 7U}, rig_.now);
            return take_own_frames();
        default:
            rig_.advance(std::chrono::milliseconds{1U << (next() % 18U)});
            if ((step & 128U) != 0 && dhcp_) {
                dhcp_->advance(std::chrono::milliseconds{1U << (next() % 18U)});
                dhcp_->out.clear();
            }
            if ((step & 32U) != 0) {
                rig_.host.start_igmp(rig_.now);
            }
            return take_own_frames();
        }
    }

    void receive(const std::vector<std::byte>& frame) {
        const auto checksum = (frame.size() & 1U) != 0 ? UdpChecksum::verify : UdpChecksum::trust;
        const FrameResult result = rig_.receive(frame, checksum);
        MUSTER_CHECK(!result.pass_up || rig_.host.options().kernel_beside);
        if (result.kind == FrameResult::Kind::datagram) {
            MUSTER_CHECK(!result.pass_up && result.datagram.interface == 7);
            const Ipv4Address source = result.datagram.source.address.v4().value();
            MUSTER_CHECK(!is_multicast(source) && source != ip("10.79.0.1"));
            if (result.datagram.service == UdpService::dhcp) {
                serve(result.datagram);
            }
        }
        take_own_frames();
    }
    /// The engine behind the host, and its answers as frames.
    void serve(const RxDatagram& datagram) {
        if (!dhcp_) { // most inputs never get here, and it is dear to make
            dhcp_.emplace(DhcpLimits{.leases_max = 64, .commits_max = 4, .nodes_expected = 64});
        }
        dhcp_->server.receive(datagram, dhcp_->now, dhcp_->out);
        const Outbox out = std::exchange(dhcp_->out, {});
        for (const TxDatagram& reply : out.datagrams) {
            const Bytes payload = out.payload(reply);
            send(reply, {payload.begin(), payload.end()});
        }
    }
    void send(const TxDatagram& datagram, const std::vector<std::byte>& payload) {
        const std::uint64_t lost = rig_.host.metrics().tx_drops.sum();
        std::vector<std::byte> frame(rig_.host.frame_room());
        frame.resize(rig_.host.write(frame, datagram, payload, rig_.now));
        if (frame.empty()) {
            held_ += rig_.host.metrics().tx_drops.sum() == lost ? 1U : 0U;
        } else {
            check_frame(frame);
            ++sent_;
        }
        take_own_frames();
    }
    void take_own_frames() {
        for (const std::vector<std::byte>& frame : rig_.own_frames()) {
            check_frame(frame);
        }
    }
    void check_frame(const std::vector<std::byte>& frame) {
        MUSTER_CHECK(frame.size() >= ethernet_frame_min && frame.size() <= rig_.host.frame_room());
        const auto read = read_ethernet(frame);
        MUSTER_CHECK(read && read->header.source == host_mac &&
                     read->header.vlan == rig_.host.options().vlan);
        if (read->header.type == ethertype_arp) {
            const auto message = read_arp(read->payload);
            MUSTER_CHECK(message && message->sender_mac == host_mac);
            return;
        }
        MUSTER_CHECK(read->header.type == ethertype_ipv4);
        const auto packet = read_ipv4(read->payload);
        MUSTER_CHECK(packet.has_value());
        if (packet->protocol == ip_protocol_udp) {
            MUSTER_CHECK(read_udp(*packet).has_value());
        }
    }
    void check_counts() {
        const FrameHostMetrics& m = rig_.host.metrics();
        MUSTER_CHECK(m.received.read() == m.datagrams.read() + m.arp.read() + m.echoes.read() +
                                              m.igmp.read() + m.drops.sum() +
                                              m.ethernet_errors.sum() + m.arp_errors.sum() +
                                              m.ip_errors.sum());
        released_ = m.sent.read() - sent_;
        MUSTER_CHECK(released_ <= held_);
    }

    ByteReader input_;
    FrameRig rig_;
    std::optional<DhcpRig> dhcp_;
    std::uint64_t sent_ = 0;     ///< at once
    std::uint64_t held_ = 0;     ///< for a link address
    std::uint64_t released_ = 0; ///< of these
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Script{{reinterpret_cast<const std::byte*>(data), size}}.run();
    return 0;
}
