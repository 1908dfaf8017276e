// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/tftp_server.hh"

#include "core/base/check.hh"
#include "core/content/catalog.hh"
#include "net/tftp/digest.hh"
#include "net/tftp/negotiation.hh"

#include <algorithm>
#include <array>

namespace muster {
namespace {

std::uint32_t to_ms(Instant at) noexcept {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(at.ns) / 1'000'000);
}

/// Replies go by route; only a link-local address means nothing without its interface.
std::uint32_t reply_interface(const RxDatagram& datagram) noexcept {
    const auto& octets = datagram.source.address.octets;
    const bool link_local = octets[0] == 0xFE && (octets[1] & 0xC0U) == 0x80U;
    return link_local ? datagram.interface : 0;
}

/// Clients close with one of these codes when they wanted the size alone: EDK2 with 8, iPXE,
/// PXELINUX and GRUB with 0.
bool closes_probe(TftpErrorCode code) noexcept {
    return code == TftpErrorCode::not_defined || code == TftpErrorCode::option_negotiation_failed;
}

struct RequestRoute {
    Route route;
    std::string url_path;
};

RequestRoute route_request(std::string_view name) {
    RequestRoute request{route_tftp(name), {}};
    if (request.route.kind == Route::Kind::open) {
        request.url_path = (request.route.root == ContentRoot::loaders ? "/loaders/" : "/files/") +
                           request.route.path;
    } else {
        request.url_path = request.route.path;
    }
    return request;
}

std::optional<TftpRefusal> refused_mode(TftpMode mode) noexcept {
    switch (mode) {
    case TftpMode::octet:
        return std::nullopt;
    case TftpMode::netascii:
        return TftpRefusal::mode_netascii;
    case TftpMode::mail:
        return TftpRefusal::mode_mail;
    case TftpMode::unknown:
        return TftpRefusal::mode_unknown;
    }
    __builtin_unreachable();
}

} // namespace

TftpServer::TftpServer(const TftpLimits& limits)
    : limits_(limits),
      sessions_(limits.sessions),
      sockets_(limits.transfer_sockets, 2 * limits.sessions) {}

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
            on_request(datagram, now, out);
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

