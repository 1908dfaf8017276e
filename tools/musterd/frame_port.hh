// SPDX-License-Identifier: Apache-2.0
// A worker's UDP over a port of DPDK: frames through net/host, and what is the kernel's through a
// TAP interface.
#pragma once

#include "io/dpdk/dpdk_port.hh"
#include "io/host/block_sums.hh"
#include "io/host/fd.hh"
#include "io/worker/burst_port.hh"
#include "net/host/frame_host.hh"

#include <array>
#include <memory>
#include <vector>

namespace muster {

class FramePort final : public BurstPort {
public:
    /// `tap`: where unclaimed frames go and the kernel's come from; not valid: the kernel has what
    /// is its own already, ARP and IGMP among it. `multicast`: TFTP is served by multicast.
    FramePort(std::unique_ptr<DpdkPort> port, Fd tap, const FrameHostOptions& options,
              bool multicast);

    void open() override;
    PortBurst receive(const Now& now) override;
    bool asks() const noexcept override { return tap_.valid(); }
    bool carries(UdpService service, const Endpoint& destination) const noexcept override;
    void send(const TxDatagram& datagram, Bytes payload, const Now& now) override;
    void send(const TxBlocks& blocks, const Now& now) override;
    void ask(const ConflictProbe& probe, const Now& now) override;
    void flush(const Now& now) override;

    /// Any thread.
    void report(Exposition& exposition) const;

private:
    /// While frames come, the TAP is read after so many bursts of them.
    static constexpr unsigned kernel_bursts = 8;

    void from_kernel();
    [[nodiscard]] DpdkOffload left_to_port() const noexcept;
    void send_own_frames();

    std::unique_ptr<DpdkPort> port_;
    Fd tap_;
    FrameHost host_;
    bool multicast_;
    unsigned busy_bursts_ = 0;
    std::array<RxDatagram, DpdkPort::burst> datagrams_{};
    std::array<ConflictAnswer, DpdkPort::burst> answers_{};
    Counter to_kernel_;
    Counter to_kernel_lost_; ///< the TAP took no more
    Counter from_kernel_;
    Counter changed_; ///< blocks of a file that was cut or written to since its transfer began
    BlockSums sums_;
};

} // namespace muster
