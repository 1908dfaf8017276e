// SPDX-License-Identifier: Apache-2.0
// TftpServer's multicast groups (RFC 2090): who joins, who is master, who leaves. What a group is
// sent is MulticastSender's business.
#include "core/base/check.hh"
#include "net/tftp/tftp_server.hh"
#include "net/tftp/ticks.hh"

#include <algorithm>

namespace muster {
namespace {

constexpr std::uint64_t blocks_max = UINT16_MAX; ///< block numbers of a group do not wrap

} // namespace

/// True: the transfer is a member of a group now. False where multicast is not asked for or not to
/// be had: off, IPv6, a rendered text (everybody's is another), more blocks than a group can
/// number, all groups in use. The client is then served alone, which RFC 2347 has it expect.
bool TftpServer::join(Slot slot, const TransferTerms& terms, const Now& now, Outbox& out) noexcept {
    SessionCold& cold = sessions_.cold(slot);
    if (!groups_.enabled() || !cold.asked.multicast || !cold.client.address.is_v4() ||
        !cold.content || cold.content->etag.empty() ||
        terms.size / terms.blksize + 1 > blocks_max) {
        return false;
    }
    const GroupKey key{.content = cold.content.get(),
                       .blksize = terms.blksize,
                       .interface = cold.arrived_on,
                       .local = cold.local};
    SessionHot& hot = sessions_.hot(slot);
    auto found = groups_.find(key);
    if (!found) {
        found = groups_.claim(key, cold.content,
                              static_cast<std::uint16_t>(terms.size / terms.blksize + 1));
        if (!found) {
            return false;
        }
        groups_.at(*found).socket = hot.socket;
        groups_.at(*found).opened_at = now.steady;
        metrics_.groups.set(groups_.in_use());
    }
    MulticastGroup& group = groups_.at(*found);
    sessions_.timers().cancel(slot);
    hot.machine.on_joined(terms, now.steady);
    hot.group = *found;
    hot.socket = group.socket;
    cold.place = {};
    cold.granted.windowsize.reset(); // RFC 7440 and RFC 2090 say nothing of each other
    cold.granted.multicast = {group.address.address.v4(), group.address.port, false};
    append(group, slot);
    metrics_.members_joined.add();
    group.sender.hold(std::min(now.steady + limits_.timers.gather_quiet,
                               group.opened_at + limits_.timers.gather_max));
    if (group.master == MulticastGroup::none) {
        elect(*found, now, out);
    } else {
        send_oack(slot, out);
    }
    return true;
}

void TftpServer::append(MulticastGroup& group, Slot slot) noexcept {
    GroupPlace& place = sessions_.cold(slot).place;
    place.before = group.last;
    place.behind = MulticastGroup::none;
    (group.last == MulticastGroup::none ? group.first : sessions_.cold(group.last).place.behind) =
        slot;
    group.last = slot;
    ++group.members;
    group.sender.on_members(group.members);
}

void TftpServer::unlink(MulticastGroup& group, Slot slot) noexcept {
    const GroupPlace& place = sessions_.cold(slot).place;
    (place.before == MulticastGroup::none ? group.first
                                          : sessions_.cold(place.before).place.behind) =
        place.behind;
    (place.behind == MulticastGroup::none ? group.last
                                          : sessions_.cold(place.behind).place.before) =
        place.before;
    --group.members;
    group.sender.on_members(group.members);
}

/// Takes the transfer out of its group. A group without members ends; one that lost its master
/// elects another when its timer fires, unless the caller does at once.
void TftpServer::leave(Slot slot) noexcept {
    SessionHot& hot = sessions_.hot(slot);
    const std::uint16_t number = std::exchange(hot.group, SessionHot::no_group);
    MulticastGroup& group = groups_.at(number);
    unlink(group, slot);
    if (group.members == 0) {
        groups_.release(number);
        metrics_.groups.set(groups_.in_use());
    } else if (group.master == slot) {
        group.master = MulticastGroup::none;
        groups_.timers().arm(number, Instant{});
    }
}

/// Makes the oldest member the master.
void TftpServer::elect(std::uint16_t number, const Now& now, Outbox& out) noexcept {
    MulticastGroup& group = groups_.at(number);
    MUSTER_CHECK(group.members > 0);
    group.master = group.first;
    sessions_.cold(group.master).place.was_master = true;
    metrics_.handovers.add();
    using Turn = MulticastSender::Turn;
    const bool silent = sessions_.cold(group.master).place.silent;
    const Turn turn = !silent ? Turn::fresh : group.members == 1 ? Turn::alone : Turn::silent;
    perform_group(number, group.sender.on_turn(turn, now.steady, limits_.timers), now, out);
}

/// An ACK of a member: its master's moves the group on, and anybody's of the last block says that
/// it is done.
void TftpServer::on_member_ack(Slot slot, std::uint16_t block, const Now& now,
                               Outbox& out) noexcept {
    const std::uint16_t number = sessions_.hot(slot).group;
    MulticastGroup& group = groups_.at(number);
    sessions_.cold(slot).place.silent = false;
    if (slot != group.master) {
        GroupPlace& place = sessions_.cold(slot).place;
        if (block == group.sender.last_block() && block <= group.sender.frontier()) {
            progress(slot, block, true, now, out);
            finish(slot, TftpEnd::completed, out);
            return;
        }
        refuse(TftpRefusal::ack_out_of_turn);
        // A former master that missed its dismissal is told again, once: EDK2 acknowledges every
        // OACK, and these would follow each other for ever.
        if (std::exchange(place.was_master, false)) {
            send_oack(slot, out);
        }
        return;
    }
    const GroupStep step = group.sender.on_ack(block, now.steady, limits_.timers);
    if (step.outcome == GroupStep::Outcome::ignored) {
        refuse(TftpRefusal::duplicate_ack);
    } else if (step.outcome == GroupStep::Outcome::stray) {
        refuse(TftpRefusal::stray_ack);
    } else {
        progress(slot, block, step.outcome == GroupStep::Outcome::done, now, out);
    }
    perform_group(number, step, now, out);
}

/// The member's request again: the answer was lost, or the client began anew. Its master is asked
/// where it is; the others learn that when it is their turn.
void TftpServer::on_member_request_again(Slot slot, const Now& now, Outbox& out) noexcept {
    const std::uint16_t number = sessions_.hot(slot).group;
    MulticastGroup& group = groups_.at(number);
    metrics_.repeated_requests.add();
    sessions_.cold(slot).place.silent = false;
    if (slot == group.master) {
        perform_group(
            number, group.sender.on_turn(MulticastSender::Turn::fresh, now.steady, limits_.timers),
            now, out);
    } else {
        send_oack(slot, out);
    }
}

void TftpServer::on_group_timer(std::uint16_t number, const Now& now, Outbox& out) noexcept {
    MulticastGroup& group = groups_.at(number);
    if (group.master == MulticastGroup::none) {
        elect(number, now, out);
    } else {
        perform_group(number, group.sender.on_timer(now.steady, limits_.timers), now, out);
    }
}

void TftpServer::perform_group(std::uint16_t number, const GroupStep& step, const Now& now,
                               Outbox& out) noexcept {
    MulticastGroup& group = groups_.at(number);
    const Slot master = group.master;
    if (step.oack) {
        send_oack(master, out);
    }
    if (step.blocks.count > 0) {
        out.blocks.push_back({.socket = group.socket,
                              .service = reply_service(),
                              .interface = group.key.interface,
                              .destination = group.address,
                              .source = group.key.local,
                              .content = group.content,
                              .first_block = step.blocks.first,
                              .count = step.blocks.count,
                              .blksize = group.key.blksize,
                              .repair = step.again > 0});
        metrics_.blocks_sent.add(step.blocks.count);
        metrics_.blocks_resent.add(step.again);
        metrics_.blocks_to_groups.add(step.blocks.count);
    }
    if (step.timer) {
        groups_.timers().arm(number, *step.timer);
    }
    switch (step.outcome) {
    case GroupStep::Outcome::running:
    case GroupStep::Outcome::ignored:
    case GroupStep::Outcome::stray:
        return;
    case GroupStep::Outcome::done:
        finish(master, TftpEnd::completed, out);
        break;
    case GroupStep::Outcome::deaf:
        serve_alone(master, now, out);
        break;
    case GroupStep::Outcome::silent:
        on_silence(number, now, out);
        break;
    }
    // The group may have ended with its last member, and then its slot is free.
    if (groups_.alive(number) && groups_.at(number).master == MulticastGroup::none) {
        elect(number, now, out);
    }
}

/// What the group is sent does not reach this client (a switch that keeps it from the group, a
/// filter): it gets the rest by itself.
void TftpServer::serve_alone(Slot slot, const Now& now, Outbox& out) noexcept {
    const std::uint16_t acked = groups_.at(sessions_.hot(slot).group).sender.acked();
    leave(slot);
    metrics_.members_detached.add();
    perform(slot, sessions_.hot(slot).machine.on_left(acked, now.steady, limits_.timers), out);
}

/// The master did not answer for a whole turn. Others go first then, and its next turn is a short
/// one. Passive members have nothing to say, so that its time runs from its first silent turn.
void TftpServer::on_silence(std::uint16_t number, const Now& now, Outbox& out) noexcept {
    MulticastGroup& group = groups_.at(number);
    const Slot slot = std::exchange(group.master, MulticastGroup::none);
    GroupPlace& place = sessions_.cold(slot).place;
    if (!std::exchange(place.silent, true)) {
        place.silent_ms = to_ms(now.steady);
    }
    const bool alone = group.members == 1;
    const Duration limit = alone ? limits_.timers.give_up : limits_.timers.group_give_up;
    if (std::chrono::milliseconds{to_ms(now.steady) - place.silent_ms} >= limit) {
        finish(slot, TftpEnd::timed_out, out);
    } else if (!alone) {
        unlink(group, slot);
        append(group, slot);
        send_oack(slot, out);
    }
}

/// What a member acknowledged: counted, and told to control now and then.
void TftpServer::progress(Slot slot, std::uint16_t block, bool done, const Now& now,
                          Outbox& out) noexcept {
    const std::uint64_t before = acknowledged(slot);
    sessions_.hot(slot).machine.on_member_ack(block, now.steady);
    on_progress(slot, before, done, now, out);
}

} // namespace muster
