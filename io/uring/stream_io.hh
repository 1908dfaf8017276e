// SPDX-License-Identifier: Apache-2.0
// TCP connections of one thread on its ring.
#pragma once

#include "core/base/time.hh"
#include "core/metrics/counter.hh"
#include "core/port/outbox.hh"
#include "io/host/fd.hh"
#include "io/uring/ring.hh"

#include <memory>
#include <string>
#include <vector>

namespace muster {

struct StreamMetrics {
    Counter accepted;
    Counter refused; ///< closed at once: all connection slots are taken
    Counter sent_bytes;
};

/// Accepts by one multishot operation a listener and receives by one a connection. Bodies are
/// sent straight from the content's mapping, a piece at a time, so that the kernel copies from the
/// page cache and user space never touches the bytes; pieces of different connections interleave.
class StreamIo {
public:
    StreamIo(Ring& ring, std::uint32_t connections_max);
    ~StreamIo();
    StreamIo(const StreamIo&) = delete;
    StreamIo& operator=(const StreamIo&) = delete;

    [[nodiscard]] Result<void, SysError> open();
    void add_listener(Fd socket);
    /// Stops accepting (for a drain).
    void close_listeners() noexcept;

    /// What happened; `engine` gets on_stream_open, on_stream_data, on_stream_progress,
    /// on_stream_sent, on_stream_closed.
    template <class Engine>
    void on_completion(const Completion& cqe, Engine& engine, const Now& now, Outbox& out) {
        const OpToken token = to_token(cqe.user_data);
        switch (token.kind) {
        case OpKind::accept: {
            Endpoint peer;
            Endpoint local;
            if (const StreamId id = accept(cqe, peer, local); id.generation != 0) {
                engine.on_stream_open(id, peer, local, now, out);
            }
            break;
        }
        case OpKind::receive_stream:
            receive(cqe, token, engine, now, out);
            break;
        case OpKind::send_stream:
            sent(cqe, token, engine, now, out);
            break;
        default:
            break;
        }
    }

    void send(const StreamSend& send, Bytes head, const Now& now);
    /// Performs the order. A close reports on_stream_closed by a later completion.
    void order(const StreamOrder& order);

    /// Ends connections whose peer does not close after us. Call about once a second.
    void sweep(const Now& now);

    [[nodiscard]] std::uint32_t open_count() const noexcept { return streams_.in_use(); }
    [[nodiscard]] std::uint32_t sending_count() const noexcept { return sending_; }
    [[nodiscard]] const StreamMetrics& metrics() const noexcept { return metrics_; }

private:
    struct Stream {
        int fd = -1;
        bool receiving = false;   ///< a receive is armed
        bool paused = false;      ///< the engine wants no data
        bool sending = false;     ///< a send is in flight
        bool closing = false;     ///< shut down both ways; gone once nothing is in flight
        bool half_closed = false; ///< all is sent and our side is shut: waiting for the peer's end
        bool close_after = false;
        bool peer_closed = false; ///< it sends no more, but may still read
        bool reported = false;    ///< the engine knows that it is closed
        Instant linger_until;
        std::string head;
        std::size_t head_sent = 0;
        ContentRef content;
        std::uint64_t offset = 0;
        std::uint64_t left = 0;
        msghdr message{};
        std::array<iovec, 2> vectors{};
    };

    [[nodiscard]] StreamId accept(const Completion& cqe, Endpoint& peer, Endpoint& local);
    void arm_accept(std::size_t listener);
    void arm_receive(SlabHandle id, Stream& stream);
    void send_next(SlabHandle id, Stream& stream);
    void shut_down(Stream& stream) noexcept;
    [[nodiscard]] Stream* find(OpToken token, SlabHandle& id) noexcept;
    /// Advances a send by `bytes`; true when all of it is out.
    [[nodiscard]] static bool advance(Stream& stream, std::size_t bytes) noexcept;
    static void finish_send(Stream& stream, const Now& now) noexcept;

    template <class Engine>
    void receive(const Completion& cqe, OpToken token, Engine& engine, const Now& now,
                 Outbox& out) {
        SlabHandle id;
        Stream* stream = find(token, id);
        if (stream != nullptr && (cqe.flags & IORING_CQE_F_MORE) == 0) {
            stream->receiving = false;
        }
        if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
            const auto buffer = static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
            if (stream != nullptr && cqe.res > 0 && !stream->closing && !stream->half_closed) {
                engine.on_stream_data(
                    id, {buffers_.buffer(buffer), static_cast<std::size_t>(cqe.res)}, now, out);
            }
            buffers_.recycle(buffer);
        }
        if (stream == nullptr) {
            return;
        }
        const bool ended = cqe.res == 0 || (cqe.res < 0 && cqe.res != -ENOBUFS &&
                                            cqe.res != -ECANCELED && cqe.res != -EINTR);
        if (cqe.res == 0 && stream->sending) {
            stream->peer_closed = true; // a client may close its side and still read the answer
        } else if (ended) {
            shut_down(*stream);
        } else if (!stream->receiving && !stream->paused && !stream->closing) {
            arm_receive(id, *stream);
        }
        settle(id, *stream, engine, now, out);
    }

    template <class Engine>
    void sent(const Completion& cqe, OpToken token, Engine& engine, const Now& now, Outbox& out) {
        SlabHandle id;
        Stream* stream = find(token, id);
        if (stream == nullptr) {
            return;
        }
        stream->sending = false;
        --sending_;
        if (cqe.res <= 0) {
            shut_down(*stream);
        } else {
            const auto bytes = static_cast<std::size_t>(cqe.res);
            metrics_.sent_bytes.add(bytes);
            const bool done = advance(*stream, bytes);
            if (!stream->closing) {
                engine.on_stream_progress(id, bytes, now, out);
                if (done && stream->peer_closed) {
                    shut_down(*stream);
                } else if (done) {
                    finish_send(*stream, now);
                    engine.on_stream_sent(id, now, out);
                } else {
                    send_next(id, *stream);
                }
            }
        }
        settle(id, *stream, engine, now, out);
    }

    /// Reports a closed connection once, and frees it when nothing is in flight any more.
    template <class Engine>
    void settle(SlabHandle id, Stream& stream, Engine& engine, const Now& now, Outbox& out) {
        if (!stream.closing) {
            return;
        }
        if (!stream.reported) {
            stream.reported = true;
            engine.on_stream_closed(id, now, out);
        }
        if (!stream.receiving && !stream.sending) {
            ::close(stream.fd);
            streams_.release(id);
        }
    }

    Ring& ring_;
    BufferGroup buffers_;
    Slab<Stream> streams_;
    std::vector<Fd> listeners_;
    std::uint32_t sending_ = 0;
    bool accepting_ = true;
    StreamMetrics metrics_;
};

} // namespace muster
