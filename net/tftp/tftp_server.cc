// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/tftp_server.hh"

#include "core/base/check.hh"
#include "net/tftp/ticks.hh"

#include <algorithm>
#include <array>

namespace muster {
namespace {

/// Clients close with one of these codes when they wanted the size alone: EDK2 with 8, iPXE,
/// PXELINUX and GRUB with 0.
bool closes_probe(TftpErrorCode code) noexcept {
    return code == TftpErrorCode::not_defined || code == TftpErrorCode::option_negotiation_failed;
}

} // namespace

TftpServer::TftpServer(const TftpLimits& limits)
    : limits_(limits),
      sessions_(limits.sessions),
      groups_(limits.multicast),
      sockets_(limits.transfer_sockets, 2 * limits.sessions) {}

void TftpServer::on_interfaces(std::span<const InterfaceInfo> interfaces) {
    for (const InterfaceInfo& interface : interfaces) {
        mtus_.emplace_back(interface.index, interface.mtu);
    }
}

std::uint16_t TftpServer::mtu_of(std::uint32_t interface) const noexcept {
    for (const auto& [index, mtu] : mtus_) {
        if (index == interface) {
            return mtu;
        }
    }
    return ethernet_mtu;
}

void TftpServer::receive(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept {
    const bool requests_here = datagram.service == UdpService::tftp;
    const bool transfers_here =
        datagram.service == UdpService::tftp_transfer || (requests_here && limits_.single_port);
    MUSTER_CHECK(requests_here || transfers_here);
    metrics_.received.add();
    const auto opcode = read_tftp_opcode(datagram.payload);
    if (!opcode) {
        refuse(to_refusal(opcode.error()));
        return;
    }
    switch (*opcode) {
    case TftpOpcode::rrq:
    case TftpOpcode::wrq:
        if (requests_here) {
            on_request(datagram, false, now, out);
        } else {
            refuse(TftpRefusal::request_to_transfer);
        }
        return;
    case TftpOpcode::ack:
    case TftpOpcode::error:
        if (!transfers_here) {
            refuse(TftpRefusal::not_a_request);
        } else if (*opcode == TftpOpcode::ack) {
            on_ack(datagram, now, out);
        } else {
            on_error(datagram, out);
        }
        return;
    case TftpOpcode::data:
    case TftpOpcode::oack:
        refuse(TftpRefusal::not_for_a_server);
        return;
    }
    __builtin_unreachable();
}

void TftpServer::receive_handed(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept {
    MUSTER_CHECK(datagram.service == UdpService::tftp);
    metrics_.received.add();
    on_request(datagram, true, now, out);
}

void TftpServer::on_ack(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept {
    const auto block = read_tftp_ack(datagram.payload);
    if (!block) {
        refuse(to_refusal(block.error()));
        return;
    }
    const auto slot = find_transfer(datagram);
    if (!slot) {
        refuse(TftpRefusal::unknown_transfer);
        return;
    }
    SessionHot& hot = sessions_.hot(*slot);
    if (hot.group != SessionHot::no_group) {
        on_member_ack(*slot, *block, now, out);
        return;
    }
    const std::uint64_t before = acknowledged(*slot);
    const Step step = hot.machine.on_ack(*block, now.steady, limits_.timers);
    if (step.outcome == Step::Outcome::ignored) {
        refuse(TftpRefusal::duplicate_ack);
    } else if (step.outcome == Step::Outcome::stray) {
        refuse(TftpRefusal::stray_ack);
    } else {
        on_progress(*slot, before, step.ended(), now, out);
    }
    perform(*slot, step, out);
}

/// An ACK moved the transfer on from `before` acknowledged bytes: counted, and told to control now
/// and then.
void TftpServer::on_progress(Slot slot, std::uint64_t before, bool ended, const Now& now,
                             Outbox& out) noexcept {
    metrics_.acks.add();
    const std::uint64_t after = acknowledged(slot);
    metrics_.bytes_acknowledged.add(after > before ? after - before : 0);
    SessionHot& hot = sessions_.hot(slot);
    SessionCold& cold = sessions_.cold(slot);
    const std::uint32_t now_ms = to_ms(now.steady);
    const std::uint32_t interval_ms = to_ms(Instant{} + limits_.timers.sample_interval);
    if (!cold.started) {
        cold.started = true;
        hot.sample_due_ms = now_ms + interval_ms;
        sample(slot, TransferSample::Phase::started, out);
    } else if (!ended && static_cast<std::int32_t>(now_ms - hot.sample_due_ms) >= 0) {
        hot.sample_due_ms = now_ms + interval_ms;
        sample(slot, TransferSample::Phase::running, out);
    }
}

/// An ERROR is never answered, whatever is in it (RFC 1350 section 7).
void TftpServer::on_error(const RxDatagram& datagram, Outbox& out) noexcept {
    const auto error = read_tftp_error(datagram.payload);
    if (!error) {
        refuse(to_refusal(error.error()));
        return;
    }
    const auto slot = find_transfer(datagram);
    if (!slot) {
        refuse(TftpRefusal::unknown_transfer);
        return;
    }
    metrics_.client_errors.add();
    const bool probe = sessions_.cold(*slot).asked.tsize && closes_probe(error->code);
    perform(*slot, sessions_.hot(*slot).machine.on_error(probe), out);
}

void TftpServer::expire(const Now& now, Outbox& out) noexcept {
    sessions_.timers().expire(now.steady, [&](Slot slot) {
        ReadSession& machine = sessions_.hot(slot).machine;
        if (machine.state() == ReadSession::State::opening) {
            refuse(TftpRefusal::content_late);
        }
        const Duration silence = machine.silence(now.steady);
        const Step step = machine.on_timer(now.steady, limits_.timers);
        if (step.again > 0) { // not when it gives up: nobody waits there any more
            sessions_.cold(slot).silence += silence;
        }
        perform(slot, step, out);
    });
    groups_.timers().expire(now.steady, [&](std::uint32_t group) {
        on_group_timer(static_cast<std::uint16_t>(group), now, out);
    });
}

/// The transfer that the datagram belongs to: RFC 1350 section 4 wants both of its ports.
std::optional<TftpServer::Slot> TftpServer::find_transfer(const RxDatagram& datagram) noexcept {
    const auto slot = sessions_.find(datagram.source);
    if (!slot || sessions_.hot(*slot).socket != datagram.socket ||
        sessions_.cold(*slot).local != datagram.local) {
        return std::nullopt;
    }
    return slot;
}

std::optional<TftpServer::Slot> TftpServer::find_opening(const Ticket& ticket) noexcept {
    const auto slot =
        ticket.owner == Ticket::Owner::tftp ? sessions_.find(ticket.handle) : std::nullopt;
    if (!slot || sessions_.hot(*slot).machine.state() != ReadSession::State::opening) {
        return std::nullopt;
    }
    return slot;
}

} // namespace muster
