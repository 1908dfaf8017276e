// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/proxy_dhcp.hh"

#include "net/dhcp/lease_steps.hh"
#include "net/dhcp/machine_sighting.hh"
#include "net/dhcp/reply_path.hh"

#include <algorithm>

namespace muster {

ProxyDhcp::ProxyDhcp() : site_(std::make_shared<Snapshot>()), scratch_(dhcp_message_size_max) {
    nodes_.expect(DhcpLimits{}.nodes_expected);
}

void ProxyDhcp::on_interfaces(std::span<const InterfaceInfo> interfaces) {
    interfaces_.assign(interfaces.begin(), interfaces.end());
}

void ProxyDhcp::on_snapshot(SnapshotRef site) noexcept {
    site_ = std::move(site);
    nodes_.replace(site_->nodes, static_cast<LeaseTable*>(nullptr));
}

void ProxyDhcp::receive(const RxDatagram& datagram, Outbox& out) noexcept {
    if (const auto read = read_dhcp_message(datagram.payload, message_); !read) {
        return metrics_.errors.add(read.error());
    }
    if (message_.header.op != dhcp_boot_request) {
        return drop(DhcpDrop::not_a_request);
    }
    const auto interface =
        std::find_if(interfaces_.begin(), interfaces_.end(),
                     [&](const InterfaceInfo& one) { return one.index == datagram.interface; });
    if (interface == interfaces_.end()) {
        return drop(DhcpDrop::unknown_interface);
    }
    metrics_.received.add(message_.type);
    const Ipv4Address told = site_->dhcp.server_address;
    Exchange x{.datagram = datagram,
               .out = out,
               .source = interface->address,
               .server_address = told.is_unspecified() ? interface->address : told,
               .identity = identify_client(message_)};
    x.node = nodes_.find(message_.header.mac(), x.identity);
    if (datagram.service == UdpService::pxe) {
        return message_.type == DhcpMessageType::request ||
                       message_.type == DhcpMessageType::inform ||
                       message_.type == DhcpMessageType::discover
                   ? on_pxe_request(x)
                   : drop(DhcpDrop::not_a_request);
    }
    switch (message_.type) {
    case DhcpMessageType::discover:
        return on_discover(x);
    case DhcpMessageType::request:
        return on_broadcast_request(x);
    case DhcpMessageType::decline:
    case DhcpMessageType::release:
    case DhcpMessageType::inform:
        return drop(DhcpDrop::not_for_this_server);
    case DhcpMessageType::offer:
    case DhcpMessageType::ack:
    case DhcpMessageType::nak:
        return drop(DhcpDrop::not_a_request);
    }
    return drop(DhcpDrop::not_for_this_server); // BOOTP: it wants an address
}

/// No boot client, or somebody else's.
bool ProxyDhcp::refused(Exchange& x) noexcept {
    if (!x.identity.boots()) {
        drop(DhcpDrop::not_for_this_server);
        return true;
    }
    if (wanted_action(x.node, site_->dhcp) == BootAction::ignore) {
        tell_seen(x, {}, false, true);
        drop(DhcpDrop::node_ignored);
        return true;
    }
    return false;
}

std::optional<BootFile> ProxyDhcp::boot_file(const Exchange& x) noexcept {
    const DhcpPlan& plan = site_->dhcp;
    const auto file = choose_boot_file(
        wanted_action(x.node, plan), x.node != nullptr ? x.node->loader : plan.unknown_loader,
        x.identity, {.address = x.server_address, .ports = plan.ports});
    if (!file) {
        metrics_.boot_refusals.add(file.error());
        return std::nullopt;
    }
    return *file;
}

void ProxyDhcp::on_discover(Exchange& x) noexcept {
    if (refused(x)) {
        return;
    }
    const auto file = boot_file(x);
    if (!file) {
        return drop(DhcpDrop::not_for_this_server); // an offer without a file would stop its boot
    }
    const bool bios = x.identity.first_arch() == static_cast<std::uint16_t>(ClientArch::x86_bios);
    const bool asks_at_4011 = x.identity.kind == DhcpClientKind::pxe && !bios;
    send(x, DhcpMessageType::offer, asks_at_4011 ? std::nullopt : file);
    tell_seen(x, {}, false);
}

/// The client takes another server's offer: the address is known from here.
void ProxyDhcp::on_broadcast_request(Exchange& x) noexcept {
    const auto address = message_.address(DhcpOptionCode::requested_address);
    const Ipv4Address& ciaddr = message_.header.ciaddr;
    if (address && !address->is_unspecified()) {
        tell_seen(x, *address, true);
    } else if (!ciaddr.is_unspecified()) {
        tell_seen(x, ciaddr, true);
    }
    drop(DhcpDrop::not_for_this_server);
}

/// Port 4011: the client has its address, and wants a boot file.
void ProxyDhcp::on_pxe_request(Exchange& x) noexcept {
    if (refused(x)) {
        return;
    }
    const auto file = boot_file(x);
    if (!file) {
        return drop(DhcpDrop::not_for_this_server);
    }
    send(x, DhcpMessageType::ack, file);
    const auto source = x.datagram.source.address.v4();
    const Ipv4Address& ciaddr = message_.header.ciaddr;
    tell_seen(x, ciaddr.is_unspecified() ? source.value_or(Ipv4Address{}) : ciaddr, true);
}

void ProxyDhcp::send(Exchange& x, DhcpMessageType type,
                     const std::optional<BootFile>& file) noexcept {
    const DhcpReply reply{.request = message_,
                          .client = x.identity,
                          .type = type,
                          .yiaddr = {},
                          .server_identifier = x.server_address,
                          .server_address = x.server_address,
                          .lease_s = std::nullopt,
                          .boot_file = file,
                          .proxy = true};
    const WrittenReply written = write_reply(reply, scratch_);
    const Bytes message = Bytes{scratch_}.first(written.size);
    metrics_.sent.add(type);
    if (x.datagram.service == UdpService::dhcp) {
        const ReplyPath path = choose_reply_path(
            message_.header, type, {}, {.interface = x.datagram.interface, .source = x.source});
        return send_reply(path, message, 0, x.out);
    }
    TxDatagram datagram; // back to where it came from, from port 4011
    datagram.service = UdpService::pxe;
    datagram.interface = x.datagram.interface;
    datagram.destination = x.datagram.source;
    datagram.source = x.source;
    datagram.payload_offset = x.out.store(message);
    datagram.payload_size = static_cast<std::uint32_t>(message.size());
    x.out.datagrams.push_back(datagram);
}

void ProxyDhcp::tell_seen(Exchange& x, const Ipv4Address& address, bool acknowledged,
                          bool left_alone) noexcept {
    MachineSeen seen = machine_sighting(message_, x.identity, address, acknowledged);
    seen.left_alone = left_alone;
    if (!x.out.tell(seen)) {
        metrics_.samples_dropped.add();
    }
}

} // namespace muster
