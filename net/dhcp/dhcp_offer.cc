// SPDX-License-Identifier: Apache-2.0
// The part of DhcpServer that finds an address to offer and says what goes with it.
#include "net/dhcp/dhcp_server.hh"
#include "net/dhcp/lease_steps.hh"
#include "net/dhcp/machine_sighting.hh"

#include <algorithm>

namespace muster {

namespace {

/// A BOOTP client never extends what it has, nor gives it back (RFC 1534 section 2), and asks
/// again at each start.
constexpr std::chrono::seconds bootp_lease = std::chrono::hours{24 * 365};

std::string_view node_name(const NodeBoot& node) noexcept {
    const std::string_view all{node.name.data(), node.name.size()};
    return all.substr(0, all.find('\0'));
}

} // namespace

/// The lease to offer, held for the machine; nullopt: there is none, and it has been counted.
std::optional<LeaseId> DhcpServer::offer(Exchange& x, std::optional<Ipv4Address> wanted) noexcept {
    const bool newcomer = dry_.is_dry(x.client.link) && !leases_.find(x.client.mac, x.client.link);
    const auto id = leases_.offer(x.client, wanted, x.now);
    if (!id) {
        on_refused_offer(x, id.error());
        return std::nullopt;
    }
    if (!leases_.lease(*id).remembered) {
        prober_.hurry(x.now.steady);
    }
    if (newcomer) {
        dry_.end(x.client.link, metrics_.links_dry);
    }
    return *id;
}

void DhcpServer::on_refused_offer(Exchange& x, LeaseRefusal refusal) noexcept {
    if (refusal == LeaseRefusal::table_full) {
        return drop(DhcpDrop::table_full);
    }
    drop(DhcpDrop::pool_exhausted);
    if (x.client.bootp) {
        return; // pools that BOOTP clients may use are what is missing
    }
    dry_.begin(x.client.link, x.now.steady, metrics_.links_dry, [&] {
        return x.out.tell(PoolsDry{.mac = x.client.mac,
                                   .subnet = x.subnet->subnet,
                                   .addresses = leases_.pool_size(x.client.link),
                                   .lease = x.subnet->lease});
    });
}

void DhcpServer::ask(const Now& now, std::vector<ConflictProbe>& probes, Outbox& out) {
    for (const ConflictAnswer& answer : prober_.settle(now.steady)) {
        on_conflict(answer, now, out);
    }
    const std::size_t before = probes.size();
    prober_.ask(leases_, now.steady, probes);
    metrics_.probes.add(probes.size() - before);
    metrics_.conflicts_ignored.set(prober_.ignored());
}

/// Somebody has an address that we were about to give away.
void DhcpServer::on_conflict(const ConflictAnswer& answer, const Now& now, Outbox& out) noexcept {
    std::optional<LeaseId> id = leases_.find(answer.address);
    if (id && leases_.lease(*id).state != Lease::State::idle) {
        return; // given away meanwhile: its machine looks for itself, and declines
    }
    // A machine that outstays its lease, or may be that machine: it may have it again.
    if (id && (!answer.mac || *answer.mac == leases_.lease(*id).mac)) {
        return leases_.defer(*id);
    }
    const Instant until = now.steady + limits_.quarantine;
    if (id) {
        leases_.decline(*id, until);
    } else if (id = leases_.quarantine(answer.address, until); !id) {
        return;
    }
    metrics_.conflicts.add();
    const LeaseRecord record{.address = answer.address,
                             .mac = answer.mac.value_or(MacAddress{}),
                             .state = LeaseRecord::State::declined,
                             .expires = now.wall + limits_.quarantine,
                             .hostname = {}};
    if (!out.tell(LeaseCommit{.request = {}, .lease = record})) {
        drop(DhcpDrop::busy); // quarantined all the same, as long as this process lives
    }
    tell_conflict(answer, now, out);
    refresh_gauges();
}

/// Control has no room: then it is told when it is found again, for it is quarantined till then.
void DhcpServer::tell_conflict(const ConflictAnswer& answer, const Now& now, Outbox& out) noexcept {
    if (!notices_.take(answer, now.steady)) {
        return;
    }
    AddressConflict message{.address = answer.address,
                            .mac = answer.mac,
                            .quarantine = limits_.quarantine,
                            .untold = notices_.untold()};
    const SubnetId home = subnets_.containing(answer.address);
    if (home != SubnetId::none) {
        message.subnet = plan().subnets[static_cast<std::size_t>(home)].subnet;
    }
    const auto* const interface = find_interface(prober_.interface_of(subnets_.link(home)));
    if (interface != nullptr) {
        message.interface = interface->name;
    }
    if (out.tell(std::move(message))) {
        notices_.told(answer, now.steady);
    }
}

/// On a shared link the address says which subnet's router, mask and options go with it.
void DhcpServer::move_to_subnet_of(Exchange& x, const Ipv4Address& address) const noexcept {
    if (x.subnet->subnet.contains(address)) {
        return;
    }
    const SubnetId home = subnets_.containing(address);
    if (subnets_.link(home) == x.client.link) {
        x.subnet = &plan().subnets[static_cast<std::size_t>(home)];
    }
}

std::uint32_t DhcpServer::lease_seconds(const Exchange& x) const noexcept {
    const auto lease = x.client.bootp
                           ? bootp_lease
                           : std::chrono::duration_cast<std::chrono::seconds>(x.subnet->lease);
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(lease.count(), 0, UINT32_MAX));
}

/// One message each way, and the address is the client's (RFC 951).
void DhcpServer::on_bootp(Exchange& x) noexcept {
    if (ignored(x)) {
        return drop(DhcpDrop::node_ignored);
    }
    const auto id = offer(x, std::nullopt);
    if (!id) {
        return;
    }
    acknowledge(x, leases_.lease(*id).address);
}

DhcpReply DhcpServer::make_reply(Exchange& x, DhcpMessageType type, const Ipv4Address& yiaddr,
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
    const auto file = choose_boot_file(wanted_action(x.node, plan()),
                                       wanted_loader(x.node, plan(), x.client.classes), x.identity,
                                       {.address = x.server_address, .ports = plan().ports});
    if (file) {
        reply.boot_file = *file;
    } else {
        metrics_.boot_refusals.add(file.error());
    }
    if (x.node != nullptr) {
        reply.node_name = node_name(*x.node);
    }
    x.options.collect(x.node != nullptr ? x.node->options : plan().unknown_options, plan().classes,
                      x.client.classes, x.subnet->options);
    reply.options = x.options.empty() ? nullptr : &x.options;
    return reply;
}

MachineSeen DhcpServer::sighting(const Exchange& x, const Ipv4Address& address,
                                 bool acknowledged) const noexcept {
    MachineSeen seen = machine_sighting(message_, x.identity, address, acknowledged);
    seen.collected = x.collected;
    return seen;
}

/// Boot clients; and systems known by what a renewal, which passes no relay, does not show: control
/// has to learn their link address, or they would lose their reservation then.
bool DhcpServer::worth_telling(const Exchange& x) noexcept {
    return x.identity.boots() || (x.node != nullptr && !x.node->alias.empty());
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
