// SPDX-License-Identifier: Apache-2.0
#include "io/uring/stream_io.hh"

#include "core/base/check.hh"
#include "io/host/socket_address.hh"

#include <algorithm>
#include <cerrno>

namespace muster {
namespace {

constexpr std::uint16_t stream_buffer_group = 2;
constexpr std::uint32_t stream_buffer_count = 1024;
constexpr std::uint32_t stream_buffer_size = 4096;
/// What an idle connection keeps of the room for a head.
constexpr std::size_t idle_head_max = 2048;
/// From the connection to the end of its TLS handshake. Firmware on the slowest CPUs takes a few
/// seconds for its part of it.
constexpr Duration handshake_max = std::chrono::seconds{15};

} // namespace

StreamIo::StreamIo(Ring& ring, std::uint32_t connections_max, SendHow how)
    : ring_(ring), how_(how), streams_(connections_max) {}

StreamIo::~StreamIo() {
    for (std::uint32_t slot = 0; slot < streams_.capacity(); ++slot) {
        if (const Stream* stream = streams_.at(slot)) {
            ::close(stream->fd);
        }
    }
}

Result<void, SysError> StreamIo::open() {
    return buffers_.open(ring_, stream_buffer_group, stream_buffer_count, stream_buffer_size);
}

void StreamIo::add(Fd socket, bool tls) {
    MUSTER_CHECK(!tls || tls_server_ != nullptr);
    listener_tls_.push_back(tls);
    locals_.push_back(local_endpoint(socket.get()));
    listeners_.push_back(std::move(socket));
    arm_accept(listeners_.size() - 1);
}

void StreamIo::close_listeners() noexcept {
    accepting_ = false;
    for (std::uint32_t i = 0; i < listeners_.size(); ++i) {
        io_uring_sqe* sqe = ring_.sqe();
        io_uring_prep_cancel64(sqe, to_user_data({.slot = i, .kind = OpKind::accept}), 0);
        sqe->user_data = to_user_data({.kind = OpKind::none});
    }
    ring_.submit();
    listeners_.clear();
}

void StreamIo::arm_accept(std::size_t listener) {
    io_uring_sqe* sqe = ring_.sqe();
    // SOCK_NONBLOCK is for sendfile and splice; operations of the ring wait in the ring anyway.
    io_uring_prep_multishot_accept(sqe, listeners_[listener].get(), nullptr, nullptr,
                                   SOCK_CLOEXEC | SOCK_NONBLOCK);
    sqe->user_data =
        to_user_data({.slot = static_cast<std::uint32_t>(listener), .kind = OpKind::accept});
}

StreamId StreamIo::accept(const Completion& cqe, Endpoint& peer, Endpoint& local, const Now& now) {
    const std::uint32_t listener = to_token(cqe.user_data).slot;
    const bool starved =
        cqe.res == -EMFILE || cqe.res == -ENFILE || cqe.res == -ENOBUFS || cqe.res == -ENOMEM;
    if (starved) {
        metrics_.starved.add();
    }
    if ((cqe.flags & IORING_CQE_F_MORE) == 0 && accepting_) {
        if (starved) {
            resting_.push_back(listener); // at once it would fail again, and again: sweep() tries
        } else {
            arm_accept(listener);
        }
    }
    if (cqe.res < 0) {
        return {};
    }
    Fd socket{cqe.res};
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
        return {}; // gone already
    }
    peer = read_socket_address(&storage);
    local = locals_[listener];
    if (local.address == IpAddress{Ipv6Address{}} || local.address == IpAddress{Ipv4Address{}}) {
        // It listens on several.
        local = local_endpoint(socket.get());
    }
    const auto claimed = streams_.claim();
    if (claimed.value == nullptr) {
        metrics_.refused.add();
        return {};
    }
    metrics_.accepted.add();
    claimed.value->fd = socket.release();
    claimed.value->peer = peer.address;
    arm_receive(claimed.handle, *claimed.value);
    if (listener_tls_[listener]) {
        claimed.value->tls_state = TlsState::waiting;
        claimed.value->linger_until = now.steady + handshake_max;
        claimed.value->reported = true; // the engine hears of it after the handshake
        return {};
    }
    return claimed.handle;
}

