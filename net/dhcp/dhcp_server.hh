// SPDX-License-Identifier: Apache-2.0
// The DHCPv4 server: one machine, one lease from ROM to installed system, durable before it is
// acknowledged. Lives on worker 0.
#pragma once

#include "core/lease/lease_table.hh"
#include "core/port/outbox.hh"
#include "net/dhcp/client_classes.hh"
#include "net/dhcp/conflict_notices.hh"
#include "net/dhcp/dhcp_limits.hh"
#include "net/dhcp/dhcp_metrics.hh"
#include "net/dhcp/dhcp_reply.hh"
#include "net/dhcp/dry_links.hh"
#include "net/dhcp/node_index.hh"
#include "net/dhcp/offer_times.hh"
#include "net/dhcp/reply_path.hh"
#include "net/dhcp/request_decision.hh"
#include "net/dhcp/subnet_index.hh"

namespace muster {

/// Facts in, effects out; nothing blocks, fails or reads a clock.
///
/// A DISCOVER is answered from memory at once. A REQUEST that is granted is told to control as a
/// LeaseCommit; its finished ACK waits until LeaseCommitted{durable} comes back. One exception: a
/// machine whose durable lease has 7/8 or more of its time left (ROM, iPXE, kernel and installer
/// ask within seconds of each other) is acknowledged at once with the time that remains of it, so
/// that what is acknowledged is never more than what is durable.
///
/// When the store refuses, a machine with a durable record of this very address is acknowledged
/// with what remains of it, but at least DhcpLimits::undurable_lease; a new lease is not
/// acknowledged at all.
class DhcpServer {
public:
    explicit DhcpServer(const DhcpLimits& limits);

    void on_interfaces(std::span<const InterfaceInfo> interfaces) noexcept;
    void on_snapshot(SnapshotRef site, const Now& now) noexcept;
    /// Before the first receive(), before or after the first on_snapshot().
    void restore(std::span<const LeaseRecord> records, const Now& now) noexcept;

