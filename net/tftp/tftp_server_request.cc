// SPDX-License-Identifier: Apache-2.0
// What TftpServer does with a request: from its datagram to the first packet of its transfer. What
// comes later is in tftp_server.cc.
#include "core/base/check.hh"
#include "core/content/catalog.hh"
#include "core/content/netascii.hh"
#include "net/tftp/digest.hh"
#include "net/tftp/negotiation.hh"
#include "net/tftp/tftp_server.hh"

namespace muster {
namespace {

/// Replies go by route; only a link-local address means nothing without its interface.
std::uint32_t reply_interface(const RxDatagram& datagram) noexcept {
    const auto& octets = datagram.source.address.octets;
    const bool link_local = octets[0] == 0xFE && (octets[1] & 0xC0U) == 0x80U;
    return link_local ? datagram.interface : 0;
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
    case TftpMode::netascii:
        return std::nullopt;
    case TftpMode::mail:
        return TftpRefusal::mode_mail;
    case TftpMode::unknown:
        return TftpRefusal::mode_unknown;
    }
    __builtin_unreachable();
}

} // namespace

void TftpServer::on_request(const RxDatagram& datagram, bool handed, const Now& now,
                            Outbox& out) noexcept {
    const auto request = read_tftp_request(datagram.payload);
    if (!request) {
        refuse(to_refusal(request.error()));
        return;
    }
    if (!handed && hand_on(datagram, *request, out)) {
        return;
    }
    const std::uint64_t digest = fnv1a(datagram.payload);
    std::optional<std::uint8_t> former;
    if (const auto slot = sessions_.find(datagram.source)) {
        const SessionCold& cold = sessions_.cold(*slot);
        former = sessions_.hot(*slot).socket;
        if (cold.request_digest != digest || cold.local != datagram.local) {
            finish(*slot, TftpEnd::replaced, out);
        } else if (sessions_.hot(*slot).group != SessionHot::no_group) {
            on_member_request_again(*slot, now, out);
            return;
        } else if (on_request_again(*slot, now, out)) {
            return;
        }
    }
    open(datagram, *request, digest, now, out, former);
}

/// A group has one worker, chosen by the file's name; it answers from ports of its own, so that
/// all that follows reaches it. In single-port mode that cannot be: each worker has its groups.
/// True: handed on, or lost for want of room, and then the client asks again.
bool TftpServer::hand_on(const RxDatagram& datagram, const TftpRequest& request,
                         Outbox& out) noexcept {
    const MulticastLimits& multicast = limits_.multicast;
    if (multicast.groups == 0 || multicast.workers == 1 || limits_.single_port ||
        !request.options.multicast || !datagram.source.address.is_v4()) {
        return false;
    }
    const auto name = route_tftp(request.name);
    const auto worker = static_cast<std::uint8_t>(fnv1a(as_bytes(name.path)) % multicast.workers);
    if (worker == multicast.worker) {
        return false;
    }
    auto handed = std::make_unique<HandedDatagram>();
    handed->to = WorkerId{worker};
    handed->datagram = datagram;
    handed->payload = as_text(datagram.payload);
    if (out.tell(std::move(handed))) {
        metrics_.handed_on.add();
    } else {
        refuse(TftpRefusal::control_busy);
    }
    return true;
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
    if (!former_socket) {
        using Scarce = SessionTable::Scarce;
        const Scarce scarce = sessions_.scarce_for(datagram.source.address);
        if (scarce != Scarce::no) {
            refuse(scarce == Scarce::address ? TftpRefusal::client_budget
                                             : TftpRefusal::subnet_budget);
            return;
        }
    }
    const auto slot = sessions_.claim(datagram.source);
    if (!slot) {
        refuse(TftpRefusal::sessions_full);
        return;
    }
    const Ticket ticket{Ticket::Owner::tftp, sessions_.handle_of(*slot)};
    if (route.kind == Route::Kind::open) {
        out.opens.push_back({.ticket = ticket,
                             .root = route.root,
                             .path = std::move(route.path),
                             .choice = {.any_case = limits_.ignore_case},
                             .netascii = request.mode == TftpMode::netascii});
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
    cold.arrived_on = datagram.interface;
    cold.request_digest = digest;
    cold.netascii = request.mode == TftpMode::netascii;
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
    case OpenError::bad_gateway: // a mirror's, which TFTP has not
    case OpenError::gateway_timeout:
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
        ContentRef content = reply.content; // a text in memory, which may be read here
        if (content && sessions_.cold(*slot).netascii) {
            content =
                std::make_shared<TextContent>(to_netascii(as_text(content->bytes)), content->type);
        }
        begin(*slot, std::move(content), now, out);
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
    cold.granted = grant_options(cold.asked, cold.size, !cold.client.address.is_v4(), limits_,
                                 mtu_of(cold.arrived_on));
    const TransferTerms terms{.size = cold.size,
                              .blksize = cold.granted.blksize.value_or(tftp_blksize_default),
                              .windowsize = cold.granted.windowsize.value_or(1),
                              .timeout_s = cold.granted.timeout.value_or(0),
                              .oack = !cold.granted.empty()};
    if (join(slot, terms, now, out)) {
        return;
    }
    perform(slot, sessions_.hot(slot).machine.on_content(terms, now.steady, limits_.timers), out);
}

std::uint8_t TftpServer::choose_socket(const RxDatagram& datagram,
                                       std::optional<std::uint8_t> former) noexcept {
    return limits_.single_port ? datagram.socket : sockets_.choose(datagram.source, former);
}

} // namespace muster
