// SPDX-License-Identifier: Apache-2.0
// A frame host on a link, and the frames that others put there. For tests and the fuzzer.
#pragma once

#include "net/host/frame_host.hh"

#include "tests/support/dhcp_rig.hh"

namespace muster::test {

inline constexpr MacAddress host_mac{{2, 0, 0, 0, 0, 7}};
inline constexpr std::uint16_t host_transfer_port = 30'000;

/// 10.79.0.1/24 on interface 7, with four transfer sockets.
inline FrameHostOptions frame_host_options() {
    FrameHostOptions options;
    options.interface.index = 7;
    options.interface.name = "rack0";
    options.interface.mac = host_mac;
    options.interface.address = ip("10.79.0.1");
    options.ports = {{UdpService::dhcp, 67},
                     {UdpService::pxe, 4011},
                     {UdpService::tftp, 69},
                     {UdpService::tftp_transfer, host_transfer_port, 4}};
    options.limits.neighbours = 64;
    options.limits.unresolved = 4;
    options.limits.held = 8;
    options.limits.held_each = 4;
    options.limits.own = 8;
    return options;
}

inline std::vector<std::byte> make_frame(const EthernetHeader& header, Bytes payload) {
    std::vector<std::byte> frame(header.size() + payload.size());
    ByteWriter writer{frame};
    write_ethernet(writer, header);
    writer.put(payload);
    return frame;
}

inline std::vector<std::byte> arp_frame(const MacAddress& destination, const ArpMessage& message,
                                        std::uint16_t vlan = 0) {
    std::vector<std::byte> bytes(arp_message_size);
    ByteWriter writer{bytes};
    write_arp(writer, message);
    return make_frame({.destination = destination,
                       .source = message.sender_mac,
                       .vlan = vlan,
                       .type = ethertype_arp},
                      bytes);
}

inline std::vector<std::byte> ipv4_frame(const EthernetHeader& link, const Ipv4Packet& packet) {
    std::vector<std::byte> bytes(60 + packet.payload.size());
    bytes.resize(write_ipv4(bytes, packet));
    EthernetHeader header = link;
    header.type = ethertype_ipv4;
    return make_frame(header, bytes);
}

inline std::vector<std::byte> udp_frame(const EthernetHeader& link, const Ipv4UdpHeader& header,
                                        Bytes payload) {
    std::vector<std::byte> bytes(ipv4_udp_header_size + payload.size());
    bytes.resize(write_ipv4_udp(bytes, header, payload));
    EthernetHeader ethernet = link;
    ethernet.type = ethertype_ipv4;
    return make_frame(ethernet, bytes);
}

/// The host, and what it sends.
struct FrameRig {
    explicit FrameRig(FrameHostOptions options = frame_host_options()) : host(options) {}

    FrameResult receive(const std::vector<std::byte>& frame,
                        UdpChecksum checksum = UdpChecksum::verify) {
        return host.receive(frame, checksum, now);
    }
    /// All that leaves by itself.
    std::vector<std::vector<std::byte>> own_frames() {
        std::vector<std::vector<std::byte>> frames;
        for (;;) {
            std::vector<std::byte> frame(host.frame_room());
            const std::size_t size = host.next_frame(frame);
            if (size == 0) {
                return frames;
            }
            frame.resize(size);
            frames.push_back(std::move(frame));
        }
    }
    /// What a datagram to `destination` becomes; empty: it waits, or is dropped.
    std::vector<std::byte> send(const Endpoint& destination, Bytes payload,
                                UdpService service = UdpService::tftp_transfer,
                                std::uint8_t socket = 0) {
        std::vector<std::byte> frame(host.frame_room());
        TxDatagram datagram;
        datagram.service = service;
        datagram.socket = socket;
        datagram.destination = destination;
        frame.resize(host.write(frame, datagram, payload, now));
        return frame;
    }
    void advance(Duration by) {
        now = now + by;
        host.expire(now);
    }
    [[nodiscard]] std::uint64_t drops(FrameDrop reason) const {
        return host.metrics().drops.read(reason);
    }
    [[nodiscard]] std::uint64_t tx_drops(FrameTxDrop reason) const {
        return host.metrics().tx_drops.read(reason);
    }

    FrameHost host;
    Instant now = Instant{} + 1h;
};

} // namespace muster::test
