// SPDX-License-Identifier: Apache-2.0
// proxyDHCP: says what to boot beside a DHCP server of somebody else's, which gives the addresses.
// Lives on worker 0, in the place of DhcpServer.
#pragma once

#include "core/port/interface_info.hh"
#include "core/port/outbox.hh"
#include "net/dhcp/dhcp_limits.hh"
#include "net/dhcp/dhcp_metrics.hh"
#include "net/dhcp/dhcp_reply.hh"
#include "net/dhcp/node_index.hh"

namespace muster {

/// Facts in, effects out; nothing blocks, fails or reads a clock. Keeps nothing of a client.
///
/// A DISCOVER on port 67 is answered with an OFFER of no address. BIOS ROMs and iPXE find the boot
/// file in it. UEFI firmware gets none, nor option 43: it then asks at port 4011 once it has an
/// address, the one way that all of it understands. HTTP boot gets its URL in the OFFER.
///
/// What a client takes from the other server is told to control, which knows machines by their
/// addresses when they fetch.
/// Source: PXE 2.1 sections 2.2, 2.3; EDK2 UefiPxeBcDxe.
class ProxyDhcp {
public:
    ProxyDhcp();

    void on_interfaces(std::span<const InterfaceInfo> interfaces);
    void on_snapshot(SnapshotRef site) noexcept;
    void on_node_boot(const NodeBoot& node) noexcept {
        nodes_.set(node, static_cast<LeaseTable*>(nullptr));
    }
    /// A datagram of UdpService::dhcp or UdpService::pxe.
    void receive(const RxDatagram& datagram, Outbox& out) noexcept;

    [[nodiscard]] const DhcpMetrics& metrics() const noexcept { return metrics_; }
    /// Thread: any.
    void report(Exposition& exposition) const { metrics_.report(exposition); }

private:
    /// One message and all that is known about it.
    struct Exchange {
        const RxDatagram& datagram;
        Outbox& out;
        Ipv4Address source;         ///< of replies: an address of the interface
        Ipv4Address server_address; ///< what clients are told
        DhcpClientIdentity identity{};
        const NodeBoot* node = nullptr;
    };

    void on_discover(Exchange& x) noexcept;
    void on_broadcast_request(Exchange& x) noexcept;
    void on_pxe_request(Exchange& x) noexcept;
    [[nodiscard]] bool refused(Exchange& x) noexcept;
    [[nodiscard]] std::optional<BootFile> boot_file(const Exchange& x) noexcept;
    void send(Exchange& x, DhcpMessageType type, const std::optional<BootFile>& file) noexcept;
    void tell_seen(Exchange& x, const Ipv4Address& address, bool acknowledged,
                   bool left_alone = false) noexcept;
    void drop(DhcpDrop reason) noexcept { metrics_.drops.add(reason); }

    std::vector<InterfaceInfo> interfaces_;
    SnapshotRef site_; ///< never null
    NodeIndex nodes_;
    std::vector<std::byte> scratch_; ///< one reply
    DhcpMessage message_;            ///< the one being answered
    DhcpMetrics metrics_;
};

} // namespace muster
