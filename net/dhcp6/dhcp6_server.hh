// SPDX-License-Identifier: Apache-2.0
// The DHCPv6 server: one machine, one address from firmware to installed system, durable before it
// is acknowledged. Lives on worker 0.
#pragma once

#include "core/lease/lease_table.hh"
#include "core/port/outbox.hh"
#include "net/dhcp/dhcp_limits.hh"
#include "net/dhcp/dry_links.hh"
#include "net/dhcp/node_index.hh"
#include "net/dhcp6/dhcp6_client.hh"
#include "net/dhcp6/dhcp6_metrics.hh"
#include "net/dhcp6/dhcp6_reply.hh"
#include "net/dhcp6/subnet6_index.hh"

#include <memory>

namespace muster {

/// Facts in, effects out; nothing blocks, fails or reads a clock.
///
/// A SOLICIT is answered from memory at once, unless it asks for rapid commit. What grants an
/// address (REPLY to REQUEST, RENEW, REBIND and a rapid SOLICIT) is told to control as a
/// Lease6Commit and waits for LeaseCommitted, as an ACK of DhcpServer does, with the same
/// exceptions for leases that have most of their time left and for a store that refuses.
///
/// A machine gets one address on a link, whatever programs run on it and whatever identity
/// associations they show: each takes over from the one before. Only the program that was given the
/// address last can give it back, for firmware releases what one of its drivers had while another
/// goes on with it.
///
/// Takes its memory with the first site that has an IPv6 subnet: others pay nothing for it.
class Dhcp6Server {
public:
    explicit Dhcp6Server(const DhcpLimits& limits);
    ~Dhcp6Server();

    /// The server's DUID is made of the first interface's link address (RFC 8415 section 11.4).
    void on_interfaces(std::span<const InterfaceInfo> interfaces);
    void on_snapshot(SnapshotRef site, const Now& now);
    /// Before the first receive(), before or after the first on_snapshot().
    void restore(std::span<const Lease6Record> records, const Now& now);

