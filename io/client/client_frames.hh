// SPDX-License-Identifier: Apache-2.0
// Frames of machines without an address, on one interface: in by a ring that the kernel fills, out
// in batches, each with the link address of its machine as its source.
#pragma once

#include "core/base/time.hh"
#include "io/client/client_neighbours.hh"
#include "io/client/link.hh"
#include "io/host/fd.hh"

#include <absl/container/flat_hash_map.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <vector>

namespace muster {

struct ClientFrameMetrics {
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    std::uint64_t dropped = 0;    ///< the kernel took them not: the device's queue is full
    std::uint64_t unresolved = 0; ///< nobody answered ARP for their destination
};

/// Only DHCP (to ports 67, 68, 4011), router advertisements and ARP replies are received.
class ClientFrames {
public:
    ClientFrames() = default;
    ~ClientFrames();
    ClientFrames(const ClientFrames&) = delete;
    ClientFrames& operator=(const ClientFrames&) = delete;

    /// Errors: EPERM -- needs root or CAP_NET_RAW.
    [[nodiscard]] Result<void, SysError> open(const ClientLink& link);
    [[nodiscard]] bool is_open() const noexcept { return socket_.valid(); }
    [[nodiscard]] int fd() const noexcept {
        return socket_.get();
    } ///< readable: receive() has work

    /// Queues one; flush() sends what is queued.
    void send(const ClientTx& datagram, Bytes payload, const Now& now);
    void flush() noexcept;

    /// Calls `deliver(const ReceivedFrame&)` for what has come; at most a ring full of it.
    template <class Deliver>
    void receive(Deliver&& deliver) {
        for (std::uint32_t i = 0; i < frame_count; ++i) {
            tpacket2_hdr* header = next_header();
            if (header == nullptr) {
                return;
            }
            ReceivedFrame frame;
            if (take(*header, frame)) {
                ++metrics_.received;
                deliver(static_cast<const ReceivedFrame&>(frame));
            }
            release(*header);
        }
    }

    [[nodiscard]] const ClientFrameMetrics& metrics() const noexcept { return metrics_; }
    /// Frames that the kernel threw away since open() because the ring was full: we were too slow.
    [[nodiscard]] std::uint64_t overruns() noexcept;

private:
    static constexpr std::uint32_t frame_size = 2048;
    static constexpr std::uint32_t frame_count = 16384; ///< ten thousand answers to one power-on
    static constexpr std::uint32_t block_size = 1 << 20;
    static constexpr std::uint32_t batch_max = 64;

    [[nodiscard]] tpacket2_hdr* next_header() noexcept;
    [[nodiscard]] bool take(tpacket2_hdr& header, ReceivedFrame& frame);
    void release(tpacket2_hdr& header) noexcept;
    [[nodiscard]] MutableBytes slot() noexcept;
    void commit(std::size_t size) noexcept;
    void send_to_unknown(const Ipv4Address& hop, const ClientTx& datagram, Bytes payload,
                         const Now& now);
    void on_arp(const ClientArp& reply);
    void open_sinks() noexcept;

    ClientLink link_;
    Fd socket_;
    std::vector<Fd> sinks_;
    std::byte* ring_ = nullptr;
    std::uint32_t next_ = 0;
    std::unique_ptr<std::array<std::byte, frame_size>[]> batch_;
    std::array<iovec, batch_max> vectors_{};
    std::array<mmsghdr, batch_max> messages_{};
    std::uint32_t queued_ = 0;
    absl::flat_hash_map<Ipv4Address, Ipv4Address> hops_;
    ClientNeighbours neighbours_;
    ClientFrameMetrics metrics_;
    std::uint64_t overruns_ = 0;
};

} // namespace muster
