// SPDX-License-Identifier: Apache-2.0
// Facts that reach the server: site, nodes, time, and messages up to their decision. Where an
// address comes from and what is said of it is in dhcp_offer.cc, how a granted lease becomes
// durable and leaves in dhcp_commit.cc.
#include "net/dhcp/dhcp_server.hh"

#include "net/dhcp/lease_steps.hh"

#include <algorithm>

namespace muster {

namespace {

bool same_pools(const SubnetPlan& a, const SubnetPlan& b) {
    return a.subnet == b.subnet && a.pools == b.pools && a.shared_network == b.shared_network;
}

} // namespace

DhcpServer::DhcpServer(const DhcpLimits& limits)
    : limits_(limits),
      intake_(limits.intake),
      prober_(limits.prober),
      offer_times_(limits.nodes_expected),
      site_(std::make_shared<Snapshot>()),
      leases_(LeaseLimits{.leases_max = limits.leases_max,
                          .offer_hold = limits.offer_hold,
                          .recycle_hold = limits.undurable_lease}),
      pending_(limits.commits_max),
      replies_(std::size_t{limits.commits_max} * dhcp_message_size_max),
      scratch_(dhcp_message_size_max) {
    nodes_.expect(limits.nodes_expected);
}

void DhcpServer::on_interfaces(std::span<const InterfaceInfo> interfaces) noexcept {
    interfaces_.assign(interfaces.begin(), interfaces.end());
    set_aside_own_addresses();
    prober_.set_links(plan().subnets, interfaces_);
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
    prober_.set_links(after, interfaces_);
    dry_.reset(after.size(), metrics_.links_dry);
    set_aside_own_addresses();
    nodes_.replace(site_->nodes, &leases_);
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

void DhcpServer::on_node_boot(const NodeBoot& node) noexcept {
    nodes_.set(node, &leases_);
    refresh_gauges();
}

void DhcpServer::expire(const Now& now, Outbox& out) noexcept {
    leases_.expire(now);
    intake_.serve([&](const RxDatagram& datagram) { receive(datagram, now, out); });
    refresh_gauges();
}

void DhcpServer::refresh_gauges() noexcept {
    metrics_.set_leases(leases_.count());
    metrics_.addresses_never_used.set(leases_.never_used());
    metrics_.commits_pending.set(pending_.in_use());
    metrics_.waiting.set(intake_.waiting());
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

void DhcpServer::take(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept {
    const DhcpIntake::Taken taken = intake_.take(datagram, now.steady);
    if (taken.made_room) {
        drop_unread(taken.made_room_type, DhcpDrop::queue_full);
    }
    switch (taken.verdict) {
    case DhcpIntake::Verdict::waits:
        return metrics_.waiting.set(intake_.waiting());
    case DhcpIntake::Verdict::dropped:
        return drop_unread(taken.type, taken.reason);
    case DhcpIntake::Verdict::foreign:
        return receive(datagram, now, out); // which says what is wrong with it
    }
}

/// Counted as the request that it was, so that requests are answered or dropped, and nothing else.
void DhcpServer::drop_unread(DhcpMessageType type, DhcpDrop reason) noexcept {
    metrics_.received.add(type);
    drop(reason);
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
    const SubnetId subnet = subnets_.of(message_, *interface, x.broadcast);
    if (subnet == SubnetId::none) {
        return drop(DhcpDrop::unserved_subnet);
    }
    x.subnet = &plan().subnets[static_cast<std::size_t>(subnet)];
    x.client.mac = message_.header.mac();
    x.client.link = subnets_.link(subnet);
    identify(x);
    answer(x);
    refresh_gauges();
}

/// Who it is, and what the site says of it.
void DhcpServer::identify(Exchange& x) noexcept {
    x.identity = identify_client(message_);
    x.client.classes = find_classes(plan().classes, message_, x.identity);
    x.client.bootp = message_.is_bootp();
    x.node = nodes_.find(x.client.mac, x.identity);
    if (x.node != nullptr && x.node->reserved &&
        subnets_.link(subnets_.containing(*x.node->reserved)) == x.client.link) {
        x.client.reserved = x.node->reserved;
    }
}

void DhcpServer::answer(Exchange& x) noexcept {
    if (message_.is_bootp()) {
        return on_bootp(x);
    }
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

/// A boot client that is somebody else's: not even an address. Installers and installed systems
/// get one, whatever the site thinks of the machine's network boot.
bool DhcpServer::ignored(const Exchange& x) const noexcept {
    return wanted_action(x.node, plan()) == BootAction::ignore && x.identity.boots();
}

bool DhcpServer::names_another_server(const Exchange& x) const noexcept {
    const auto server = message_.address(DhcpOptionCode::server_identifier);
    return server && !is_ours(*server) && *server != x.server_identifier;
}

void DhcpServer::on_discover(Exchange& x) noexcept {
    if (ignored(x)) {
        MachineSeen seen = sighting(x, {}, false);
        seen.left_alone = true;
        tell_seen(seen, x.out);
        return drop(DhcpDrop::node_ignored);
    }
    const auto requested = message_.address(DhcpOptionCode::requested_address);
    const auto id = offer(x, requested);
    if (!id) {
        return;
    }
    const Ipv4Address address = leases_.lease(*id).address;
    move_to_subnet_of(x, address);
    send_now(x, make_reply(x, DhcpMessageType::offer, address, lease_seconds(x)));
    if (x.identity.boots()) {
        offer_times_.offered(x.client.mac, message_.header.xid, x.now.steady);
        tell_seen(sighting(x, address, false), x.out);
    }
}

void DhcpServer::on_request(Exchange& x) noexcept {
    if (names_another_server(x)) {
        // It took another server's offer: ours is free again (RFC 2131 section 4.3.2).
        if (const auto offered = leases_.find(x.client.mac, x.client.link)) {
            leases_.withdraw(*offered);
        }
        if (x.identity.boots()) {
            MachineSeen seen = sighting(x, {}, false);
            seen.other_server =
                message_.address(DhcpOptionCode::server_identifier).value_or(Ipv4Address{});
            tell_seen(seen, x.out);
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
    const auto newest = leases_.find(x.client.mac, x.client.link);
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
    if (x.identity.boots()) {
        x.collected = offer_times_.take(x.client.mac, message_.header.xid, x.now.steady);
    }
    switch (answer) {
    case RequestAnswer::acknowledge:
        if (newest && leases_.lease(*newest).committing() &&
            leases_.lease(*newest).address != form->address) {
            // Its move to another address is being made durable, and will end this lease. It asks
            // again, and is told then.
            return drop(DhcpDrop::busy);
        }
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
                                 .hostname = {}}; // control knows it
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
    move_to_subnet_of(x, message_.header.ciaddr);
    send_now(x, make_reply(x, DhcpMessageType::ack, {}, std::nullopt));
}

} // namespace muster
