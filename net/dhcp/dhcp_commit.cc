// SPDX-License-Identifier: Apache-2.0
// The half of DhcpServer between a granted REQUEST and its ACK: what is acknowledged is durable.
#include "net/dhcp/dhcp_server.hh"
#include "net/dhcp/lease_steps.hh"

#include <algorithm>

namespace muster {

namespace {

constexpr std::uint32_t whole_seconds(Duration d) noexcept {
    return seconds_up_to(d, UINT32_MAX);
}

/// The name of option 81: text, or labels as in DNS when bit 2 of its flags is set.
/// Source: RFC 4702 section 2: flags, two octets of no use, the name.
std::string_view read_fqdn(Bytes value, std::array<char, 64>& room) noexcept {
    constexpr std::uint8_t encoded = 4;
    ByteReader reader{value};
    const auto flags = reader.u8();
    if (!flags || !reader.take(2)) {
        return {};
    }
    const Bytes name = value.subspan(3);
    if ((*flags & encoded) == 0) {
        return as_text(name);
    }
    std::size_t size = 0;
    for (ByteReader labels{name}; const auto length = labels.u8();) {
        const auto label = labels.take(*length);
        if (*length == 0 || !label || size + *length + 1 > room.size()) {
            break;
        }
        if (size > 0) {
            room[size++] = '.';
        }
        const std::string_view text = as_text(*label);
        std::copy(text.begin(), text.end(), room.begin() + static_cast<std::ptrdiff_t>(size));
        size += text.size();
    }
    return {room.data(), size};
}

/// Option 12, or 81, as kept in records.
std::array<char, 64> read_hostname(const DhcpMessage& message) noexcept {
    std::array<char, 64> room{};
    std::string_view text;
    if (const auto value = message.find(DhcpOptionCode::host_name)) {
        text = as_text(*value);
    } else if (const auto fqdn = message.find(DhcpOptionCode::client_fqdn)) {
        text = read_fqdn(*fqdn, room);
    }
    return kept_hostname(text.substr(0, text.find('\0')));
}

/// What grants a request: an ACK, or to a BOOTP client a reply of no type.
DhcpMessageType ack_of(const DhcpMessage& request) noexcept {
    return request.is_bootp() ? DhcpMessageType{} : DhcpMessageType::ack;
}

} // namespace

MutableBytes DhcpServer::reply_buffer(SlabHandle handle) noexcept {
    return MutableBytes{replies_}.subspan(std::size_t{handle.slot} * dhcp_message_size_max,
                                          dhcp_message_size_max);
}

void DhcpServer::acknowledge(Exchange& x, const Ipv4Address& address) noexcept {
    move_to_subnet_of(x, address);
    const auto id = leases_.hold(x.client, address, x.now);
    if (!id) {
        return drop(DhcpDrop::table_full);
    }
    const Lease& lease = leases_.lease(*id);
    LeaseRecord record;
    record.address = address;
    record.mac = x.client.mac;
    record.hostname = read_hostname(message_); // none (a ROM has none): the record keeps its own
    if (PendingAck* pending = pending_.get(lease.commit)) {
        // The commit is under way. The reply is made anew, for this message's xid and options,
        // with what remains of the time that is being committed.
        metrics_.commits.add(CommitOutcome::repeated);
        const Duration left = pending->record.expires - x.now.wall;
        if (left < 1s) {
            return drop(DhcpDrop::store_late); // no lease of no time: its next REQUEST starts anew
        }
        return write_pending(x, lease.commit, std::min(whole_seconds(left), lease_seconds(x)));
    }
    const std::uint32_t lease_s = lease_seconds(x);
    const std::uint32_t name = hostname_digest(record.hostname);
    if (name == 0 || name == lease.hostname) {
        if (const auto left_s = durable_time_left(leases_, *id, x.now, lease_s)) {
            metrics_.commits.add(CommitOutcome::spared);
            send_now(x, make_reply(x, ack_of(message_), address, *left_s));
            if (worth_telling(x)) {
                tell_seen(sighting(x, address, true), x.out);
            }
            return;
        }
    }
    record.expires = x.now.wall + committed_time(leases_, *id, x.now, lease_s);
    if (limits_.waits_for_store) {
        commit_and_acknowledge(x, *id, record, lease_s);
    } else {
        acknowledge_at_once(x, *id, record, lease_s);
    }
}

void DhcpServer::commit_and_acknowledge(Exchange& x, LeaseId id, const LeaseRecord& record,
                                        std::uint32_t lease_s) noexcept {
    const auto claimed = pending_.claim();
    if (claimed.value == nullptr) {
        return drop(DhcpDrop::busy);
    }
    claimed.value->lease = id;
    claimed.value->record = record;
    claimed.value->asked = x.now.steady;
    claimed.value->deadline = x.now.steady + (record.expires - x.now.wall);
    write_pending(x, claimed.handle, lease_s);
    if (!x.out.tell(LeaseCommit{.request = claimed.handle, .lease = record})) {
        pending_.release(claimed.handle);
        return drop(DhcpDrop::busy);
    }
    leases_.begin_commit(id, claimed.handle);
}

/// Control hears of the lease all the same: it shows it, and nodes follow from it.
void DhcpServer::acknowledge_at_once(Exchange& x, LeaseId id, const LeaseRecord& record,
                                     std::uint32_t lease_s) noexcept {
    if (!x.out.tell(LeaseCommit{.request = {}, .lease = record})) {
        return drop(DhcpDrop::busy);
    }
    metrics_.commits.add(CommitOutcome::unwaited);
    end_replaced_lease<LeaseCommit>(leases_, id, x.now, x.out);
    leases_.bind(id, record, x.now.steady + (record.expires - x.now.wall));
    send_now(x, make_reply(x, ack_of(message_), record.address, lease_s));
    if (worth_telling(x)) {
        tell_seen(sighting(x, record.address, true), x.out);
    }
}

/// Makes the ACK that will leave once the commit is durable.
void DhcpServer::write_pending(Exchange& x, SlabHandle handle, std::uint32_t lease_s) noexcept {
    PendingAck& pending = *pending_.get(handle);
    const Ipv4Address address = pending.record.address;
    const DhcpReply reply = make_reply(x, ack_of(message_), address, lease_s);
    const WrittenReply written = write_reply(reply, reply_buffer(handle));
    pending.size = static_cast<std::uint16_t>(written.size);
    pending.lease_offset = static_cast<std::uint16_t>(written.lease_offset);
    pending.path = choose_reply_path(message_.header, reply.type, address, x.origin);
    pending.type = reply.type;
    pending.tells_seen = worth_telling(x);
    if (pending.tells_seen) {
        const Duration collected = pending.seen.collected; // told by the first REQUEST
        pending.seen = sighting(x, address, true);
        pending.seen.collected += collected;
    }
}

void DhcpServer::on_lease_committed(const LeaseCommitted& commit, const Now& now,
                                    Outbox& out) noexcept {
    PendingAck* pending = pending_.get(commit.request);
    if (pending == nullptr) {
        return metrics_.commits.add(CommitOutcome::stale);
    }
    metrics_.commits.add(commit.durable ? CommitOutcome::durable : CommitOutcome::refused);
    if (commit.durable) {
        send_durable(*pending, commit.request, now, out);
    } else if (leases_.lease(pending->lease).durable) {
        send_prolonged(*pending, commit.request, now, out);
    } else {
        leases_.abandon_commit(pending->lease);
        drop(DhcpDrop::store_refused);
    }
    pending_.release(commit.request);
    refresh_gauges();
}

void DhcpServer::send_durable(PendingAck& pending, SlabHandle handle, const Now& now,
                              Outbox& out) noexcept {
    end_replaced_lease<LeaseCommit>(leases_, pending.lease, now, out);
    leases_.bind(pending.lease, pending.record, pending.deadline);
    if (now.steady >= pending.deadline) {
        return drop(DhcpDrop::store_late); // it would be counted from the ACK by some clients
    }
    send(pending.path, pending.type, Bytes{reply_buffer(handle)}.first(pending.size), out);
    if (pending.tells_seen) {
        pending.seen.flushed = now.steady - pending.asked;
        tell_seen(pending.seen, out);
    }
}

/// The store takes nothing, but it says that the machine has this address: nobody else can get it
/// while that is so, and the machine may go on with it.
void DhcpServer::send_prolonged(PendingAck& pending, SlabHandle handle, const Now& now,
                                Outbox& out) noexcept {
    const std::uint32_t left_s = whole_seconds(prolonged_time(
        leases_.lease(pending.lease), pending.record.expires, now, limits_.undurable_lease));
    const MutableBytes message = reply_buffer(handle).first(pending.size);
    patch_lease_time(message, pending.lease_offset, left_s);
    leases_.prolong(pending.lease, now.steady + std::chrono::seconds{left_s});
    metrics_.prolonged.add();
    send(pending.path, pending.type, message, out);
    if (pending.tells_seen) {
        pending.seen.flushed = now.steady - pending.asked;
        tell_seen(pending.seen, out);
    }
}

void DhcpServer::cancel_commit(LeaseId id) noexcept {
    const SlabHandle commit = leases_.lease(id).commit;
    if (pending_.get(commit) != nullptr) {
        pending_.release(commit);
    }
}

} // namespace muster
