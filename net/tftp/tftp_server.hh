// SPDX-License-Identifier: Apache-2.0
// The TFTP server of one worker: reads only (RFC 1350, 2090, 2347, 2348, 2349, 7440). Datagrams,
// content and time in, effects out; whoever performs these is not known here.
#pragma once

#include "core/metrics/exposition.hh"
#include "core/port/content_request.hh"
#include "core/port/interface_info.hh"
#include "core/port/outbox.hh"
#include "net/tftp/multicast_table.hh"
#include "net/tftp/session_table.hh"
#include "net/tftp/socket_choice.hh"
#include "net/tftp/tftp_limits.hh"
#include "net/tftp/tftp_metrics.hh"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace muster {

/// Serves what route_tftp() leads to. A read request becomes an OpenRequest or, told to control, a
/// DynamicRequest; its answer starts the transfer. Replies leave from one of this worker's transfer
/// sockets and from the address that was asked; DATA goes out as ranges of the content (TxBlocks),
/// OACK and ERROR as datagrams. Who asks for multicast shares one sending of the file
/// with all who do (RFC 2090). A full table is answered with silence: clients ask again.
class TftpServer {
public:
    explicit TftpServer(const TftpLimits& limits);

    /// What blocks have to fit in, once before anything is received.
    void on_interfaces(std::span<const InterfaceInfo> interfaces);

    /// A datagram of service tftp or tftp_transfer. Counted exactly once, see TftpMetrics.
    void receive(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept;

    /// A request that another worker was sent and handed on (HandedDatagram).
    void receive_handed(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept;

    /// The answer to an OpenRequest; one for a request that is gone is counted and dropped. A null
    /// content is an empty file.
    void on_content(const Ticket& ticket, Result<ContentRef, OpenError> content, const Now& now,
                    Outbox& out) noexcept;

    /// The answer to a DynamicRequest: 2xx starts the transfer, 404 is ERROR 1, 403 ERROR 2, any
    /// other status ERROR 0.
    void on_reply(const DynamicReply& reply, const Now& now, Outbox& out) noexcept;

    /// Fires every timer due at or before `now`.
    void expire(const Now& now, Outbox& out) noexcept;

    /// When expire() has work next; perhaps early, never late.
    [[nodiscard]] Instant next_deadline() const noexcept {
        return std::min(sessions_.timers().next_deadline(), groups_.timers().next_deadline());
    }
    [[nodiscard]] const TftpMetrics& metrics() const noexcept { return metrics_; }

    /// Thread:  any; reads counters only
    void report(Exposition& out) const { muster::report(metrics_, out); }

private:
    using Slot = std::uint32_t;
    /// How a reply reaches the client.
    struct ReplyPath {
        std::uint8_t socket = 0;
        std::uint32_t interface = 0; ///< 0: by route
        Endpoint client;
        IpAddress local; ///< its source
    };

    void on_request(const RxDatagram& datagram, bool handed, const Now& now, Outbox& out) noexcept;
    bool on_request_again(Slot slot, const Now& now, Outbox& out) noexcept;
    void open(const RxDatagram& datagram, const TftpRequest& request, std::uint64_t digest,
              const Now& now, Outbox& out, std::optional<std::uint8_t> former_socket) noexcept;
    void on_ack(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept;
    void on_error(const RxDatagram& datagram, Outbox& out) noexcept;
    void begin(Slot slot, ContentRef content, const Now& now, Outbox& out) noexcept;
    void on_progress(Slot slot, std::uint64_t before, bool ended, const Now& now,
                     Outbox& out) noexcept;

    bool hand_on(const RxDatagram& datagram, const TftpRequest& request, Outbox& out) noexcept;

    // Multicast groups: net/tftp/tftp_server_multicast.cc.
    bool join(Slot slot, const TransferTerms& terms, const Now& now, Outbox& out) noexcept;
    void append(MulticastGroup& group, Slot slot) noexcept;
    void unlink(MulticastGroup& group, Slot slot) noexcept;
    void leave(Slot slot) noexcept;
    void elect(std::uint16_t number, const Now& now, Outbox& out) noexcept;
    void on_member_ack(Slot slot, std::uint16_t block, const Now& now, Outbox& out) noexcept;
    void on_member_request_again(Slot slot, const Now& now, Outbox& out) noexcept;
    void on_group_timer(std::uint16_t number, const Now& now, Outbox& out) noexcept;
    void perform_group(std::uint16_t number, const GroupStep& step, const Now& now,
                       Outbox& out) noexcept;
    void serve_alone(Slot slot, const Now& now, Outbox& out) noexcept;
    void on_silence(std::uint16_t number, const Now& now, Outbox& out) noexcept;
    void progress(Slot slot, std::uint16_t block, bool done, const Now& now, Outbox& out) noexcept;

    [[nodiscard]] std::optional<Slot> find_transfer(const RxDatagram& datagram) noexcept;
    [[nodiscard]] std::optional<Slot> find_opening(const Ticket& ticket) noexcept;
    [[nodiscard]] std::uint8_t choose_socket(const RxDatagram& datagram,
                                             std::optional<std::uint8_t> former) noexcept;

    void perform(Slot slot, const Step& step, Outbox& out) noexcept;
    void send_oack(Slot slot, Outbox& out) noexcept;
    void send_error(const ReplyPath& path, TftpErrorCode code, TftpRefusal reason,
                    std::string_view name, Outbox& out) noexcept;
    void send(const ReplyPath& path, Bytes packet, Outbox& out) const noexcept;
    [[nodiscard]] ReplyPath reply_path(Slot slot) noexcept;
    void refuse(TftpRefusal refusal) noexcept;
    void refuse_content(Slot slot, TftpRefusal refusal, TftpErrorCode code, Outbox& out) noexcept;
    void finish(Slot slot, TftpEnd end, Outbox& out) noexcept;
    void sample(Slot slot, TransferSample::Phase phase, Outbox& out) noexcept;
    [[nodiscard]] std::uint64_t acknowledged(Slot slot) noexcept;
    [[nodiscard]] UdpService reply_service() const noexcept {
        return limits_.single_port ? UdpService::tftp : UdpService::tftp_transfer;
    }

    [[nodiscard]] std::uint16_t mtu_of(std::uint32_t interface) const noexcept;

    TftpLimits limits_;
    std::vector<std::pair<std::uint32_t, std::uint16_t>> mtus_; ///< by interface index; a few
    SessionTable sessions_;
    MulticastTable groups_;
    SocketChoice sockets_;
    TftpMetrics metrics_;
};

} // namespace muster
