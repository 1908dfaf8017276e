// SPDX-License-Identifier: Apache-2.0
#include "io/uring/stream_io.hh"

#include "core/base/check.hh"
#include "io/host/socket_address.hh"

#include <algorithm>

namespace muster {
namespace {

constexpr std::uint16_t buffer_group = 2;
constexpr std::uint32_t buffer_count = 1024;
constexpr std::uint32_t buffer_size = 4096;
/// One send of a body: large enough to be cheap, small enough that connections take turns.
constexpr std::uint64_t piece_size = 512 << 10;
/// How long a peer may take to close after our last byte before the connection is cut.
constexpr Duration linger_max = std::chrono::seconds{5};

} // namespace

StreamIo::StreamIo(Ring& ring, std::uint32_t connections_max)
    : ring_(ring), streams_(connections_max) {}

StreamIo::~StreamIo() {
    for (std::uint32_t slot = 0; slot < streams_.capacity(); ++slot) {
        if (const Stream* stream = streams_.at(slot)) {
            ::close(stream->fd);
        }
    }
}

Result<void, SysError> StreamIo::open() {
    return buffers_.open(ring_, buffer_group, buffer_count, buffer_size);
}

void StreamIo::add_listener(Fd socket) {
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
    io_uring_prep_multishot_accept(sqe, listeners_[listener].get(), nullptr, nullptr, SOCK_CLOEXEC);
    sqe->user_data =
        to_user_data({.slot = static_cast<std::uint32_t>(listener), .kind = OpKind::accept});
}

StreamId StreamIo::accept(const Completion& cqe, Endpoint& peer, Endpoint& local) {
    if ((cqe.flags & IORING_CQE_F_MORE) == 0 && accepting_) {
        arm_accept(to_token(cqe.user_data).slot);
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
    length = sizeof storage;
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length);
    local = read_socket_address(&storage);
    const auto claimed = streams_.claim();
    if (claimed.value == nullptr) {
        metrics_.refused.add();
        return {};
    }
    metrics_.accepted.add();
    claimed.value->fd = socket.release();
    arm_receive(claimed.handle, *claimed.value);
    return claimed.handle;
}

void StreamIo::arm_receive(SlabHandle id, Stream& stream) {
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_recv_multishot(sqe, stream.fd, nullptr, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = buffer_group;
    sqe->user_data = to_user_data({.slot = id.slot,
                                   .generation = static_cast<std::uint16_t>(id.generation),
                                   .kind = OpKind::receive_stream});
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
    MUSTER_CHECK(!stream->sending); // the engine has one send at a time outstanding
    stream->head.assign(as_text(head));
    stream->head_sent = 0;
    stream->content = send.content;
    stream->offset = send.offset;
    stream->left = send.content ? send.size : 0;
    stream->close_after = send.close_after;
    if (stream->head.empty() && stream->left == 0) {
        finish_send(*stream, now);
        return;
    }
    send_next(send.stream, *stream);
}

void StreamIo::send_next(SlabHandle id, Stream& stream) {
    std::size_t count = 0;
    if (stream.head_sent < stream.head.size()) {
        stream.vectors[count++] = {stream.head.data() + stream.head_sent,
                                   stream.head.size() - stream.head_sent};
    }
    if (stream.left > 0) {
        const Bytes bytes = stream.content->bytes;
        MUSTER_CHECK(stream.offset + stream.left <= bytes.size());
        // iovec has no const: the kernel only reads from a send.
        stream.vectors[count++] = {const_cast<std::byte*>(bytes.data()) + stream.offset, // NOLINT
                                   std::min(stream.left, piece_size)};
    }
    io_uring_sqe* sqe = ring_.sqe();
    constexpr int flags = MSG_NOSIGNAL | MSG_WAITALL;
    if (count == 1) {
        io_uring_prep_send(sqe, stream.fd, stream.vectors[0].iov_base, stream.vectors[0].iov_len,
                           flags);
    } else {
        stream.message = {};
        stream.message.msg_iov = stream.vectors.data();
        stream.message.msg_iovlen = count;
        io_uring_prep_sendmsg(sqe, stream.fd, &stream.message, flags);
    }
    sqe->user_data = to_user_data({.slot = id.slot,
                                   .generation = static_cast<std::uint16_t>(id.generation),
                                   .kind = OpKind::send_stream});
    stream.sending = true;
    ++sending_;
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
    if (stream.close_after) {
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
            io_uring_prep_cancel64(
                sqe,
                to_user_data({.slot = order.stream.slot,
                              .generation = static_cast<std::uint16_t>(order.stream.generation),
                              .kind = OpKind::receive_stream}),
                0);
            sqe->user_data = to_user_data({.kind = OpKind::none});
        }
        break;
    case StreamOrder::Kind::resume:
        stream->paused = false;
        if (!stream->receiving) {
            arm_receive(order.stream, *stream);
        }
        break;
    case StreamOrder::Kind::close:
        shut_down(*stream);
        if (!stream->receiving) {
            // Nothing is in flight that would complete and report: a receive on a shut-down
            // socket completes at once.
            arm_receive(order.stream, *stream);
        }
        break;
    }
}

void StreamIo::shut_down(Stream& stream) noexcept {
    if (!stream.closing) {
        stream.closing = true;
        ::shutdown(stream.fd, SHUT_RDWR); // ends what is in flight
    }
}

void StreamIo::sweep(const Now& now) {
    for (std::uint32_t slot = 0; slot < streams_.capacity(); ++slot) {
        Stream* stream = streams_.at(slot);
        if (stream != nullptr && stream->half_closed && !stream->closing &&
            now.steady >= stream->linger_until) {
            order({streams_.handle_of(slot), StreamOrder::Kind::close});
        }
    }
}

} // namespace muster