void StreamIo::arm_receive(SlabHandle id, Stream& stream) {
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_recv_multishot(sqe, stream.fd, nullptr, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = stream_buffer_group;
    sqe->user_data = token_of(id, OpKind::receive_stream);
    stream.receiving = true;
}

StreamIo::Stream* StreamIo::find(OpToken token, SlabHandle& id) noexcept {
    Stream* stream = streams_.at(token.slot);
    if (stream == nullptr) {
        return nullptr;
    }
    id = streams_.handle_of(token.slot);
    return static_cast<std::uint16_t>(id.generation) == token.generation ? stream : nullptr;
}

void StreamIo::send(const StreamSend& send, Bytes head, const Now& now) {
    Stream* stream = streams_.get(send.stream);
    if (stream == nullptr || stream->closing) {
        return; // on_stream_closed was or will be reported
    }
    // The engine has one send at a time outstanding; TLS sends things of its own.
    MUSTER_CHECK(!stream->sending || stream->tls);
    stream->head.assign(as_text(head));
    stream->head_sent = 0;
    stream->content = send.content;
    stream->offset = send.offset;
    stream->left = send.content ? send.size : 0;
    stream->close_after = send.close_after;
    stream->peer_done = send.peer_done;
    if (stream->head.empty() && stream->left == 0) {
        finish_send(*stream, now);
        return;
    }
    count_body(*stream);
    stream->copies_only = false;
    if (!(stream->tls ? send_next_tls(send.stream, *stream, false)
                      : send_next(send.stream, *stream))) {
        end_stream(send.stream, *stream);
    }
}

bool StreamIo::advance(Stream& stream, std::size_t bytes) noexcept {
    const std::size_t of_head = std::min(bytes, stream.head.size() - stream.head_sent);
    stream.head_sent += of_head;
    const std::size_t of_body = bytes - of_head;
    stream.offset += of_body;
    stream.left -= of_body;
    return stream.head_sent == stream.head.size() && stream.left == 0;
}

void StreamIo::finish_send(Stream& stream, const Now& now) noexcept {
    stream.content.reset();
    discount_body(stream);
    if (stream.head.capacity() > idle_head_max) {
        stream.head = {};
    }
    // With TLS, an alert of the peer's still comes.
    const bool peer_done = stream.peer_closed || (stream.peer_done && !stream.tls);
    if (stream.close_after && peer_done) {
        shut_down(stream); // both sides have said all: nothing to wait for
    } else if (stream.close_after) {
        // Our side only: closing with unread input would reset the connection and could cost the
        // peer the end of the answer.
        ::shutdown(stream.fd, SHUT_WR);
        stream.half_closed = true;
        stream.linger_until = now.steady + linger_max;
    }
}

void StreamIo::order(const StreamOrder& order) {
    Stream* stream = streams_.get(order.stream);
    if (stream == nullptr || stream->closing) {
        return;
    }
    switch (order.kind) {
    case StreamOrder::Kind::pause:
        stream->paused = true;
        if (stream->receiving) {
            io_uring_sqe* sqe = ring_.sqe();
            io_uring_prep_cancel64(sqe, token_of(order.stream, OpKind::receive_stream), 0);
            sqe->user_data = to_user_data({.kind = OpKind::none});
        }
        break;
    case StreamOrder::Kind::resume:
        stream->paused = false;
        if (!stream->receiving && !stream->peer_closed) {
            arm_receive(order.stream, *stream);
        }
        if (stream->tls && !stream->tls->held.empty()) {
            io_uring_sqe* sqe = ring_.sqe();
            io_uring_prep_nop(sqe);
            sqe->user_data = token_of(order.stream, OpKind::wake_stream);
        }
        break;
    case StreamOrder::Kind::close:
        if (stream->tls) {
            say_end(*stream);
        }
        end_stream(order.stream, *stream);
        break;
    }
}

void StreamIo::end_stream(SlabHandle id, Stream& stream) {
    if (stream.peer_closed && !stream.receiving && !stream.sending) {
        // The usual end: the peer has closed. Nothing has to be cut off, so close() is enough; only
        // a completion is wanted, to report it by.
        stream.closing = true;
        io_uring_sqe* sqe = ring_.sqe();
        io_uring_prep_nop(sqe);
        sqe->user_data = token_of(id, OpKind::receive_stream);
        stream.receiving = true;
        return;
    }
    shut_down(stream);
    if (!stream.receiving) {
        // Nothing is in flight that would complete and report: a receive on a shut-down socket
        // completes at once.
        arm_receive(id, stream);
    }
}

std::uint64_t StreamIo::token_of(SlabHandle id, OpKind kind) noexcept {
    return to_user_data(
        {.slot = id.slot, .generation = static_cast<std::uint16_t>(id.generation), .kind = kind});
}

void StreamIo::shut_down(Stream& stream) noexcept {
    if (!stream.closing) {
        stream.closing = true;
        ::shutdown(stream.fd, SHUT_RDWR); // ends what is in flight
    }
}

void StreamIo::sweep(const Now& now) {
    for (const std::uint32_t listener : resting_) {
        if (accepting_) {
            arm_accept(listener);
        }
    }
    resting_.clear();
    for (std::uint32_t slot = 0; slot < streams_.capacity(); ++slot) {
        Stream* stream = streams_.at(slot);
        if (stream == nullptr || stream->closing || now.steady < stream->linger_until) {
            continue;
        }
        const bool in_handshake =
            stream->tls_state == TlsState::waiting || stream->tls_state == TlsState::handshake;
        if (in_handshake) {
            stream->failure = TlsFailure::timeout;
        }
        if (stream->half_closed || in_handshake) {
            order({streams_.handle_of(slot), StreamOrder::Kind::close});
        }
    }
}

} // namespace muster
