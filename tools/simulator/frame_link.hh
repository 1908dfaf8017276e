// SPDX-License-Identifier: Apache-2.0
// The server's end of the link when no kernel is there: a frame host for each worker, as the DPDK
// backend has it, and the machines' side of ARP.
//
// Question that the model answers: do the same datagrams reach the engines, and leave them, as by
// sockets? ARP takes no time here and is never lost, for sockets have none to compare it with:
// with that, a world on frames and one on sockets are the same to the last event.
#pragma once

#include "net/host/frame_host.hh"

#include "tools/simulator/universe.hh"

#include <memory>

namespace muster::sim {

class Machines;

class FrameLink {
public:
    FrameLink(Universe& universe, const InterfaceInfo& interface, std::uint16_t vlan);
    void connect(const Machines& machines) noexcept { machines_ = &machines; }

    /// A process has started: it knows no neighbours. One list of ports for each worker.
    void on_server_start(std::span<const std::vector<UdpPortRange>> workers);
    /// It has ended: checks that nothing was left uncounted.
    void on_server_death();
    void check() const;

    /// The frame of a datagram that the worker sends; nullopt: nobody has the address. Borrowed
    /// until the next call.
    [[nodiscard]] std::optional<Bytes> write(unsigned worker, const TxDatagram& datagram,
                                             Bytes payload);
    [[nodiscard]] std::optional<Bytes> write(unsigned worker, const TxBlocks& blocks,
                                             std::uint64_t block, Bytes data);
    /// What the worker's engine gets of a frame; nullopt: nothing. Borrows the frame.
    [[nodiscard]] std::optional<RxDatagram> receive(unsigned worker, Bytes frame);

private:
    template <class Write>
    std::optional<Bytes> write_to(unsigned worker, const IpAddress& destination, bool link,
                                  Write&& write);
    void tell_of_move(FrameHost& host, const Ipv4Address& address);
    [[nodiscard]] std::optional<Bytes> serve_own_frames(FrameHost& host);
    void answer(FrameHost& host, const ArpMessage& question);
    void deliver_arp(FrameHost& host, const MacAddress& destination, const ArpMessage& message);

    Universe& universe_;
    InterfaceInfo interface_;
    std::uint16_t vlan_;
    const Machines* machines_ = nullptr;
    std::vector<std::unique_ptr<FrameHost>> hosts_;
    std::vector<std::byte> frame_;
    std::vector<std::byte> own_;
    std::vector<std::byte> arp_;
};

} // namespace muster::sim