    /// A datagram of UdpService::dhcp6: it waits its turn, which comes with expire(). See
    /// RequestIntake.
    void take(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept;
    /// The same, answered at once.
    void receive(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept;
    void on_node_boot(const NodeBoot& node) noexcept;
    /// An answer to a Lease6Commit.
    void on_lease_committed(const LeaseCommitted& commit, const Now& now, Outbox& out) noexcept;
    void expire(const Now& now, Outbox& out) noexcept;
    [[nodiscard]] Instant next_deadline() const noexcept;

    [[nodiscard]] const Dhcp6Metrics& metrics() const noexcept { return metrics_; }
    /// Null before a site has an IPv6 subnet.
    [[nodiscard]] const Lease6Table* leases() const noexcept;
    [[nodiscard]] Bytes server_id() const noexcept { return server_id_.bytes(); }
    /// Thread: any.
    void report(Exposition& exposition) const { metrics_.report(exposition); }

private:
    /// One message and all that is known about it.
    struct Exchange {
        const Now& now;
        Outbox& out;
        const InterfaceInfo& interface;
        Endpoint reply_to{};
        const Subnet6Plan* subnet = nullptr;
        Lease6Client client{};
        Dhcp6Machine machine{};
        DhcpClientIdentity identity{};
        const NodeBoot* node = nullptr;
        OptionLayers options{};
        const Dhcp6Ia* ia = nullptr; ///< the first IA_NA
        Ipv6Address server_address{};
    };
    /// A REPLY that waits for its commit; its bytes lie in `replies` at the slot's place.
    struct PendingReply {
        LeaseId lease{};
        Lease6Record record;
        Instant deadline;         ///< of the lease
        std::uint32_t told_s = 0; ///< seconds that the machine is told at most
        std::uint32_t interface = 0;
        Endpoint reply_to;
        std::uint16_t size = 0;
        std::uint16_t lease_offset = 0;
        bool tells_seen = false;
        MachineSeen seen;
    };
    struct Memory;

    [[nodiscard]] bool refused_by_header(const RxDatagram& datagram, const InterfaceInfo& interface,
                                         Outbox& out) noexcept;
    [[nodiscard]] bool refused_by_identifiers(const RxDatagram& datagram) noexcept;
    void identify(Exchange& x, const RxDatagram& datagram) noexcept;
    void answer(Exchange& x) noexcept;
    void on_solicit(Exchange& x) noexcept;
    void on_request(Exchange& x) noexcept;
    void on_extend(Exchange& x) noexcept;
    void on_confirm(Exchange& x) noexcept;
    void on_release(Exchange& x) noexcept;
    void on_decline(Exchange& x) noexcept;
    void on_information_request(Exchange& x) noexcept;
    [[nodiscard]] std::optional<LeaseId> offer(Exchange& x) noexcept;
    void on_refused_offer(Exchange& x, LeaseRefusal refusal) noexcept;
    void refuse_address(Exchange& x, Dhcp6MessageType type, Dhcp6Status status,
                        bool revoke) noexcept;
    void withdraw_offer(const RxDatagram& datagram, const InterfaceInfo& interface) noexcept;
    void move_to_subnet_of(Exchange& x, const Ipv6Address& address) const noexcept;
    [[nodiscard]] std::optional<LeaseId> own_lease(const Exchange& x,
                                                   const Ipv6Address& address) const noexcept;

    void acknowledge(Exchange& x, const Ipv6Address& address) noexcept;
    void commit_and_reply(Exchange& x, LeaseId id, const Lease6Record& record,
                          std::uint32_t lease_s) noexcept;
    [[nodiscard]] bool write_pending(Exchange& x, SlabHandle handle,
                                     std::uint32_t lease_s) noexcept;
    void send_durable(PendingReply& pending, SlabHandle handle, const Now& now,
                      Outbox& out) noexcept;
    void send_prolonged(PendingReply& pending, SlabHandle handle, const Now& now,
                        Outbox& out) noexcept;
    void cancel_commit(LeaseId id) noexcept;
    [[nodiscard]] MutableBytes reply_buffer(SlabHandle handle) noexcept;

    [[nodiscard]] Dhcp6Reply make_reply(Exchange& x, Dhcp6MessageType type) noexcept;
    [[nodiscard]] Dhcp6Reply make_lease_reply(Exchange& x, Dhcp6MessageType type,
                                              const Ipv6Address& address,
                                              std::uint32_t lease_s) noexcept;
    void send_now(Exchange& x, const Dhcp6Reply& reply) noexcept;
    void send(std::uint32_t interface, const Endpoint& to, Dhcp6MessageType type, Bytes message,
              Outbox& out) noexcept;
    void tell_seen(const Exchange& x, const Ipv6Address& address, bool acknowledged) noexcept;
    void tell_seen(const MachineSeen& seen, Outbox& out) noexcept;
    [[nodiscard]] static bool worth_telling(const Exchange& x) noexcept;
    [[nodiscard]] static MachineSeen sighting(const Exchange& x, const Ipv6Address& address,
                                              bool acknowledged) noexcept;

    [[nodiscard]] const DhcpPlan& plan() const noexcept { return site_->dhcp; }
    [[nodiscard]] bool ignored(const Exchange& x) const noexcept;
    [[nodiscard]] const InterfaceInfo* find_interface(std::uint32_t index) const noexcept;
    [[nodiscard]] Ipv6Address server_address(const InterfaceInfo& interface,
                                             const Subnet6Plan& subnet) const noexcept;
    void take_memory();
    void set_aside_own_addresses();
    void drop_unread(Dhcp6MessageType type, Dhcp6Drop reason) noexcept;
    void drop(Dhcp6Drop reason) noexcept { metrics_.drops.add(reason); }
    void refresh_gauges() noexcept;

    DhcpLimits limits_;
    std::vector<InterfaceInfo> interfaces_;
    Duid server_id_;
    SnapshotRef site_; ///< never null
    Subnet6Index subnets_;
    std::unique_ptr<Memory> memory_;
    NodeIndex nodes_;
    DryLinks dry_;
    std::vector<Ipv6Address> set_aside_;
    Dhcp6Message message_; ///< the one being answered
    Dhcp6Metrics metrics_;
};

} // namespace muster
