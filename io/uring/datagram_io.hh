// SPDX-License-Identifier: Apache-2.0
// UDP, packet and raw ICMPv6 sockets of one worker on its ring.
#pragma once

#include "core/metrics/counter.hh"
#include "core/port/outbox.hh"
#include "io/host/fd.hh"
#include "io/uring/datagram_groups.hh"
#include "io/uring/ring.hh"

#include <memory>
#include <vector>

namespace muster {

struct DatagramMetrics {
    Counter received;
    Counter sent;
    Counter send_failed;      ///< the kernel refused: no route, no buffer, link down
    Counter grouped;          ///< of the sent: left together with others in one call
    Counter slots_exhausted;  ///< sent by a plain call because all slots were in flight
    Counter receive_overruns; ///< receives that found no free buffer
};

/// Receives into provided buffers by one multishot operation a socket; sends from a fixed number
/// of slots. TFTP windows leave as one UDP GSO call where the kernel has it.
class DatagramIo {
public:
    explicit DatagramIo(Ring& ring);
    ~DatagramIo();
    DatagramIo(const DatagramIo&) = delete;
    DatagramIo& operator=(const DatagramIo&) = delete;

    [[nodiscard]] Result<void, SysError> open();

    /// Adds a socket and starts to receive on it. `index` is what datagrams carry as `socket`,
    /// counted from 0 within each service (and family, of TFTP's); `interface` 0 if it is not bound
    /// to one.
    void add(UdpService service, std::uint8_t index, std::uint32_t interface, Fd socket);
    /// Adds a second socket of the service for datagrams that can wait: of these a turn brings few,
    /// the rest stays in the kernel's buffer, and the newest are lost when that is full.
    void add_patient(UdpService service, std::uint32_t interface, Fd socket);
    /// What the sockets of a service send by this interface may leave several at a time, see
    /// sends_single_packets().
    void group(UdpService service, std::uint32_t interface) noexcept;
    /// The socket for TxDatagram::link.
    void set_packet_socket(Fd socket) { packet_socket_ = std::move(socket); }

    /// Handles a completion of kind receive_datagrams: calls `deliver(const RxDatagram&)`.
    template <class Deliver>
    void on_received(const Completion& cqe, Deliver&& deliver) {
        RxDatagram datagram;
        const int buffer = take(cqe, datagram);
        if (buffer < 0) {
            return;
        }
        metrics_.received.add();
        deliver(static_cast<const RxDatagram&>(datagram));
        const Socket& socket = sockets_[to_token(cqe.user_data).slot];
        patient_received_ += socket.patient ? 1U : 0U;
        buffers_of(socket).recycle(static_cast<std::uint16_t>(buffer));
    }
    /// Datagrams of patient sockets so far.
    [[nodiscard]] std::uint64_t patient_received() const noexcept { return patient_received_; }
    /// Handles a completion of kind send_datagram.
    void on_sent(const Completion& cqe) noexcept;

    /// Sends the burst's datagrams; those to one destination may leave in another order.
    void send_all(const Outbox& out);
    void send(const TxDatagram& datagram, Bytes payload);
    void send(const TxBlocks& blocks);

    [[nodiscard]] const DatagramMetrics& metrics() const noexcept { return metrics_; }
    [[nodiscard]] bool segmentation() const noexcept { return segmentation_; }

private:
    struct Socket {
        UdpService service{};
        std::uint8_t index = 0;
        std::uint32_t interface = 0;
        bool ipv6 = false;
        Fd fd;
        bool patient = false;
        bool groups = false; ///< see group()
    };
    struct TxSlot;

    [[nodiscard]] BufferGroup& buffers_of(const Socket& socket) noexcept {
        const bool bulk = socket.service == UdpService::tftp_transfer;
        return socket.patient ? patient_buffers_ : bulk ? bulk_buffers_ : request_buffers_;
    }
    void arm(std::size_t socket);
    [[nodiscard]] int take(const Completion& cqe, RxDatagram& datagram);
    [[nodiscard]] const Socket* find(UdpService service, std::uint8_t index,
                                     std::uint32_t interface, bool ipv6) const noexcept;
    void send_group(const DatagramGroup& group, const Outbox& out);
    [[nodiscard]] TxSlot& claim() noexcept;
    void submit(TxSlot& slot, int fd);
    void send_segment(const TxBlocks& blocks, int fd, std::uint64_t first, std::uint32_t count);

    Ring& ring_;
    /// Those of requests (DHCP, TFTP read requests, router solicitations) are their own: a flood of
    /// ACKs took every buffer before, and machines that asked for an address were not heard.
    BufferGroup request_buffers_;
    BufferGroup bulk_buffers_;
    BufferGroup patient_buffers_; ///< few: what a turn reads of what can wait
    msghdr layout_{};             ///< the kernel reads it on every receive: name and control sizes
    std::vector<Socket> sockets_;
    Fd packet_socket_;
    std::unique_ptr<TxSlot[]> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::unique_ptr<DatagramGroups> groups_;
    std::uint64_t patient_received_ = 0;
    bool segmentation_ = true;
    DatagramMetrics metrics_;
};

} // namespace muster