void TftpServer::on_request(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept {
    const auto request = read_tftp_request(datagram.payload);
    if (!request) {
        refuse(to_refusal(request.error()));
        return;
    }
    const std::uint64_t digest = fnv1a(datagram.payload);
    std::optional<std::uint8_t> former;
    if (const auto slot = sessions_.find(datagram.source)) {
        const SessionCold& cold = sessions_.cold(*slot);
        former = sessions_.hot(*slot).socket;
        if (cold.request_digest != digest || cold.local != datagram.local) {
            finish(*slot, TftpEnd::replaced, out);
        } else if (on_request_again(*slot, now, out)) {
            return;
        }
    }
    open(datagram, *request, digest, now, out, former);
}

/// False: the client began anew, and its old transfer is gone.
bool TftpServer::on_request_again(Slot slot, const Now& now, Outbox& out) noexcept {
    const Step step = sessions_.hot(slot).machine.on_request_again(now.steady, limits_.timers);
    const bool anew = step.outcome == Step::Outcome::restarted;
    if (!anew) {
        metrics_.repeated_requests.add();
    }
    perform(slot, step, out);
    return !anew;
}

void TftpServer::open(const RxDatagram& datagram, const TftpRequest& request, std::uint64_t digest,
                      const Now& now, Outbox& out,
                      std::optional<std::uint8_t> former_socket) noexcept {
    const ReplyPath path{.socket = choose_socket(datagram, former_socket),
                         .interface = reply_interface(datagram),
                         .client = datagram.source,
                         .local = datagram.local};
    const auto deny = [&](TftpErrorCode code, TftpRefusal reason) {
        refuse(reason);
        send_error(path, code, reason, request.name, out);
    };
    if (request.opcode == TftpOpcode::wrq) {
        deny(TftpErrorCode::access_violation, TftpRefusal::write_request);
        return;
    }
    if (const auto refused = refused_mode(request.mode)) {
        deny(TftpErrorCode::illegal_operation, *refused);
        return;
    }
    auto [route, url_path] = route_request(request.name);
    if (route.kind == Route::Kind::none) {
        deny(TftpErrorCode::file_not_found, TftpRefusal::no_such_path);
        return;
    }
    if (route.kind == Route::Kind::refused) {
        deny(TftpErrorCode::access_violation, TftpRefusal::outside_tree);
        return;
    }
    const auto slot = sessions_.claim(datagram.source);
    if (!slot) {
        refuse(TftpRefusal::sessions_full);
        return;
    }
    const Ticket ticket{Ticket::Owner::tftp, sessions_.handle_of(*slot)};
    if (route.kind == Route::Kind::open) {
        out.opens.push_back({ticket, route.root, std::move(route.path)});
    } else {
        auto ask = std::make_unique<DynamicRequest>();
        ask->ticket = ticket;
        ask->transport = DynamicRequest::Transport::tftp;
        ask->method = DynamicRequest::Method::get;
        ask->client = datagram.source;
        ask->server = datagram.local;
        ask->path = std::move(route.path);
        if (!out.tell(std::move(ask))) {
            sessions_.release(*slot);
            refuse(TftpRefusal::control_busy);
            return;
        }
    }
    SessionCold& cold = sessions_.cold(*slot);
    cold.local = datagram.local;
    cold.interface = path.interface;
    cold.request_digest = digest;
    cold.asked = request.options;
    cold.name = request.name;
    cold.url_path = std::move(url_path);
    sessions_.hot(*slot).socket = path.socket;
    metrics_.requests.add();
    metrics_.sessions.set(sessions_.in_use());
    perform(*slot, sessions_.hot(*slot).machine.on_request(now.steady, limits_.timers), out);
}

void TftpServer::on_content(const Ticket& ticket, Result<ContentRef, OpenError> content,
                            const Now& now, Outbox& out) noexcept {
    const auto slot = find_opening(ticket);
    if (!slot) {
        metrics_.stale_answers.add();
        return;
    }
    if (content) {
        begin(*slot, *std::move(content), now, out);
        return;
    }
    switch (content.error()) {
    case OpenError::not_found:
        refuse_content(*slot, TftpRefusal::content_not_found, TftpErrorCode::file_not_found, out);
        return;
    case OpenError::forbidden:
        refuse_content(*slot, TftpRefusal::content_forbidden, TftpErrorCode::access_violation, out);
        return;
    case OpenError::unavailable:
        refuse(TftpRefusal::content_unavailable);
        finish(*slot, TftpEnd::refused, out);
        return;
    }
}

void TftpServer::on_reply(const DynamicReply& reply, const Now& now, Outbox& out) noexcept {
    const auto slot = find_opening(reply.ticket);
    if (!slot) {
        metrics_.stale_answers.add();
    } else if (reply.status >= 200 && reply.status < 300) {
        begin(*slot, reply.content, now, out);
    } else if (reply.status == 404) {
        refuse_content(*slot, TftpRefusal::content_not_found, TftpErrorCode::file_not_found, out);
    } else if (reply.status == 403) {
        refuse_content(*slot, TftpRefusal::content_forbidden, TftpErrorCode::access_violation, out);
    } else {
        refuse_content(*slot, TftpRefusal::content_failed, TftpErrorCode::not_defined, out);
    }
}

void TftpServer::begin(Slot slot, ContentRef content, const Now& now, Outbox& out) noexcept {
    SessionCold& cold = sessions_.cold(slot);
    cold.size = content ? content->bytes.size() : 0;
    cold.content = std::move(content);
    cold.granted = grant_options(cold.asked, cold.size, !cold.client.address.is_v4(), limits_);
    const TransferTerms terms{.size = cold.size,
                              .blksize = cold.granted.blksize.value_or(tftp_blksize_default),
                              .windowsize = cold.granted.windowsize.value_or(1),
                              .timeout_s = cold.granted.timeout.value_or(0),
                              .oack = !cold.granted.empty()};
    perform(slot, sessions_.hot(slot).machine.on_content(terms, now.steady, limits_.timers), out);
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
    const std::uint64_t before = acknowledged(*slot);
    const Step step = hot.machine.on_ack(*block, now.steady, limits_.timers);
    if (step.outcome == Step::Outcome::ignored) {
        refuse(TftpRefusal::duplicate_ack);
    } else if (step.outcome == Step::Outcome::stray) {
        refuse(TftpRefusal::stray_ack);
    } else {
        metrics_.acks.add();
        metrics_.bytes_acknowledged.add(acknowledged(*slot) - before);
        SessionCold& cold = sessions_.cold(*slot);
        const std::uint32_t now_ms = to_ms(now.steady);
        const std::uint32_t interval_ms = to_ms(Instant{} + limits_.timers.sample_interval);
        if (!cold.started) {
            cold.started = true;
            hot.sample_due_ms = now_ms + interval_ms;
            sample(*slot, TransferSample::Phase::started, out);
        } else if (!step.ended() && static_cast<std::int32_t>(now_ms - hot.sample_due_ms) >= 0) {
            hot.sample_due_ms = now_ms + interval_ms;
            sample(*slot, TransferSample::Phase::running, out);
        }
    }
    perform(*slot, step, out);
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
        perform(slot, machine.on_timer(now.steady, limits_.timers), out);
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

std::uint8_t TftpServer::choose_socket(const RxDatagram& datagram,
                                       std::optional<std::uint8_t> former) noexcept {
    return limits_.single_port ? datagram.socket : sockets_.choose(datagram.source, former);
}

} // namespace muster
