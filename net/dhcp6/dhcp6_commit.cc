// SPDX-License-Identifier: Apache-2.0
// The half of Dhcp6Server between a granted address and its REPLY: what is told is durable.
#include "net/dhcp/lease_steps.hh"
#include "net/dhcp6/dhcp6_memory.hh"

#include <algorithm>

namespace muster {

namespace {

constexpr std::uint32_t lifetime_seconds(Duration d) noexcept {
    // UINT32_MAX would mean for ever (RFC 8415 section 7.7).
    return seconds_up_to(d, UINT32_MAX - 1);
}

/// The first label of option 39, as kept in records; a dot in it would look like two labels.
/// Source: RFC 4704 section 4: one octet of flags, then labels as in DNS.
std::array<char, 64> read_hostname6(Bytes fqdn) noexcept {
    ByteReader reader{fqdn};
    const bool flags = reader.skip(1);
    const auto size = reader.u8();
    const auto label = size ? reader.take(*size) : std::nullopt;
    if (!flags || !label || as_text(*label).find('.') != std::string_view::npos) {
        return {};
    }
    return kept_hostname(as_text(*label));
}

} // namespace

MutableBytes Dhcp6Server::reply_buffer(SlabHandle handle) noexcept {
    return MutableBytes{memory_->replies}.subspan(std::size_t{handle.slot} * dhcp6_message_size_max,
                                                  dhcp6_message_size_max);
}

void Dhcp6Server::acknowledge(Exchange& x, const Ipv6Address& address) noexcept {
    const auto newest = memory_->leases.find(x.client.mac, x.client.link);
    if (newest && memory_->leases.lease(*newest).committing() &&
        memory_->leases.lease(*newest).address != address) {
        // Its move to another address is being made durable, and will end this lease.
        return drop(Dhcp6Drop::busy);
    }
    move_to_subnet_of(x, address);
    const auto id = memory_->leases.hold(x.client, address, x.now);
    if (!id) {
        return drop(Dhcp6Drop::table_full);
    }
    const Lease6& lease = memory_->leases.lease(*id);
    Lease6Record record;
    record.address = address;
    record.mac = x.client.mac;
    record.iaid = x.ia->iaid;
    record.duid = Duid{message_.client_id};
    record.hostname = read_hostname6(message_.client_fqdn); // none: the record keeps its own
    if (PendingReply* pending = memory_->pending.get(lease.commit)) {
        if (Ipv6Leases::holder_of(record) != Ipv6Leases::holder_of(pending->record)) {
            return drop(Dhcp6Drop::busy); // another program of the machine: it asks again
        }
        // The commit is under way. The reply is made anew, for this message's xid and options,
        // with what remains of the time that is being committed.
        metrics_.commits.add(CommitOutcome::repeated);
        const Duration left = pending->record.expires - x.now.wall;
        if (left < 1s) {
            return drop(Dhcp6Drop::store_late); // no lease of no time: its next one starts anew
        }
        pending->told_s = std::min(lifetime_seconds(left), lifetime_seconds(x.subnet->lease));
        if (!write_pending(x, lease.commit, pending->told_s)) {
            drop(Dhcp6Drop::reply_too_long);
        }
        return;
    }
    const std::uint32_t lease_s = lifetime_seconds(x.subnet->lease);
    const std::uint32_t name = hostname_digest(record.hostname);
    if ((name == 0 || name == lease.hostname) && lease.holder == Ipv6Leases::holder_of(record)) {
        if (const auto left_s = durable_time_left(memory_->leases, *id, x.now, lease_s)) {
            metrics_.commits.add(CommitOutcome::spared);
            send_now(x, make_lease_reply(x, Dhcp6MessageType::reply, address, *left_s));
            tell_seen(x, address, true);
            return;
        }
    }
    record.expires = x.now.wall + committed_time(memory_->leases, *id, x.now, lease_s);
    commit_and_reply(x, *id, record, lease_s);
}

void Dhcp6Server::commit_and_reply(Exchange& x, LeaseId id, const Lease6Record& record,
                                   std::uint32_t lease_s) noexcept {
    const auto claimed = memory_->pending.claim();
    if (claimed.value == nullptr) {
        return drop(Dhcp6Drop::busy);
    }
    claimed.value->lease = id;
    claimed.value->record = record;
    claimed.value->deadline = x.now.steady + (record.expires - x.now.wall);
    claimed.value->told_s = lease_s;
    const bool written = write_pending(x, claimed.handle, lease_s);
    if (!written || !x.out.tell(Lease6Commit{.request = claimed.handle, .lease = record})) {
        memory_->pending.release(claimed.handle);
        return drop(written ? Dhcp6Drop::busy : Dhcp6Drop::reply_too_long);
    }
    memory_->leases.begin_commit(id, claimed.handle);
}

/// Makes the REPLY that will leave once the commit is durable; false: it has no room.
bool Dhcp6Server::write_pending(Exchange& x, SlabHandle handle, std::uint32_t lease_s) noexcept {
    PendingReply& pending = *memory_->pending.get(handle);
    const Ipv6Address address = pending.record.address;
    const WrittenReply6 written = write_reply6(
        make_lease_reply(x, Dhcp6MessageType::reply, address, lease_s), memory_->scratch);
    if (written.size == 0) {
        return false;
    }
    const Bytes message = Bytes{memory_->scratch}.first(written.size);
    std::copy(message.begin(), message.end(), reply_buffer(handle).begin());
    pending.size = static_cast<std::uint16_t>(written.size);
    pending.lease_offset = static_cast<std::uint16_t>(written.lease_offset);
    pending.interface = x.interface.index;
    pending.reply_to = x.reply_to;
    pending.tells_seen = worth_telling(x);
    if (pending.tells_seen) {
        pending.seen = sighting(x, address, true);
    }
    return true;
}

void Dhcp6Server::on_lease_committed(const LeaseCommitted& commit, const Now& now,
                                     Outbox& out) noexcept {
    PendingReply* pending = memory_ ? memory_->pending.get(commit.request) : nullptr;
    if (pending == nullptr) {
        return metrics_.commits.add(CommitOutcome::stale);
    }
    metrics_.commits.add(commit.durable ? CommitOutcome::durable : CommitOutcome::refused);
    if (commit.durable) {
        send_durable(*pending, commit.request, now, out);
    } else if (memory_->leases.lease(pending->lease).durable) {
        send_prolonged(*pending, commit.request, now, out);
    } else {
        memory_->leases.abandon_commit(pending->lease);
        drop(Dhcp6Drop::store_refused);
    }
    memory_->pending.release(commit.request);
    refresh_gauges();
}

void Dhcp6Server::send_durable(PendingReply& pending, SlabHandle handle, const Now& now,
                               Outbox& out) noexcept {
    end_replaced_lease<Lease6Commit>(memory_->leases, pending.lease, now, out);
    memory_->leases.bind(pending.lease, pending.record, pending.deadline);
    if (now.steady >= pending.deadline) {
        return drop(Dhcp6Drop::store_late); // it would count the lease from the REPLY
    }
    // For the same reason it is told what is left after a slow store, to the second begun.
    const MutableBytes message = reply_buffer(handle).first(pending.size);
    patch_lifetimes(message, pending.lease_offset,
                    std::min(lifetime_seconds(pending.deadline - now.steady + 1s - Duration{1}),
                             pending.told_s));
    send(pending.interface, pending.reply_to, Dhcp6MessageType::reply, message, out);
    if (pending.tells_seen) {
        tell_seen(pending.seen, out);
    }
}

/// The store takes nothing, but it says that the machine has this address: nobody else can get it
/// while that is so, and the machine may go on with it.
void Dhcp6Server::send_prolonged(PendingReply& pending, SlabHandle handle, const Now& now,
                                 Outbox& out) noexcept {
    const std::uint32_t left_s =
        lifetime_seconds(prolonged_time(memory_->leases.lease(pending.lease),
                                        pending.record.expires, now, limits_.undurable_lease));
    const MutableBytes message = reply_buffer(handle).first(pending.size);
    patch_lifetimes(message, pending.lease_offset, left_s);
    memory_->leases.prolong(pending.lease, now.steady + std::chrono::seconds{left_s});
    metrics_.prolonged.add();
    send(pending.interface, pending.reply_to, Dhcp6MessageType::reply, message, out);
    if (pending.tells_seen) {
        tell_seen(pending.seen, out);
    }
}

void Dhcp6Server::cancel_commit(LeaseId id) noexcept {
    const SlabHandle commit = memory_->leases.lease(id).commit;
    if (memory_->pending.get(commit) != nullptr) {
        memory_->pending.release(commit);
    }
}

} // namespace muster
