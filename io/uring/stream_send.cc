// SPDX-License-Identifier: Apache-2.0
// How bodies go out: which call, in which pieces, and what happens to bytes that are on the disk.
#include "core/base/check.hh"
#include "io/uring/stream_io.hh"

#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>

#include <algorithm>
#include <cerrno>

namespace muster {
namespace {

/// One send of a body: large enough to be cheap, small enough that connections take turns.
constexpr std::uint64_t piece_size = 512 << 10;
/// Where nobody waits for a turn: the end of each call pushes out what is not a full packet. One
/// transfer over veth with pieces of 512 KiB takes 1.13 times the CPU time of these.
constexpr std::uint64_t piece_alone = 4 * piece_size;
/// The least of a turn, where a client has many connections.
constexpr std::uint64_t piece_min = 64 << 10;
/// Up to this size a body leaves in one send with its head, whatever the flag says.
constexpr std::uint64_t one_send_max = 64 << 10;
/// What is read into the page cache at once when a piece is not there: two of them, so that the
/// second is found.
constexpr std::uint64_t warm_size = 2 * piece_alone;
/// Up to so many transfers at once sendfile costs less, above it the copy. Server CPU in s/GB over
/// veth, copy and sendfile, medians of three: 0.154 and 0.118 for one transfer, 0.165 and 0.125 for
/// 4, 0.125 and 0.117 for 12, 0.147 and 0.167 for 64.
constexpr std::uint32_t sendfile_bodies_max = 16;
constexpr int pipe_size = static_cast<int>(piece_size);

} // namespace

SendHow StreamIo::choose(const Stream& stream) const noexcept {
    if (!stream.counted || stream.copies_only || stream.content->descriptor < 0) {
        return SendHow::copy;
    }
    if (how_ == SendHow::automatic) {
        return bodies_ <= sendfile_bodies_max ? SendHow::sendfile : SendHow::copy;
    }
    return how_;
}

bool StreamIo::fall_back(Stream& stream, int error) noexcept {
    const bool unusable =
        error == -EINVAL || error == -EOPNOTSUPP || error == -ENOMEM || error == -ENOBUFS;
    if (!unusable || stream.how == SendHow::copy) {
        return false;
    }
    stream.copies_only = true;
    return true;
}

void StreamIo::count_body(Stream& stream) {
    if (stream.left > one_send_max && !std::exchange(stream.counted, true)) {
        ++bodies_;
        ++peers_[stream.peer];
    }
}

void StreamIo::discount_body(Stream& stream) noexcept {
    if (!std::exchange(stream.counted, false)) {
        return;
    }
    --bodies_;
    const auto peer = peers_.find(stream.peer);
    if (peer != peers_.end() && --peer->second == 0) {
        peers_.erase(peer);
    }
}

std::uint64_t StreamIo::piece_of(const Stream& stream) const noexcept {
    std::uint64_t turn = piece_size;
    if (bodies_ <= 1 && choose(stream) == SendHow::sendfile) {
        turn = piece_alone; // it takes what there is room for: the others wait until all is out
    } else if (stream.counted && bodies_ > 1) {
        const auto peer = peers_.find(stream.peer);
        const std::uint64_t sharers = peer == peers_.end() ? 1 : peer->second;
        if (sharers < bodies_) { // else all are one client's: nobody to be fair to
            turn = std::max(piece_min, piece_size / sharers);
        }
    }
    return std::min(stream.left, turn);
}

bool StreamIo::send_next(SlabHandle id, Stream& stream) {
    if (stream.left > 0) {
        if (!stream.content->intact()) {
            metrics_.changed.add();
            return false; // an end that comes too early is what the client will notice
        }
        if (!stream.content->resident(stream.offset, piece_of(stream))) {
            warm_up(id, stream);
            return true;
        }
    }
    send_piece(id, stream);
    return true;
}

void StreamIo::send_piece(SlabHandle id, Stream& stream) {
    stream.how = choose(stream); // anew for each piece: others come and go
    io_uring_sqe* sqe = ring_.sqe();
    OpKind kind = OpKind::send_stream;
    if (stream.how == SendHow::sendfile || stream.how == SendHow::splice) {
        // These calls are not the ring's; the ring says when there is room for them.
        io_uring_prep_poll_add(sqe, stream.fd, POLLOUT);
        kind = OpKind::poll_stream;
    } else if (stream.how == SendHow::zerocopy && stream.head_sent == stream.head.size()) {
        const Bytes bytes = stream.content->bytes;
        MUSTER_CHECK(stream.offset + stream.left <= bytes.size());
        io_uring_prep_send_zc(sqe, stream.fd, bytes.data() + stream.offset, piece_of(stream),
                              MSG_NOSIGNAL | MSG_WAITALL, 0);
    } else {
        copy_piece(sqe, stream);
    }
    sqe->user_data = token_of(id, kind);
    stream.sending = true;
    ++sending_;
}

void StreamIo::copy_piece(io_uring_sqe* sqe, Stream& stream) {
    std::size_t count = 0;
    if (stream.head_sent < stream.head.size()) {
        stream.vectors[count++] = {stream.head.data() + stream.head_sent,
                                   stream.head.size() - stream.head_sent};
    }
    int flags = MSG_NOSIGNAL | MSG_WAITALL;
    if (stream.left > 0 && stream.how == SendHow::zerocopy) {
        flags |= MSG_MORE; // the head alone: its memory is used again before pages are let go
    } else if (stream.left > 0) {
        const Bytes bytes = stream.content->bytes;
        MUSTER_CHECK(stream.offset + stream.left <= bytes.size());
        // iovec has no const: the kernel only reads from a send.
        stream.vectors[count++] = {const_cast<std::byte*>(bytes.data()) + stream.offset, // NOLINT
                                   piece_of(stream)};
    }
    if (count == 1) {
        io_uring_prep_send(sqe, stream.fd, stream.vectors[0].iov_base, stream.vectors[0].iov_len,
                           flags);
    } else {
        stream.message = {};
        stream.message.msg_iov = stream.vectors.data();
        stream.message.msg_iovlen = count;
        io_uring_prep_sendmsg(sqe, stream.fd, &stream.message, static_cast<unsigned>(flags));
    }
}

/// Reads what is to be sent, and a little more, in a thread of the kernel's pool. What it reads
/// nobody looks at: all such reads share one place.
void StreamIo::warm_up(SlabHandle id, Stream& stream) {
    metrics_.cold_reads.add();
    if (!scratch_) {
        scratch_ = std::make_unique_for_overwrite<std::byte[]>(warm_size);
    }
    const std::uint64_t rest = stream.content->bytes.size() - stream.offset;
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_read(sqe, stream.content->descriptor, scratch_.get(),
                       static_cast<unsigned>(std::min(rest, warm_size)), stream.offset);
    sqe->flags |= IOSQE_ASYNC;
    sqe->user_data = token_of(id, OpKind::warm_stream);
    stream.sending = true;
    ++sending_;
}

int StreamIo::push(const Completion& cqe, OpToken token) {
    SlabHandle id;
    Stream* stream = find(token, id);
    if (stream == nullptr || stream->closing) {
        return 0;
    }
    if (cqe.res < 0) {
        return cqe.res;
    }
    const int head = push_head(*stream);
    if (head < 0 || stream->head_sent + static_cast<std::size_t>(head) < stream->head.size() ||
        stream->left == 0) {
        return head;
    }
    const int body =
        stream->how == SendHow::sendfile ? push_sendfile(*stream) : push_splice(*stream);
    return body < 0 ? body : head + body;
}

int StreamIo::push_head(Stream& stream) const noexcept {
    const std::size_t size = stream.head.size() - stream.head_sent;
    if (size == 0) {
        return 0;
    }
    const ssize_t sent = ::send(stream.fd, stream.head.data() + stream.head_sent, size,
                                MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE);
    if (sent < 0) {
        return errno == EAGAIN ? 0 : -errno;
    }
    return static_cast<int>(sent);
}

int StreamIo::push_sendfile(Stream& stream) const noexcept {
    auto offset = static_cast<off_t>(stream.offset);
    const ssize_t sent =
        ::sendfile(stream.fd, stream.content->descriptor, &offset, piece_of(stream));
    if (sent > 0) {
        return static_cast<int>(sent);
    }
    if (sent == 0) {
        return -EIO; // the file ends before it should
    }
    return errno == EAGAIN ? 0 : -errno;
}

/// What the pipe holds is references to pages; those that the socket had no room for are let go,
/// and come again with the next piece.
int StreamIo::push_splice(Stream& stream) noexcept {
    constexpr unsigned flags = SPLICE_F_NONBLOCK | SPLICE_F_MOVE;
    if (!pipe_[0].valid()) {
        int ends[2] = {-1, -1};
        if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
            return -errno;
        }
        pipe_ = {Fd{ends[0]}, Fd{ends[1]}};
        ::fcntl(pipe_[1].get(), F_SETPIPE_SZ, pipe_size);
        null_ = Fd{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    }
    auto offset = static_cast<off_t>(stream.offset);
    const std::uint64_t piece = piece_of(stream);
    const ssize_t filled =
        ::splice(stream.content->descriptor, &offset, pipe_[1].get(), nullptr, piece, flags);
    if (filled <= 0) {
        return filled == 0 ? -EIO : -errno;
    }
    const bool last = static_cast<std::uint64_t>(filled) == stream.left;
    ssize_t sent = ::splice(pipe_[0].get(), nullptr, stream.fd, nullptr,
                            static_cast<std::size_t>(filled), flags | (last ? 0U : SPLICE_F_MORE));
    const int error = sent < 0 ? errno : 0;
    sent = std::max<ssize_t>(sent, 0);
    for (ssize_t left = filled - sent; left > 0;) {
        const ssize_t dropped = ::splice(pipe_[0].get(), nullptr, null_.get(), nullptr,
                                         static_cast<std::size_t>(left), flags);
        if (dropped <= 0) {
            pipe_ = {}; // with what is left in it
            break;
        }
        left -= dropped;
    }
    return error == 0 || error == EAGAIN ? static_cast<int>(sent) : -error;
}

} // namespace muster
