// SPDX-License-Identifier: Apache-2.0
#include "io/client/client_streams.hh"

#include "io/host/socket_address.hh"

#include <netinet/tcp.h>
#include <unistd.h>

namespace muster {
namespace {

constexpr std::uint16_t tcp_buffer_group = 2;
constexpr std::uint32_t tcp_buffer_count = 2048;
constexpr std::uint32_t tcp_buffer_size = 16 << 10;
/// Below this, ending one receive and beginning another costs more than copying.
constexpr std::uint64_t discard_least = 64 << 10;
/// The most that one receive throws away; large, as it takes what is there and no more.
constexpr std::uint64_t discard_most = 16 << 20;
/// Connections that were closed but still have operations in flight need slots as well.
constexpr std::uint32_t slots_spare = 1024;

bool set_option(int socket, int level, int name, int value) noexcept {
    return ::setsockopt(socket, level, name, &value, sizeof value) == 0;
}

} // namespace

ClientStreams::~ClientStreams() {
    for (std::uint32_t slot = 0; streams_ && slot < streams_->capacity(); ++slot) {
        if (const Stream* stream = streams_->at(slot)) {
            ::close(stream->fd);
        }
    }
}

Result<void, SysError> ClientStreams::open(std::uint32_t streams_max) {
    streams_ = std::make_unique<Slab<Stream>>(streams_max + slots_spare);
    by_fleet_slot_.resize(streams_max);
    return buffers_.open(ring_, tcp_buffer_group, tcp_buffer_count, tcp_buffer_size);
}

ClientStreams::Stream* ClientStreams::find(ClientToken token, SlabHandle& handle) noexcept {
    Stream* stream = streams_->at(token.slot);
    if (stream == nullptr) {
        return nullptr;
    }
    handle = streams_->handle_of(token.slot);
    return static_cast<std::uint16_t>(handle.generation) == token.generation ? stream : nullptr;
}

ClientStreams::Stream* ClientStreams::find(ClientStreamId id, SlabHandle& handle) noexcept {
    if (id.slot >= by_fleet_slot_.size()) {
        return nullptr;
    }
    handle = by_fleet_slot_[id.slot];
    Stream* stream = streams_->get(handle);
    return stream != nullptr && stream->known && stream->id == id ? stream : nullptr;
}

void ClientStreams::failed(const char* what, int code) {
    if (failure_.empty()) {
        failure_ = SysError{what, code}.text();
    }
}

int ClientStreams::open_socket(const ClientConnect& connect) {
    const bool v4 = connect.destination.address.is_v4();
    const int fd = ::socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        failed("TCP socket", errno);
        return -1;
    }
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    // A rack's network is short: pacing (bbr, the default of some kernels) is no client's habit
    // there. Where cubic is missing the default stays, and the report names it.
    constexpr std::string_view cubic = "cubic";
    const bool chosen =
        ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cubic.data(), cubic.size()) == 0;
    if (congestion_.empty()) {
        std::array<char, 16> name{};
        socklen_t length = name.size() - 1;
        ::getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), &length);
        congestion_ = chosen ? std::string{cubic} : std::string{name.data()};
    }
    if (connect.receive_window > 0) {
        // The kernel doubles it for its own book-keeping and offers about half of that.
        set_option(fd, SOL_SOCKET, SO_RCVBUF, static_cast<int>(connect.receive_window));
    }
    if (connect.source != IpAddress{}) {
        // The port is chosen by connect(), which may share it between destinations.
        set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        sockaddr_storage storage{};
        const socklen_t size = write_socket_address({connect.source, 0}, storage);
        if (::bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
            failed(("TCP from " + to_text(connect.source) +
                    " (to have a whole subnet: ip route add local SUBNET dev lo)")
                       .c_str(),
                   errno);
            ::close(fd);
            return -1;
        }
    }
    return fd;
}

bool ClientStreams::connect(const ClientConnect& connect) {
    SlabHandle old;
    old = by_fleet_slot_[connect.stream.slot];
    if (Stream* stream = streams_->get(old); stream != nullptr && stream->known) {
        // The fleet gave its number to another connection, so it has closed this one; the order
        // that says so comes behind.
        stream->known = false;
        shut_down(*stream);
        release(old, *stream);
    }
    const int fd = open_socket(connect);
    const auto claimed = fd < 0 ? Slab<Stream>::Claimed{} : streams_->claim();
    if (claimed.value == nullptr) {
        ++metrics_.connect_failed;
        if (fd >= 0) {
            failed("TCP connection", ENFILE);
            ::close(fd);
        }
        return false;
    }
    Stream& stream = *claimed.value;
    stream.id = connect.stream;
    stream.fd = fd;
    stream.connecting = true;
    by_fleet_slot_[connect.stream.slot] = claimed.handle;
    const socklen_t size = write_socket_address(connect.destination, stream.peer);
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_connect(sqe, fd, reinterpret_cast<const sockaddr*>(&stream.peer), size);
    sqe->user_data = to_client_data(ClientOp::connect, claimed.handle);
    return true;
}

