// SPDX-License-Identifier: Apache-2.0
// The part of Dhcp6Server that decides what a message is answered, and what goes with an address.
#include "net/dhcp/boot_file.hh"
#include "net/dhcp/lease_steps.hh"
#include "net/dhcp6/dhcp6_memory.hh"

#include <algorithm>

namespace muster {

namespace {

std::uint32_t lease_seconds(const Subnet6Plan& subnet) noexcept {
    return seconds_up_to(subnet.lease, UINT32_MAX - 1); // which would mean for ever
}

} // namespace

/// As in IPv4: of a machine that is somebody else's, its firmware is left alone.
bool Dhcp6Server::ignored(const Exchange& x) const noexcept {
    return wanted_action(x.node, plan()) == BootAction::ignore && x.identity.boots();
}

/// The lease to offer, held for the machine; nullopt: there is none, and it has been counted.
std::optional<LeaseId> Dhcp6Server::offer(Exchange& x) noexcept {
    Lease6Table& leases = memory_->leases;
    const std::optional<Ipv6Address> wanted =
        x.ia->address_count > 0 ? std::optional{x.ia->addresses[0]} : std::nullopt;
    const bool newcomer = dry_.is_dry(x.client.link) && !leases.find(x.client.mac, x.client.link);
    const auto id = leases.offer(x.client, wanted, x.now);
    if (!id) {
        on_refused_offer(x, id.error());
        return std::nullopt;
    }
    if (newcomer) {
        dry_.end(x.client.link, metrics_.links_dry);
    }
    return *id;
}

void Dhcp6Server::on_refused_offer(Exchange& x, LeaseRefusal refusal) noexcept {
    metrics_.no_addresses.add();
    if (refusal == LeaseRefusal::table_full) {
        return;
    }
    dry_.begin(x.client.link, x.now.steady, metrics_.links_dry, [&] {
        return x.out.tell(PoolsDry{.mac = x.client.mac,
                                   .subnet6 = x.subnet->subnet,
                                   .addresses = memory_->leases.pool_size(x.client.link),
                                   .lease = x.subnet->lease});
    });
}

/// On a shared link the address says which subnet's name servers go with it.
void Dhcp6Server::move_to_subnet_of(Exchange& x, const Ipv6Address& address) const noexcept {
    const SubnetId home = subnets_.containing(address);
    if (!x.subnet->subnet.contains(address) && subnets_.link(home) == x.client.link) {
        x.subnet = &plan().subnets6[static_cast<std::size_t>(home)];
    }
}

void Dhcp6Server::on_solicit(Exchange& x) noexcept {
    if (ignored(x)) {
        tell_seen(x, {}, false);
        return drop(Dhcp6Drop::node_ignored);
    }
    if (x.ia == nullptr) {
        return drop(Dhcp6Drop::missing_ia);
    }
    const auto id = offer(x);
    if (!id) {
        return refuse_address(x, Dhcp6MessageType::advertise, Dhcp6Status::no_addrs_avail, false);
    }
    const Ipv6Address address = memory_->leases.lease(*id).address;
    if (message_.rapid_commit) {
        return acknowledge(x, address);
    }
    move_to_subnet_of(x, address);
    send_now(x,
             make_lease_reply(x, Dhcp6MessageType::advertise, address, lease_seconds(*x.subnet)));
    if (x.identity.boots()) {
        tell_seen(x, address, false);
    }
}

/// Associations without an address, and why.
void Dhcp6Server::refuse_address(Exchange& x, Dhcp6MessageType type, Dhcp6Status status,
                                 bool revoke) noexcept {
    Dhcp6Reply reply = make_reply(x, type);
    reply.ia_status = status;
    reply.revoke = revoke;
    reply.boot_file.reset(); // without an address there is nothing to fetch it with
    send_now(x, reply);
}

void Dhcp6Server::on_request(Exchange& x) noexcept {
    if (ignored(x)) {
        return drop(Dhcp6Drop::node_ignored);
    }
    if (x.ia == nullptr) {
        return drop(Dhcp6Drop::missing_ia);
    }
    const Lease6Table& leases = memory_->leases;
    for (const Ipv6Address& named : x.ia->named()) {
        switch (leases.standing(x.client, named, x.now)) {
        case LeaseStanding::own:
        case LeaseStanding::free:
            if (!x.client.reserved || *x.client.reserved == named) {
                return acknowledge(x, named);
            }
            break;
        case LeaseStanding::wrong_network: // RFC 8415 section 18.3.2
            return refuse_address(x, Dhcp6MessageType::reply, Dhcp6Status::not_on_link, false);
        case LeaseStanding::taken:
        case LeaseStanding::unserved:
            break;
        }
    }
    // It asks for none, or for one that it cannot have: what it can have is the server's to say.
    if (const auto id = offer(x)) {
        return acknowledge(x, leases.lease(*id).address);
    }
    refuse_address(x, Dhcp6MessageType::reply, Dhcp6Status::no_addrs_avail, false);
}

/// RENEW and REBIND. A running machine is left with its address, also when it has a reservation
/// elsewhere by now: it moves at its next SOLICIT.
void Dhcp6Server::on_extend(Exchange& x) noexcept {
    if (x.ia == nullptr) {
        return drop(Dhcp6Drop::missing_ia);
    }
    for (const Ipv6Address& named : x.ia->named()) {
        const LeaseStanding standing = memory_->leases.standing(x.client, named, x.now);
        if (standing == LeaseStanding::own || standing == LeaseStanding::free) {
            return acknowledge(x, named);
        }
    }
    if (x.ia->address_count > 0 && message_.type == Dhcp6MessageType::rebind) {
        // No address of this link's that it may have: it shall stop using them.
        return refuse_address(x, Dhcp6MessageType::reply, Dhcp6Status::no_binding, true);
    }
    refuse_address(x, Dhcp6MessageType::reply, Dhcp6Status::no_binding, false);
}

/// Whether what it had would work where it is now; leases are not looked at (RFC 8415 section
/// 18.3.3).
void Dhcp6Server::on_confirm(Exchange& x) noexcept {
    std::size_t count = 0;
    bool on_link = true;
    for (const Dhcp6Ia& ia : message_.associations()) {
        for (const Ipv6Address& named : ia.named()) {
            ++count;
            on_link = on_link && memory_->leases.standing(x.client, named, x.now) !=
                                     LeaseStanding::wrong_network;
        }
    }
    if (count == 0) {
        return drop(Dhcp6Drop::missing_address);
    }
    Dhcp6Message bare = message_; // the answer holds no associations
    bare.ia_count = 0;
    send_now(x, {.request = bare,
                 .client = x.identity,
                 .server_id = server_id(),
                 .status = on_link ? Dhcp6Status::success : Dhcp6Status::not_on_link,
                 .status_text = on_link ? "" : "these addresses are of another link"});
}

/// The machine's lease of an address, if the one that asks is the one that was given it last.
std::optional<LeaseId> Dhcp6Server::own_lease(const Exchange& x,
                                              const Ipv6Address& address) const noexcept {
    const auto id = memory_->leases.find(address);
    if (!id) {
        return std::nullopt;
    }
    const Lease6& lease = memory_->leases.lease(*id);
    const Ipv6Leases::Holder holder{duid_digest(message_.client_id),
                                    x.ia != nullptr ? x.ia->iaid : 0};
    return lease.mac == x.client.mac && lease.holder == holder ? id : std::nullopt;
}

void Dhcp6Server::on_release(Exchange& x) noexcept {
    if (x.ia == nullptr) {
        return drop(Dhcp6Drop::missing_ia);
    }
    bool released = false;
    for (const Ipv6Address& named : x.ia->named()) {
        const auto id = own_lease(x, named);
        if (!id) {
            continue;
        }
        const Lease6& lease = memory_->leases.lease(*id);
        if (lease.durable || lease.committing()) {
            const Lease6Record record{.address = lease.address,
                                      .mac = lease.mac,
                                      .state = LeaseRecord::State::released,
                                      .expires = x.now.wall,
                                      .hostname = {}, // control knows it
                                      .iaid = x.ia->iaid,
                                      .duid = Duid{message_.client_id}};
            if (!x.out.tell(Lease6Commit{.request = {}, .lease = record})) {
                return drop(Dhcp6Drop::busy); // the client asks again
            }
        }
        cancel_commit(*id);
        memory_->leases.release(*id);
        released = true;
    }
    Dhcp6Message bare = message_;
    bare.ia_count = released ? 0 : message_.ia_count;
    send_now(x, {.request = bare, // section 18.3.7: associations only of what is not bound
                 .client = x.identity,
                 .server_id = server_id(),
                 .status = Dhcp6Status::success,
                 .ia_status = Dhcp6Status::no_binding,
                 .ia_status_for_all = true});
}

void Dhcp6Server::on_decline(Exchange& x) noexcept {
    if (x.ia == nullptr) {
        return drop(Dhcp6Drop::missing_ia);
    }
    bool declined = false;
    for (const Ipv6Address& named : x.ia->named()) {
        const auto id = own_lease(x, named);
        if (!id) {
            continue;
        }
        const Lease6Record record{.address = named,
                                  .mac = x.client.mac,
                                  .state = LeaseRecord::State::declined,
                                  .expires = x.now.wall + limits_.quarantine};
        if (!x.out.tell(Lease6Commit{.request = {}, .lease = record})) {
            return drop(Dhcp6Drop::busy); // the client asks again
        }
        cancel_commit(*id);
        memory_->leases.decline(*id, x.now.steady + limits_.quarantine);
        declined = true;
    }
    Dhcp6Message bare = message_;
    bare.ia_count = declined ? 0 : message_.ia_count;
    send_now(x, {.request = bare,
                 .client = x.identity,
                 .server_id = server_id(),
                 .status = Dhcp6Status::success,
                 .ia_status = Dhcp6Status::no_binding,
                 .ia_status_for_all = true});
}

/// Configuration without an address (RFC 8415 section 18.3.6).
void Dhcp6Server::on_information_request(Exchange& x) noexcept {
    if (ignored(x)) {
        return drop(Dhcp6Drop::node_ignored);
    }
    send_now(x, make_reply(x, Dhcp6MessageType::reply));
}

Dhcp6Reply Dhcp6Server::make_reply(Exchange& x, Dhcp6MessageType type) noexcept {
    Dhcp6Reply reply{.request = message_,
                     .client = x.identity,
                     .server_id = server_id(),
                     .type = type,
                     .subnet = x.subnet,
                     .server_address = x.server_address};
    x.options.collect(x.node != nullptr ? x.node->options6 : plan().unknown_options6,
                      plan().classes, x.client.classes, x.subnet->options, &ClientClass::options6);
    reply.options = x.options.empty() ? nullptr : &x.options;
    if (x.server_address.is_unspecified()) {
        return reply; // nothing that a URL could name
    }
    const auto file = choose_boot_file(wanted_action(x.node, plan()),
                                       wanted_loader(x.node, plan(), x.client.classes), x.identity,
                                       {.address = x.server_address, .ports = plan().ports});
    if (file) {
        reply.boot_file = *file;
    } else {
        metrics_.boot_refusals.add(file.error());
    }
    return reply;
}

Dhcp6Reply Dhcp6Server::make_lease_reply(Exchange& x, Dhcp6MessageType type,
                                         const Ipv6Address& address,
                                         std::uint32_t lease_s) noexcept {
    Dhcp6Reply reply = make_reply(x, type);
    reply.address = address;
    reply.lease_s = lease_s;
    return reply;
}

void Dhcp6Server::send_now(Exchange& x, const Dhcp6Reply& reply) noexcept {
    const WrittenReply6 written = write_reply6(reply, memory_->scratch);
    if (written.size == 0) {
        return drop(Dhcp6Drop::reply_too_long);
    }
    send(x.interface.index, x.reply_to, reply.type, Bytes{memory_->scratch}.first(written.size),
         x.out);
}

void Dhcp6Server::send(std::uint32_t interface, const Endpoint& to, Dhcp6MessageType type,
                       Bytes message, Outbox& out) noexcept {
    metrics_.sent.add(type);
    TxDatagram datagram;
    datagram.service = UdpService::dhcp6;
    datagram.interface = interface;
    datagram.destination = to;
    datagram.payload_offset = out.store(message);
    datagram.payload_size = static_cast<std::uint32_t>(message.size());
    out.datagrams.push_back(datagram);
}

MachineSeen Dhcp6Server::sighting(const Exchange& x, const Ipv6Address& address,
                                  bool acknowledged) noexcept {
    MachineSeen seen;
    seen.mac = x.client.mac;
    seen.address6 = address;
    seen.uuid = x.identity.uuid;
    seen.arch = x.identity.first_arch();
    seen.kind = x.identity.kind;
    seen.acknowledged = acknowledged;
    seen.no_loader = lacks_loader(x.identity);
    seen.client_id = ShortIdentifier{x.identity.shown.client_id};
    seen.circuit_id = ShortIdentifier{x.identity.shown.circuit_id};
    seen.remote_id = ShortIdentifier{x.identity.shown.remote_id};
    return seen;
}

/// As in IPv4, and only machines whose link address is known: control knows them by that.
bool Dhcp6Server::worth_telling(const Exchange& x) noexcept {
    return x.machine.real && (x.identity.boots() || (x.node != nullptr && !x.node->alias.empty()));
}

void Dhcp6Server::tell_seen(const Exchange& x, const Ipv6Address& address,
                            bool acknowledged) noexcept {
    if (worth_telling(x)) {
        tell_seen(sighting(x, address, acknowledged), x.out);
    }
}

void Dhcp6Server::tell_seen(const MachineSeen& seen, Outbox& out) noexcept {
    if (!out.tell(seen)) {
        metrics_.samples_dropped.add();
    }
}

} // namespace muster
