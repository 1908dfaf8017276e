// SPDX-License-Identifier: Apache-2.0
// Facts that reach the server: site, nodes, time, and messages up to what kind they are. What they
// are answered is in dhcp6_answers.cc, how a granted lease becomes durable in dhcp6_commit.cc.
#include "net/dhcp6/dhcp6_server.hh"

#include "net/dhcp/client_classes.hh"
#include "net/dhcp6/dhcp6_memory.hh"

#include <algorithm>

namespace muster {

namespace {

constexpr std::uint16_t duid_type_link_layer = 3;
constexpr std::uint16_t duid_hardware_ethernet = 1;

bool same_pools(const Subnet6Plan& a, const Subnet6Plan& b) {
    return a.subnet == b.subnet && a.pools == b.pools && a.shared_network == b.shared_network;
}

/// Where the client itself sent from.
Ipv6Address link_source(const Dhcp6Message& message, const RxDatagram& datagram) noexcept {
    return message.relayed() ? message.nearest_hop().peer : datagram.source.address.v6();
}

} // namespace

Dhcp6Server::Dhcp6Server(const DhcpLimits& limits)
    : limits_(limits), site_(std::make_shared<Snapshot>()) {}

Dhcp6Server::~Dhcp6Server() = default;

const Lease6Table* Dhcp6Server::leases() const noexcept {
    return memory_ ? &memory_->leases : nullptr;
}

Instant Dhcp6Server::next_deadline() const noexcept {
    if (!memory_) {
        return Instant::never();
    }
    return memory_->intake.waiting() > 0 ? Instant{} : memory_->leases.next_deadline();
}

void Dhcp6Server::on_interfaces(std::span<const InterfaceInfo> interfaces) {
    interfaces_.assign(interfaces.begin(), interfaces.end());
    if (!interfaces_.empty()) {
        std::array<std::byte, 10> octets{};
        ByteWriter writer{octets};
        writer.u16(duid_type_link_layer);
        writer.u16(duid_hardware_ethernet);
        writer.octets(interfaces_.front().mac.octets);
        server_id_ = Duid{octets};
    }
    set_aside_own_addresses();
}

void Dhcp6Server::take_memory() {
    if (!memory_) {
        memory_ = std::make_unique<Memory>(limits_);
        nodes_.expect(limits_.nodes_expected);
    }
}

void Dhcp6Server::on_snapshot(SnapshotRef site, const Now& /*now*/) {
    const SnapshotRef old = std::exchange(site_, std::move(site));
    const auto& before = old->dhcp.subnets6;
    const auto& after = plan().subnets6;
    subnets_ = Subnet6Index{after};
    dry_.reset(after.size(), metrics_.links_dry);
    if (after.empty() && !memory_) {
        return;
    }
    take_memory();
    if (!std::equal(before.begin(), before.end(), after.begin(), after.end(), same_pools)) {
        memory_->leases.set_subnets(after);
    }
    set_aside_own_addresses();
    nodes_.replace(site_->nodes, &memory_->leases);
    refresh_gauges();
}

void Dhcp6Server::restore(std::span<const Lease6Record> records, const Now& now) {
    if (records.empty()) {
        return;
    }
    take_memory();
    metrics_.restore_dropped.add(memory_->leases.restore(records, now));
    refresh_gauges();
}

/// The server's own addresses may lie in a pool; no machine gets them.
void Dhcp6Server::set_aside_own_addresses() {
    if (!memory_) {
        return;
    }
    std::vector<Ipv6Address> fresh;
    for (const InterfaceInfo& interface : interfaces_) {
        fresh.insert(fresh.end(), interface.addresses6.begin(), interface.addresses6.end());
    }
    if (!plan().server_address6.is_unspecified()) {
        fresh.push_back(plan().server_address6);
    }
    for (const Ipv6Address& address : fresh) {
        memory_->leases.reserve(address);
    }
    for (const Ipv6Address& address : set_aside_) {
        memory_->leases.unreserve(address);
    }
    set_aside_ = std::move(fresh);
}

void Dhcp6Server::on_node_boot(const NodeBoot& node) noexcept {
    if (memory_) {
        nodes_.set(node, &memory_->leases);
    }
}

void Dhcp6Server::expire(const Now& now, Outbox& out) noexcept {
    if (memory_) {
        memory_->leases.expire(now);
        memory_->intake.serve([&](const RxDatagram& datagram) { receive(datagram, now, out); });
        refresh_gauges();
    }
}

void Dhcp6Server::refresh_gauges() noexcept {
    metrics_.set_leases(memory_->leases.count());
    metrics_.commits_pending.set(memory_->pending.in_use());
    metrics_.waiting.set(memory_->intake.waiting());
}

const InterfaceInfo* Dhcp6Server::find_interface(std::uint32_t index) const noexcept {
    const auto found =
        std::find_if(interfaces_.begin(), interfaces_.end(),
                     [&](const InterfaceInfo& interface) { return interface.index == index; });
    return found == interfaces_.end() ? nullptr : &*found;
}

/// What boot URLs name: the site's word, else the interface's address in the subnet, else its
/// first.
Ipv6Address Dhcp6Server::server_address(const InterfaceInfo& interface,
                                        const Subnet6Plan& subnet) const noexcept {
    if (!plan().server_address6.is_unspecified()) {
        return plan().server_address6;
    }
    const auto& own = interface.addresses6;
    const auto inside = std::find_if(own.begin(), own.end(), [&](const Ipv6Address& address) {
        return subnet.subnet.contains(address);
    });
    if (inside != own.end()) {
        return *inside;
    }
    return own.empty() ? Ipv6Address{} : own.front();
}

void Dhcp6Server::take(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept {
    if (!memory_) {
        return receive(datagram, now, out); // no subnet: it says so at once
    }
    const Dhcp6Intake::Taken taken = memory_->intake.take(datagram, now.steady);
    if (taken.made_room) {
        drop_unread(taken.made_room_type, Dhcp6Drop::queue_full);
    }
    switch (taken.verdict) {
    case Dhcp6Intake::Verdict::waits:
        return metrics_.waiting.set(memory_->intake.waiting());
    case Dhcp6Intake::Verdict::dropped:
        return drop_unread(taken.type, taken.reason);
    case Dhcp6Intake::Verdict::foreign:
        return receive(datagram, now, out); // which says what is wrong with it
    }
}

/// Counted as the request that it was, so that requests are answered or dropped, and nothing else.
void Dhcp6Server::drop_unread(Dhcp6MessageType type, Dhcp6Drop reason) noexcept {
    metrics_.received.add(type);
    drop(reason);
}

void Dhcp6Server::receive(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept {
    if (const auto read = read_dhcp6_message(datagram.payload, message_); !read) {
        metrics_.errors.add(read.error());
        return;
    }
    const InterfaceInfo* interface = find_interface(datagram.interface);
    if (interface == nullptr) {
        return drop(Dhcp6Drop::unknown_interface);
    }
    if (refused_by_header(datagram, *interface, out)) {
        return;
    }
    metrics_.received.add(message_.type);
    const SubnetId subnet = subnets_.of(message_, *interface);
    if (subnet == SubnetId::none) {
        return drop(Dhcp6Drop::unserved_subnet);
    }
    Exchange x{.now = now, .out = out, .interface = *interface};
    // A relay listens on the servers' port (RFC 8415 section 7.2).
    x.reply_to = {datagram.source.address,
                  message_.relayed() ? dhcp6_server_port : dhcp6_client_port};
    x.subnet = &plan().subnets6[static_cast<std::size_t>(subnet)];
    x.client.link = subnets_.link(subnet);
    x.server_address = server_address(*interface, *x.subnet);
    identify(x, datagram);
    answer(x);
    refresh_gauges();
}

/// The rules of RFC 8415 section 16 that need nothing but the message; true: it goes no further.
bool Dhcp6Server::refused_by_header(const RxDatagram& datagram, const InterfaceInfo& interface,
                                    Outbox& out) noexcept {
    using Type = Dhcp6MessageType;
    const auto refuse = [this](Dhcp6Drop reason) {
        drop(reason);
        return true;
    };
    const bool names_us = std::ranges::equal(message_.server_id, server_id());
    const bool unicast = !message_.relayed() && !datagram.local.v6().is_multicast();
    switch (message_.type) {
    case Type::advertise:
    case Type::reply:
    case Type::reconfigure:
    case Type::relay_forward: // read_dhcp6_message() unwraps these
    case Type::relay_reply:
        return refuse(Dhcp6Drop::not_a_request);
    case Type::information_request:
        if (!message_.server_id.empty() && !names_us) {
            return refuse(Dhcp6Drop::not_for_this_server);
        }
        return message_.ia_count > 0 && refuse(Dhcp6Drop::unexpected_ia);
    case Type::solicit:
    case Type::confirm:
    case Type::rebind:
        if (message_.client_id.empty()) {
            return refuse(Dhcp6Drop::missing_client_id);
        }
        if (!message_.server_id.empty()) {
            return refuse(Dhcp6Drop::unexpected_server_id);
        }
        return unicast && refuse(Dhcp6Drop::unicast);
    case Type::request:
    case Type::renew:
    case Type::release:
    case Type::decline:
        if (message_.client_id.empty()) {
            return refuse(Dhcp6Drop::missing_client_id);
        }
        if (message_.server_id.empty()) {
            return refuse(Dhcp6Drop::missing_server_id);
        }
        if (!names_us) {
            withdraw_offer(datagram, interface);
            return refuse(Dhcp6Drop::not_for_this_server);
        }
        if (unicast) { // section 18.4: it never was told that it may
            metrics_.received.add(message_.type);
            const DhcpClientIdentity nobody;
            std::array<std::byte, 512> room{};
            const WrittenReply6 written =
                write_reply6({.request = Dhcp6Message{.type = message_.type,
                                                      .xid = message_.xid,
                                                      .client_id = message_.client_id},
                              .client = nobody,
                              .server_id = server_id(),
                              .status = Dhcp6Status::use_multicast},
                             room);
            send(interface.index, {datagram.source.address, dhcp6_client_port}, Type::reply,
                 Bytes{room}.first(written.size), out);
            return true;
        }
        return false;
    }
    __builtin_unreachable();
}

/// It took another server's offer: ours is free again.
void Dhcp6Server::withdraw_offer(const RxDatagram& datagram,
                                 const InterfaceInfo& interface) noexcept {
    const SubnetId subnet = subnets_.of(message_, interface);
    if (message_.type != Dhcp6MessageType::request || subnet == SubnetId::none) {
        return;
    }
    const std::uint32_t iaid = message_.ia_count > 0 ? message_.ias[0].iaid : 0;
    const Dhcp6Machine machine = find_machine(message_, link_source(message_, datagram), iaid);
    if (const auto offered = memory_->leases.find(machine.mac, subnets_.link(subnet))) {
        memory_->leases.withdraw(*offered);
    }
}

/// Who it is, and what the site says of it.
void Dhcp6Server::identify(Exchange& x, const RxDatagram& datagram) noexcept {
    for (const Dhcp6Ia& ia : message_.associations()) {
        if (ia.kind == Dhcp6OptionCode::ia_na) {
            x.ia = &ia;
            break;
        }
    }
    x.machine =
        find_machine(message_, link_source(message_, datagram), x.ia != nullptr ? x.ia->iaid : 0);
    x.client.mac = x.machine.mac;
    x.identity = identify_client(message_);
    x.client.classes = find_classes(plan().classes, message_, x.client.mac, x.identity);
    x.node = nodes_.find(x.client.mac, x.identity);
    if (x.node != nullptr && x.node->reserved6 &&
        subnets_.link(subnets_.containing(*x.node->reserved6)) == x.client.link) {
        x.client.reserved = x.node->reserved6;
    }
}

void Dhcp6Server::answer(Exchange& x) noexcept {
    switch (message_.type) {
    case Dhcp6MessageType::solicit:
        return on_solicit(x);
    case Dhcp6MessageType::request:
        return on_request(x);
    case Dhcp6MessageType::renew:
    case Dhcp6MessageType::rebind:
        return on_extend(x);
    case Dhcp6MessageType::confirm:
        return on_confirm(x);
    case Dhcp6MessageType::release:
        return on_release(x);
    case Dhcp6MessageType::decline:
        return on_decline(x);
    case Dhcp6MessageType::information_request:
        return on_information_request(x);
    case Dhcp6MessageType::advertise:
    case Dhcp6MessageType::reply:
    case Dhcp6MessageType::reconfigure:
    case Dhcp6MessageType::relay_forward:
    case Dhcp6MessageType::relay_reply:
        return; // refused_by_header() took them out
    }
}

} // namespace muster