bool ClientStreams::on_connected(Stream& stream, int result) {
    if (result < 0) {
        ++metrics_.connect_failed;
        if (stream.known) {
            failed("TCP connect", -result);
        }
        shut_down(stream);
        return false;
    }
    ++metrics_.opened;
    return stream.known;
}

void ClientStreams::on_received(Stream& stream, const Completion& cqe) {
    if ((cqe.flags & IORING_CQE_F_MORE) == 0) {
        stream.receiving = false;
        stream.cancelling = false;
    }
    check_end(stream, cqe.res);
}

void ClientStreams::check_end(Stream& stream, int result) {
    const bool goes_on =
        result > 0 || result == -ENOBUFS || result == -ECANCELED || result == -EINTR;
    if (goes_on || stream.closing) {
        return;
    }
    if (result < 0) {
        ++metrics_.broken;
        failed("TCP connection", -result);
    }
    shut_down(stream);
}

void ClientStreams::on_sent(Stream& stream, int result) {
    stream.sending = false;
    if (result < 0) {
        check_end(stream, result);
        return;
    }
    stream.sent += static_cast<std::size_t>(result);
    if (stream.sent == stream.flight.size()) {
        stream.flight.clear();
        stream.sent = 0;
    }
}

void ClientStreams::go_on() {
    if (Stream* stream = streams_->get(touched_); stream != nullptr && !stream->closing) {
        receive_next(touched_, *stream);
        send_next(touched_, *stream);
    }
    touched_ = {};
}

/// Sees to it that the right kind of receive is in flight.
void ClientStreams::receive_next(SlabHandle handle, Stream& stream) {
    if (stream.connecting || stream.discarding) {
        return;
    }
    const bool discard = stream.discard_left >= discard_least;
    if (stream.receiving) {
        if (discard && !stream.cancelling) {
            stream.cancelling = true;
            io_uring_sqe* sqe = ring_.sqe();
            io_uring_prep_cancel64(sqe, to_client_data(ClientOp::receive_stream, handle), 0);
            sqe->user_data = to_client_data(ClientOp::none);
        }
        return;
    }
    io_uring_sqe* sqe = ring_.sqe();
    if (discard) {
        // The address is not touched: with MSG_TRUNC TCP only moves on (tcp(7)).
        io_uring_prep_recv(sqe, stream.fd, buffers_.buffer(0),
                           std::min(stream.discard_left, discard_most), MSG_TRUNC);
        sqe->user_data = to_client_data(ClientOp::discard_stream, handle);
        stream.discarding = true;
    } else {
        io_uring_prep_recv_multishot(sqe, stream.fd, nullptr, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = tcp_buffer_group;
        sqe->user_data = to_client_data(ClientOp::receive_stream, handle);
        stream.receiving = true;
    }
}

void ClientStreams::send_next(SlabHandle handle, Stream& stream) {
    if (stream.sending || stream.connecting) {
        return;
    }
    if (stream.flight.empty()) {
        stream.flight.swap(stream.queue);
    }
    if (stream.flight.empty()) {
        return;
    }
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_send(sqe, stream.fd, stream.flight.data() + stream.sent,
                       stream.flight.size() - stream.sent, MSG_NOSIGNAL | MSG_WAITALL);
    sqe->user_data = to_client_data(ClientOp::send_stream, handle);
    stream.sending = true;
}

void ClientStreams::order(const ClientStreamOrder& order, Bytes payload) {
    SlabHandle handle;
    Stream* stream = find(order.stream, handle);
    if (stream == nullptr || stream->closing) {
        return; // it has ended; the fleet knows or will
    }
    switch (order.kind) {
    case ClientStreamOrder::Kind::send:
        stream->queue.append(as_text(payload));
        send_next(handle, *stream);
        break;
    case ClientStreamOrder::Kind::discard:
        stream->discard_left += order.size;
        receive_next(handle, *stream);
        break;
    case ClientStreamOrder::Kind::close:
        stream->known = false;
        shut_down(*stream);
        release(handle, *stream);
        break;
    }
}

void ClientStreams::shut_down(Stream& stream) noexcept {
    if (!stream.closing) {
        stream.closing = true;
        ::shutdown(stream.fd, SHUT_RDWR); // ends what is in flight
    }
}

/// Frees a closing stream when nothing of it is in flight.
void ClientStreams::release(SlabHandle handle, Stream& stream) noexcept {
    if (stream.connecting || stream.receiving || stream.discarding || stream.sending) {
        return;
    }
    ::close(stream.fd);
    streams_->release(handle);
}

} // namespace muster
