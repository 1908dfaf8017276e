// SPDX-License-Identifier: Apache-2.0
// Facts that reach the server: site, nodes, time, and messages up to their decision. How a granted
// lease becomes durable and leaves is in dhcp_commit.cc.
#include "net/dhcp/dhcp_server.hh"

#include <algorithm>

namespace muster {

namespace {

std::string_view node_name(const NodeBoot& node) noexcept {
    const std::string_view all{node.name.data(), node.name.size()};
    return all.substr(0, all.find('\0'));
}

bool same_pools(const SubnetPlan& a, const SubnetPlan& b) {
    return a.subnet == b.subnet && a.pools == b.pools;
}

} // namespace

DhcpServer::DhcpServer(const DhcpLimits& limits)
    : limits_(limits),
      site_(std::make_shared<Snapshot>()),
      leases_(LeaseLimits{.leases_max = limits.leases_max,
                          .offer_hold = limits.offer_hold,
                          .recycle_hold = limits.undurable_lease}),
      pending_(limits.commits_max),
      replies_(std::size_t{limits.commits_max} * dhcp_message_size_max),
      scratch_(dhcp_message_size_max) {
    nodes_.reserve(limits.nodes_expected);
}

void DhcpServer::on_interfaces(std::span<const InterfaceInfo> interfaces) noexcept {
    interfaces_.assign(interfaces.begin(), interfaces.end());
    set_aside_own_addresses();
    refresh_gauges();
}

void DhcpServer::on_snapshot(SnapshotRef site, const Now& /*now*/) noexcept {
    const SnapshotRef old = std::exchange(site_, std::move(site));
    const auto& before = old->dhcp.subnets;
    const auto& after = plan().subnets;
    subnets_ = SubnetIndex{after};
    if (!std::equal(before.begin(), before.end(), after.begin(), after.end(), same_pools)) {
        leases_.set_subnets(after);
    }
    set_aside_own_addresses();
    apply_nodes(site_->nodes);
    refresh_gauges();
}

void DhcpServer::restore(std::span<const LeaseRecord> records, const Now& now) noexcept {
    metrics_.restore_dropped.add(leases_.restore(records, now));
    refresh_gauges();
}

/// The server's own addresses and the routers' may lie in a pool; no machine gets them.
void DhcpServer::set_aside_own_addresses() {
    std::vector<Ipv4Address> fresh;
    for (const InterfaceInfo& interface : interfaces_) {
        fresh.push_back(interface.address);
    }
    if (!plan().server_address.is_unspecified()) {
        fresh.push_back(plan().server_address);
    }
    for (const SubnetPlan& subnet : plan().subnets) {
        if (subnet.router) {
            fresh.push_back(*subnet.router);
        }
    }
    for (const Ipv4Address& address : fresh) {
        leases_.reserve(address);
    }
    for (const Ipv4Address& address : set_aside_) {
        leases_.unreserve(address);
    }
    set_aside_ = std::move(fresh);
}

/// Replaces all nodes. New reservations are made before old ones go, so that an unchanged one is
/// never open in between.
void DhcpServer::apply_nodes(std::span<const NodeBoot> nodes) {
    absl::flat_hash_map<MacAddress, NodeBoot> fresh;
    fresh.reserve(std::max<std::size_t>(nodes.size(), limits_.nodes_expected));
    for (const NodeBoot& node : nodes) {
        if (!node.removed && fresh.insert_or_assign(node.mac, node).second && node.reserved) {
            leases_.reserve(*node.reserved);
        }
    }
    for (const auto& [mac, node] : nodes_) {
        if (node.reserved) {
            leases_.unreserve(*node.reserved);
        }
    }
    nodes_ = std::move(fresh);
}

void DhcpServer::on_node_boot(const NodeBoot& node) noexcept {
    const auto known = nodes_.find(node.mac);
    const auto old = known == nodes_.end() ? std::nullopt : known->second.reserved;
    const auto reserved = node.removed ? std::nullopt : node.reserved;
    if (reserved) {
        leases_.reserve(*reserved);
    }
    if (old) {
        leases_.unreserve(*old);
    }
    if (node.removed) {
        nodes_.erase(node.mac);
    } else {
        nodes_.insert_or_assign(node.mac, node);
    }
    refresh_gauges();
}

void DhcpServer::expire(const Now& now, Outbox& /*out*/) noexcept {
    leases_.expire(now);
    refresh_gauges();
}

void DhcpServer::refresh_gauges() noexcept {
    const LeaseTable::Count& count = leases_.count();
    metrics_.leases_offered.set(count.offered);
    metrics_.leases_bound.set(count.bound);
    metrics_.leases_idle.set(count.idle);
    metrics_.leases_declined.set(count.declined);
    metrics_.addresses_never_used.set(leases_.never_used());
    metrics_.commits_pending.set(pending_.in_use());
}

const InterfaceInfo* DhcpServer::find_interface(std::uint32_t index) const noexcept {
    const auto found =
        std::find_if(interfaces_.begin(), interfaces_.end(),
                     [&](const InterfaceInfo& interface) { return interface.index == index; });
    return found == interfaces_.end() ? nullptr : &*found;
}

bool DhcpServer::is_ours(const Ipv4Address& address) const noexcept {
    return (!plan().server_address.is_unspecified() && address == plan().server_address) ||
           std::any_of(interfaces_.begin(), interfaces_.end(), [&](const InterfaceInfo& interface) {
               return interface.address == address;
           });
}

void DhcpServer::receive(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept {
    if (const auto read = read_dhcp_message(datagram.payload, message_); !read) {
        metrics_.errors.add(read.error());
        return;
    }
    if (message_.header.op != dhcp_boot_request) {
        return drop(DhcpDrop::not_a_request);
    }
    const InterfaceInfo* interface = find_interface(datagram.interface);
    if (interface == nullptr) {
        return drop(DhcpDrop::unknown_interface);
    }
    metrics_.received.add(message_.type);

    const auto local = datagram.local.v4();
    const bool to_us = local && is_ours(*local);
    const bool relayed = !message_.header.giaddr.is_unspecified();
    Exchange x{.now = now, .out = out, .interface = *interface};
    x.origin = {interface->index, to_us ? *local : interface->address};
    x.broadcast = relayed || !to_us;
    x.server_address =
        plan().server_address.is_unspecified() ? interface->address : plan().server_address;
    // RFC 5107: a relay that wants to see renewals names itself as the server.
    const auto override_address =
        relay_address_option(message_, DhcpRelayOption::server_identifier_override);
    x.server_identifier = relayed && override_address ? *override_address : x.server_address;
    x.client.mac = message_.header.mac();
    x.client.subnet = subnets_.of(message_, *interface, x.broadcast);
    if (x.client.subnet == SubnetId::none) {
        return drop(DhcpDrop::unserved_subnet);
    }
    x.subnet = &plan().subnets[static_cast<std::size_t>(x.client.subnet)];
    x.identity = identify_client(message_);
    if (const auto node = nodes_.find(x.client.mac); node != nodes_.end()) {
        x.node = &node->second;
        if (x.node->reserved && x.subnet->subnet.contains(*x.node->reserved)) {
            x.client.reserved = x.node->reserved;
        }
    }
    answer(x);
    refresh_gauges();
}

void DhcpServer::answer(Exchange& x) noexcept {
    switch (message_.type) {
    case DhcpMessageType::discover:
        return on_discover(x);
    case DhcpMessageType::request:
        return on_request(x);
    case DhcpMessageType::release:
        return on_release(x);
    case DhcpMessageType::decline:
        return on_decline(x);
    case DhcpMessageType::inform:
        return on_inform(x);
    case DhcpMessageType::offer:
    case DhcpMessageType::ack:
    case DhcpMessageType::nak:
        return drop(DhcpDrop::not_a_request);
    }
}

BootAction DhcpServer::action(const Exchange& x) const noexcept {
    return x.node != nullptr ? x.node->action : plan().unknown_action;
}

/// A boot client that is somebody else's: not even an address. Installers and installed systems
/// get one, whatever the site thinks of the machine's network boot.
bool DhcpServer::ignored(const Exchange& x) const noexcept {
    return action(x) == BootAction::ignore && x.identity.boots();
}

bool DhcpServer::names_another_server(const Exchange& x) const noexcept {
    const auto server = message_.address(DhcpOptionCode::server_identifier);
    return server && !is_ours(*server) && *server != x.server_identifier;
}

void DhcpServer::on_discover(Exchange& x) noexcept {
    if (ignored(x)) {
        tell_seen(sighting(x, {}, false), x.out);
        return drop(DhcpDrop::node_ignored);
    }
    const auto requested = message_.address(DhcpOptionCode::requested_address);
    const auto id = leases_.offer(x.client, requested, x.now);
    if (!id) {
        return drop(id.error() == LeaseRefusal::table_full ? DhcpDrop::table_full
                                                           : DhcpDrop::pool_exhausted);
    }
    const Ipv4Address address = leases_.lease(*id).address;
    const auto lease_s = std::chrono::duration_cast<std::chrono::seconds>(x.subnet->lease).count();
    send_now(x,
             make_reply(x, DhcpMessageType::offer, address,
                        static_cast<std::uint32_t>(std::min<std::int64_t>(lease_s, UINT32_MAX))));
    if (x.identity.boots()) {
        tell_seen(sighting(x, address, false), x.out);
    }
}

void DhcpServer::on_request(Exchange& x) noexcept {
    if (names_another_server(x)) {
        // It took another server's offer: ours is free again (RFC 2131 section 4.3.2).
        if (const auto offered = leases_.find(x.client.mac, x.client.subnet)) {
            leases_.withdraw(*offered);
        }
        return drop(DhcpDrop::not_for_this_server);
    }
    if (ignored(x)) {
        return drop(DhcpDrop::node_ignored);
    }
    const auto form = read_request_form(message_, x.broadcast);
    if (!form) {
        return drop(DhcpDrop::missing_address);
    }
    const LeaseStanding standing = leases_.standing(x.client, form->address, x.now);
    const auto newest = leases_.find(x.client.mac, x.client.subnet);
    const bool reserved_elsewhere = x.client.reserved && *x.client.reserved != form->address;
    const bool known =
        reserved_elsewhere || (newest && leases_.lease(*newest).address != form->address);
    RequestAnswer answer = decide_request(form->state, standing, known);
    if (form->state == RequestState::init_reboot && reserved_elsewhere &&
        leases_.standing(x.client, *x.client.reserved, x.now) != LeaseStanding::taken) {
        // It starts anew, so it can move to its reservation. A running machine is left in peace:
        // it moves at its next DISCOVER.
        answer = RequestAnswer::refuse;
    }
    switch (answer) {
    case RequestAnswer::acknowledge:
        return acknowledge(x, form->address);
    case RequestAnswer::refuse:
        return send_now(x, make_reply(x, DhcpMessageType::nak, {}, std::nullopt));
    case RequestAnswer::silent:
        return drop(DhcpDrop::unknown_client);
    }
}

void DhcpServer::on_release(Exchange& x) noexcept {
    if (names_another_server(x)) {
        return drop(DhcpDrop::not_for_this_server);
    }
    const auto id = leases_.find(message_.header.ciaddr);
    if (!id || leases_.lease(*id).mac != x.client.mac) {
        return drop(DhcpDrop::unknown_lease);
    }
    const Lease& lease = leases_.lease(*id);
    if (lease.durable || lease.committing()) {
        const LeaseRecord record{.address = lease.address,
                                 .mac = lease.mac,
                                 .state = LeaseRecord::State::released,
                                 .expires = x.now.wall,
                                 .hostname = lease.hostname};
        if (!x.out.tell(LeaseCommit{.request = {}, .lease = record})) {
            return drop(DhcpDrop::busy); // it stays bound until it expires
        }
    }
    cancel_commit(*id);
    leases_.release(*id);
}

void DhcpServer::on_decline(Exchange& x) noexcept {
    if (names_another_server(x)) {
        return drop(DhcpDrop::not_for_this_server);
    }
    const auto address = message_.address(DhcpOptionCode::requested_address);
    if (!address) {
        return drop(DhcpDrop::missing_address);
    }
    const auto id = leases_.find(*address);
    if (!id || leases_.lease(*id).mac != x.client.mac) {
        return drop(DhcpDrop::unknown_lease);
    }
    const LeaseRecord record{.address = *address,
                             .mac = x.client.mac,
                             .state = LeaseRecord::State::declined,
                             .expires = x.now.wall + limits_.quarantine};
    if (!x.out.tell(LeaseCommit{.request = {}, .lease = record})) {
        drop(DhcpDrop::busy); // quarantined all the same, as long as this process lives
    }
    cancel_commit(*id);
    leases_.decline(*id, x.now.steady + limits_.quarantine);
}

/// Configuration without a lease (RFC 2131 section 4.3.5).
void DhcpServer::on_inform(Exchange& x) noexcept {
    if (message_.header.ciaddr.is_unspecified()) {
        return drop(DhcpDrop::missing_address);
    }
    if (ignored(x)) {
        return drop(DhcpDrop::node_ignored);
    }
    send_now(x, make_reply(x, DhcpMessageType::ack, {}, std::nullopt));
}

DhcpReply DhcpServer::make_reply(const Exchange& x, DhcpMessageType type, const Ipv4Address& yiaddr,
                                 std::optional<std::uint32_t> lease_s) noexcept {
    DhcpReply reply{.request = message_,
                    .client = x.identity,
                    .type = type,
                    .yiaddr = yiaddr,
                    .server_identifier = x.server_identifier,
                    .server_address = x.server_address,
                    .subnet = x.subnet,
                    .lease_s = lease_s};
    if (type == DhcpMessageType::nak) {
        return reply;
    }
    const LoaderChoice loader = x.node != nullptr ? x.node->loader : plan().unknown_loader;
    const auto file =
        choose_boot_file(action(x), loader, x.identity,
                         {.address = x.server_address, .http_port = plan().http_port});
    if (file) {
        reply.boot_file = *file;
    } else {
        metrics_.boot_refusals.add(file.error());
    }
    if (x.node != nullptr) {
        reply.node_name = node_name(*x.node);
    }
    return reply;
}

MachineSeen DhcpServer::sighting(const Exchange& x, const Ipv4Address& address,
                                 bool acknowledged) const noexcept {
    return {.mac = x.client.mac,
            .address = address,
            .giaddr = message_.header.giaddr,
            .uuid = x.identity.uuid,
            .arch = x.identity.first_arch(),
            .kind = x.identity.kind,
            .acknowledged = acknowledged};
}

void DhcpServer::tell_seen(const MachineSeen& seen, Outbox& out) noexcept {
    if (!out.tell(seen)) {
        metrics_.samples_dropped.add();
    }
}

void DhcpServer::send_now(Exchange& x, const DhcpReply& reply) noexcept {
    const WrittenReply written = write_reply(reply, scratch_);
    const ReplyPath path = choose_reply_path(message_.header, reply.type, reply.yiaddr, x.origin);
    send(path, reply.type, Bytes{scratch_}.first(written.size), x.out);
}

void DhcpServer::send(const ReplyPath& path, DhcpMessageType type, Bytes message,
                      Outbox& out) noexcept {
    metrics_.sent.add(type);
    send_reply(path, message, ++identification_, out);
}

} // namespace muster