    /// A datagram of UdpService::dhcp: it waits its turn, which comes with expire(). See
    /// DhcpIntake.
    void take(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept;
    /// The same, answered at once.
    void receive(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept;
    /// Acts on the answers of the last round, and appends the addresses to ask about now; see
    /// ConflictProber.
    void ask(const Now& now, std::vector<ConflictProbe>& probes, Outbox& out);
    [[nodiscard]] Instant next_probe() const noexcept {
        return limits_.probes ? prober_.next_round() : Instant::never();
    }
    void on_conflict_answer(const ConflictAnswer& answer, const Now& now) noexcept {
        prober_.hear(answer, now.steady);
    }
    void on_node_boot(const NodeBoot& node) noexcept;
    void on_lease_committed(const LeaseCommitted& commit, const Now& now, Outbox& out) noexcept;
    void expire(const Now& now, Outbox& out) noexcept;
    [[nodiscard]] Instant next_deadline() const noexcept {
        return intake_.waiting() > 0 ? Instant{} : std::min(leases_.next_deadline(), next_probe());
    }

    [[nodiscard]] const DhcpMetrics& metrics() const noexcept { return metrics_; }
    [[nodiscard]] const LeaseTable& leases() const noexcept { return leases_; }
    /// Thread: any.
    void report(Exposition& exposition) const { metrics_.report(exposition); }

private:
    /// One message and all that is known about it.
    struct Exchange {
        const Now& now;
        Outbox& out;
        const InterfaceInfo& interface;
        ReplyOrigin origin{};
        bool broadcast = false; ///< not sent to an address of ours, or relayed
        LeaseClient client{};
        const SubnetPlan* subnet = nullptr; ///< of the address, once there is one
        DhcpClientIdentity identity{};
        const NodeBoot* node = nullptr;
        OptionLayers options{};
        Ipv4Address server_identifier{};
        Ipv4Address server_address{};
        Duration collected{}; ///< since the first OFFER, if this is the REQUEST that ends it
    };
    /// An ACK that waits for its commit; its bytes lie in replies_ at the slot's place.
    struct PendingAck {
        LeaseId lease{};
        LeaseRecord record;
        Instant deadline; ///< of the lease
        Instant asked;    ///< by the first REQUEST
        ReplyPath path;
        DhcpMessageType type{}; ///< ack, or 0 to a BOOTP client
        std::uint16_t size = 0;
        std::uint16_t lease_offset = 0;
        MachineSeen seen;
        bool tells_seen = false;
    };

    void identify(Exchange& x) noexcept;
    void answer(Exchange& x) noexcept;
    void on_discover(Exchange& x) noexcept;
    void on_request(Exchange& x) noexcept;
    void on_release(Exchange& x) noexcept;
    void on_decline(Exchange& x) noexcept;
    void on_inform(Exchange& x) noexcept;
    void on_bootp(Exchange& x) noexcept;
    [[nodiscard]] std::optional<LeaseId> offer(Exchange& x,
                                               std::optional<Ipv4Address> wanted) noexcept;
    void on_refused_offer(Exchange& x, LeaseRefusal refusal) noexcept;
    void move_to_subnet_of(Exchange& x, const Ipv4Address& address) const noexcept;
    [[nodiscard]] std::uint32_t lease_seconds(const Exchange& x) const noexcept;

    void acknowledge(Exchange& x, const Ipv4Address& address) noexcept;
    void commit_and_acknowledge(Exchange& x, LeaseId id, const LeaseRecord& record,
                                std::uint32_t lease_s) noexcept;
    void write_pending(Exchange& x, SlabHandle handle, std::uint32_t lease_s) noexcept;
    void send_durable(PendingAck& pending, SlabHandle handle, const Now& now, Outbox& out) noexcept;
    void send_prolonged(PendingAck& pending, SlabHandle handle, const Now& now,
                        Outbox& out) noexcept;
    void acknowledge_at_once(Exchange& x, LeaseId id, const LeaseRecord& record,
                             std::uint32_t lease_s) noexcept;
    void cancel_commit(LeaseId id) noexcept;

    [[nodiscard]] DhcpReply make_reply(Exchange& x, DhcpMessageType type, const Ipv4Address& yiaddr,
                                       std::optional<std::uint32_t> lease_s) noexcept;
    void send_now(Exchange& x, const DhcpReply& reply) noexcept;
    void send(const ReplyPath& path, DhcpMessageType type, Bytes message, Outbox& out) noexcept;
    void tell_seen(const MachineSeen& seen, Outbox& out) noexcept;
    [[nodiscard]] static bool worth_telling(const Exchange& x) noexcept;
    [[nodiscard]] MachineSeen sighting(const Exchange& x, const Ipv4Address& address,
                                       bool acknowledged) const noexcept;

    [[nodiscard]] const DhcpPlan& plan() const noexcept { return site_->dhcp; }
    [[nodiscard]] bool ignored(const Exchange& x) const noexcept;
    [[nodiscard]] const InterfaceInfo* find_interface(std::uint32_t index) const noexcept;
    [[nodiscard]] bool is_ours(const Ipv4Address& address) const noexcept;
    [[nodiscard]] bool names_another_server(const Exchange& x) const noexcept;
    [[nodiscard]] MutableBytes reply_buffer(SlabHandle handle) noexcept;
    void set_aside_own_addresses();
    void on_conflict(const ConflictAnswer& answer, const Now& now, Outbox& out) noexcept;
    void tell_conflict(const ConflictAnswer& answer, const Now& now, Outbox& out) noexcept;
    void drop_unread(DhcpMessageType type, DhcpDrop reason) noexcept;
    void drop(DhcpDrop reason) noexcept { metrics_.drops.add(reason); }
    void refresh_gauges() noexcept;

    DhcpLimits limits_;
    DhcpIntake intake_;
    ConflictProber prober_;
    ConflictNotices notices_;
    OfferTimes offer_times_;
    std::vector<InterfaceInfo> interfaces_;
    SnapshotRef site_; ///< never null
    SubnetIndex subnets_;
    LeaseTable leases_;
    NodeIndex nodes_;
    DryLinks dry_;
    std::vector<Ipv4Address> set_aside_; ///< addresses of ours and of routers: nobody's to have
    Slab<PendingAck> pending_;
    std::vector<std::byte> replies_; ///< dhcp_message_size_max bytes a slot of pending_
    std::vector<std::byte> scratch_; ///< one reply
    DhcpMessage message_;            ///< the one being answered
    std::uint16_t identification_ = 0;
    DhcpMetrics metrics_;
};

} // namespace muster
