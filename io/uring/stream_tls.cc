// SPDX-License-Identifier: Apache-2.0
// TLS of streams: handshakes, and bodies that are encrypted on their way out. A turn of plain text
// is gathered, encrypted into memory of the stream's own, and leaves as one send.
#include "core/base/check.hh"
#include "io/uring/stream_io.hh"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace muster {
namespace {

/// Of a worker, with 40 KiB each, or 170 where a client announces the largest ClientHello there is.
constexpr std::uint32_t handshakes_max = 1024;
/// Plain text of one record; no turn is smaller.
constexpr std::uint64_t record_size = 16 << 10;
/// Of all turns together that wait for their readers: with many of them turns are smaller.
constexpr std::uint64_t turns_memory = 32 << 20;
/// Input that came before the kernel knew that the engine wants none.
constexpr std::size_t held_max = 256 << 10;

} // namespace

void StreamIo::use_tls(TlsServer& server) {
    tls_server_ = &server;
    plain_ = std::make_unique_for_overwrite<std::byte[]>(tls_turn_max);
}

bool StreamIo::begin_tls(Stream& stream) {
    auto session = handshakes_ < handshakes_max ? tls_server_->new_session() : nullptr;
    if (!session) {
        stream.failure = TlsFailure::no_room;
        return false;
    }
    stream.tls = std::make_unique<Tls>(std::move(session));
    stream.tls_state = TlsState::handshake;
    ++handshakes_;
    return true;
}

void StreamIo::count_handshake(Stream& stream) noexcept {
    --handshakes_;
    stream.tls_state = TlsState::open;
    stream.linger_until = {};
    tls_metrics_.handshakes.add();
    if (stream.tls->session->is_resumed()) {
        tls_metrics_.resumed.add();
    }
    if (stream.tls->session->is_tls_1_3()) {
        tls_metrics_.tls_1_3.add();
    }
}

/// One that came to nothing is counted, and only once.
void StreamIo::end_handshake(Stream& stream) noexcept {
    if (stream.tls_state == TlsState::handshake) {
        --handshakes_;
    } else if (stream.tls_state != TlsState::waiting) {
        return;
    }
    stream.tls_state = TlsState::over;
    tls_metrics_.failures[static_cast<std::size_t>(stream.failure)].add();
}

void StreamIo::fail_tls(Stream& stream, TlsFailure failure, const Now& now) noexcept {
    flush_output(stream); // an alert that says why
    if (stream.tls_state == TlsState::open) {
        tls_metrics_.broken.add();
        shut_down(stream);
        return;
    }
    stream.failure = failure;
    end_handshake(stream);
    if (stream.sending) {
        shut_down(stream);
        return;
    }
    // Closing with unread input would reset the connection and cost the peer the alert.
    ::shutdown(stream.fd, SHUT_WR);
    stream.half_closed = true;
    stream.linger_until = now.steady + linger_max;
    stream.tls.reset();
}

bool StreamIo::hold_input(Stream& stream, Bytes wire) {
    std::vector<std::byte>& held = stream.tls->held;
    if (held.size() + wire.size() > held_max) {
        return false;
    }
    held.insert(held.end(), wire.begin(), wire.end());
    return true;
}

bool StreamIo::send_next_tls(SlabHandle id, Stream& stream, bool warmed) {
    if (stream.sending || stream.closing || stream.half_closed) {
        return true; // when that is out, its completion comes here again
    }
    const bool more = stream.head_sent < stream.head.size() || stream.left > 0;
    if (more && !encrypt_turn(id, stream, warmed)) {
        return false;
    }
    if (!stream.sending && !stream.tls->session->output().empty()) {
        fly(id, stream);
    }
    return true;
}

/// Encrypts what leaves next, or has it read first. False: the file has changed.
bool StreamIo::encrypt_turn(SlabHandle id, Stream& stream, bool warmed) {
    const std::uint64_t share = turns_memory / std::max<std::uint32_t>(bodies_, 1);
    const std::uint64_t turn = std::clamp<std::uint64_t>(share, record_size, tls_turn_max);
    const std::ptrdiff_t gathered = gather(stream, turn, warmed);
    if (gathered < 0) {
        metrics_.changed.add();
        return false;
    }
    if (gathered == 0) {
        warm_up(id, stream);
        return true;
    }
    Tls& tls = *stream.tls;
    tls.turn = static_cast<std::size_t>(gathered);
    if (!tls.session->write({plain_.get(), tls.turn})) {
        return false;
    }
    const bool last = stream.head_sent + tls.turn == stream.head.size() + stream.left;
    if (last && stream.close_after) {
        tls.session->end();
    }
    return true;
}

/// Copies what leaves next to plain_: the head, then the body by a read, because a mapping of a
/// file that is cut meanwhile would fault. Returns the bytes; 0: a disk would have to be waited
/// for; -1: the file is not the one that was promised.
std::ptrdiff_t StreamIo::gather(const Stream& stream, std::uint64_t size, bool warmed) {
    std::size_t used = std::min<std::size_t>(stream.head.size() - stream.head_sent, size);
    std::memcpy(plain_.get(), stream.head.data() + stream.head_sent, used);
    const std::uint64_t body = std::min(size - used, piece_of(stream));
    if (body == 0) {
        return static_cast<std::ptrdiff_t>(used);
    }
    const Content& content = *stream.content;
    MUSTER_CHECK(stream.offset + body <= content.bytes.size());
    if (content.descriptor < 0) {
        std::memcpy(plain_.get() + used, content.bytes.data() + stream.offset, body);
        return static_cast<std::ptrdiff_t>(used + body);
    }
    const iovec vector{plain_.get() + used, body};
    const auto offset = static_cast<off_t>(stream.offset);
    ssize_t got = ::preadv2(content.descriptor, &vector, 1, offset, warmed ? 0 : RWF_NOWAIT);
    if (got < 0 && (errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS)) {
        got = ::preadv(content.descriptor, &vector, 1, offset);
    }
    if (got < 0 && errno == EAGAIN) {
        return 0;
    }
    // What was read is of this version if it still is afterwards.
    if (got <= 0 || !content.intact()) {
        return -1;
    }
    used += static_cast<std::size_t>(got);
    return static_cast<std::ptrdiff_t>(used);
}

/// Hands all that is encrypted to the kernel.
void StreamIo::fly(SlabHandle id, Stream& stream) {
    stream.tls->flight = stream.tls->session->take_output();
    stream.tls->flown = 0;
    fly_on(id, stream);
}

void StreamIo::fly_on(SlabHandle id, Stream& stream) {
    const Bytes rest = Bytes{stream.tls->flight}.subspan(stream.tls->flown);
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_send(sqe, stream.fd, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_WAITALL);
    sqe->user_data = token_of(id, OpKind::send_stream);
    stream.sending = true;
    ++sending_;
}

/// For last words: they go now or never.
void StreamIo::flush_output(Stream& stream) noexcept {
    if (!stream.sending) {
        const std::vector<std::byte> words = stream.tls->session->take_output();
        if (!words.empty()) {
            ::send(stream.fd, words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        }
    }
}

/// Ends our side of an idle connection as TLS wants it. One that is cut off in the middle of an
/// answer gets none, so that the peer cannot take what it has for the whole.
void StreamIo::say_end(Stream& stream) noexcept {
    const bool idle = !stream.sending && stream.left == 0 && stream.head_sent == stream.head.size();
    if (idle && stream.tls_state == TlsState::open) {
        stream.tls->session->end();
        flush_output(stream);
    }
}

} // namespace muster
