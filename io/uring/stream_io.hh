// SPDX-License-Identifier: Apache-2.0
// TCP connections of one thread on its ring.
#pragma once

#include "core/base/time.hh"
#include "core/metrics/counter.hh"
#include "core/port/outbox.hh"
#include "io/host/fd.hh"
#include "io/tls/tls_server.hh"
#include "io/uring/ring.hh"

#include <absl/container/flat_hash_map.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace muster {

struct StreamMetrics {
    Counter accepted;
    Counter refused; ///< closed at once: all connection slots are taken
    Counter starved; ///< accepts that the system had no descriptor or memory for
    Counter sent_bytes;
    Counter cold_reads; ///< pieces that had to come from the disk first
    Counter changed;    ///< connections ended since their file was written to meanwhile
};

struct TlsMetrics {
    Counter handshakes; ///< complete ones
    Counter resumed;    ///< of these, without a new key exchange
    Counter tls_1_3;    ///< of these, the rest is TLS 1.2
    Counter broken;     ///< open connections that broke the rules of TLS
    std::array<Counter, tls_failure_count> failures; ///< handshakes, by TlsFailure
};

/// How bodies of files go out; small ones and texts are always copied, in one send with the head.
enum class SendHow : std::uint8_t {
    automatic, ///< what measured best for the number of transfers under way
    sendfile,  ///< sendfile(2)
    splice,    ///< splice(2) by way of a pipe
    zerocopy,  ///< IORING_OP_SEND_ZC: pages are pinned; pays on a NIC that gathers, not on veth
    copy,      ///< send from the mapping: the kernel copies
};

/// Accepts by one multishot operation a listener and receives by one a connection. Bodies are
/// sent a piece at a time and user space never touches them, whatever the call (SendHow); pieces of
/// different connections interleave.
///
/// Fairness: the turns of connections to one client share what one connection has, so that a
/// client gets no more by opening sixteen.
///
/// TLS: on the listeners that have it, the engine hears of a connection once its handshake is
/// complete, and then sees and sends plain text as on any other: stream_tls.cc. Encrypted is in
/// this thread, a turn at a time; handshakes that are under way are bounded in number and time.
///
/// Cold files: a piece that is not in the page cache is read into it by a thread of the kernel's
/// pool first; meanwhile the other connections go on.
class StreamIo {
public:
    StreamIo(Ring& ring, std::uint32_t connections_max, SendHow how = SendHow::automatic);
    ~StreamIo();
    StreamIo(const StreamIo&) = delete;
    StreamIo& operator=(const StreamIo&) = delete;

    [[nodiscard]] Result<void, SysError> open();
    /// Before the first of add_tls_listener(). `server` must have a certificate, and outlive this.
    void use_tls(TlsServer& server);
    void add_listener(Fd socket) { add(std::move(socket), false); }
    void add_tls_listener(Fd socket) { add(std::move(socket), true); }
    /// Stops accepting (for a drain).
    void close_listeners() noexcept;

    /// What happened; `engine` gets on_stream_open, on_stream_data, on_stream_end (the peer sends
    /// no more), on_stream_progress, on_stream_sent, on_stream_closed.
    template <class Engine>
    void on_completion(const Completion& cqe, Engine& engine, const Now& now, Outbox& out) {
        const OpToken token = to_token(cqe.user_data);
        switch (token.kind) {
        case OpKind::accept: {
            Endpoint peer;
            Endpoint local;
            if (const StreamId id = accept(cqe, peer, local, now); id.generation != 0) {
                engine.on_stream_open(id, peer, local, now, out);
            }
            break;
        }
        case OpKind::receive_stream:
            receive(cqe, token, engine, now, out);
            break;
        case OpKind::send_stream:
            sent(cqe, token, cqe.res, engine, now, out);
            break;
        case OpKind::poll_stream:
            sent(cqe, token, push(cqe, token), engine, now, out);
            break;
        case OpKind::warm_stream:
            sent(cqe, token, cqe.res, engine, now, out);
            break;
        case OpKind::wake_stream:
            wake(token, engine, now, out);
            break;
        default:
            break;
        }
    }

    void send(const StreamSend& send, Bytes head, const Now& now);
    /// Performs the order. A close reports on_stream_closed by a later completion.
    void order(const StreamOrder& order);

    /// Ends connections whose peer does not close after us, and lets listeners accept again that
    /// ran out of descriptors. Call about once a second.
    void sweep(const Now& now);

    [[nodiscard]] std::uint32_t open_count() const noexcept { return streams_.in_use(); }
    [[nodiscard]] std::uint32_t sending_count() const noexcept { return sending_; }
    [[nodiscard]] const StreamMetrics& metrics() const noexcept { return metrics_; }
    [[nodiscard]] const TlsMetrics& tls_metrics() const noexcept { return tls_metrics_; }

private:
    /// How long a peer may take to close after our last byte before the connection is cut.
    static constexpr Duration linger_max = std::chrono::seconds{5};

    /// What a stream of a TLS listener has beside the others, once its first bytes came.
    struct Tls {
        explicit Tls(std::unique_ptr<TlsSession> of) : session(std::move(of)) {}
        std::unique_ptr<TlsSession> session;
        std::vector<std::byte> flight; ///< encrypted, and with the kernel
        std::size_t flown = 0;         ///< of which so much has left
        std::size_t turn = 0;          ///< plain bytes of the engine's send that it ends
        std::vector<std::byte> held;   ///< came while the engine wanted no data
    };
    enum class TlsState : std::uint8_t {
        none,
        waiting,   ///< no byte came yet
        handshake, ///< counted in handshakes_
        open,      ///< the engine knows the stream
        over,      ///< the handshake came to nothing
    };

    struct Stream {
        int fd = -1;
        bool receiving = false;   ///< a receive is armed
        bool paused = false;      ///< the engine wants no data
        bool sending = false;     ///< a send is in flight
        bool closing = false;     ///< shut down both ways; gone once nothing is in flight
        bool half_closed = false; ///< all is sent and our side is shut: waiting for the peer's end
        bool close_after = false;
        bool peer_done = false;   ///< after that close, nothing of the peer is waited for
        bool peer_closed = false; ///< it sends no more, but may still read
        bool reported = false;    ///< the engine knows that it is closed, or knew nothing of it
        TlsState tls_state = TlsState::none;
        TlsFailure failure = TlsFailure::peer_closed; ///< why the handshake ended, if it did
        Instant linger_until;     ///< or by when the handshake has to be complete
        std::unique_ptr<Tls> tls; ///< null: plain, or no byte came yet
        std::string head;
        std::size_t head_sent = 0;
        ContentRef content;
        std::uint64_t offset = 0;
        std::uint64_t left = 0;
        SendHow how = SendHow::copy; ///< of the piece under way
        bool copies_only = false;    ///< another call was refused for this content
        bool counted = false;        ///< in bodies_ and peers_
        IpAddress peer{};
        msghdr message{};
        std::array<iovec, 2> vectors{};
    };

    void add(Fd socket, bool tls);
    [[nodiscard]] StreamId accept(const Completion& cqe, Endpoint& peer, Endpoint& local,
                                  const Now& now);
    void arm_accept(std::size_t listener);
    void arm_receive(SlabHandle id, Stream& stream);
    // How bodies go out: stream_send.cc.
    [[nodiscard]] SendHow choose(const Stream& stream) const noexcept;
    [[nodiscard]] std::uint64_t piece_of(const Stream& stream) const noexcept;
    void count_body(Stream& stream);
    void discount_body(Stream& stream) noexcept;
    /// Sends the next piece, or makes it ready. False: the file has changed, the stream must end.
    [[nodiscard]] bool send_next(SlabHandle id, Stream& stream);
    void send_piece(SlabHandle id, Stream& stream);
    void copy_piece(io_uring_sqe* sqe, Stream& stream);
    void warm_up(SlabHandle id, Stream& stream);
    /// What a poll has found room for: bytes sent, 0 if none, or -errno.
    [[nodiscard]] int push(const Completion& cqe, OpToken token);
    [[nodiscard]] int push_head(Stream& stream) const noexcept;
    [[nodiscard]] int push_sendfile(Stream& stream) const noexcept;
    [[nodiscard]] int push_splice(Stream& stream) noexcept;
    /// The call cannot be used here (an old kernel, a filesystem without it): true if copying can.
    [[nodiscard]] static bool fall_back(Stream& stream, int error) noexcept;
    void end_stream(SlabHandle id, Stream& stream);
    [[nodiscard]] static std::uint64_t token_of(SlabHandle id, OpKind kind) noexcept;
    void shut_down(Stream& stream) noexcept;
    [[nodiscard]] Stream* find(OpToken token, SlabHandle& id) noexcept;
    /// Advances a send by `bytes`; true when all of it is out.
    [[nodiscard]] static bool advance(Stream& stream, std::size_t bytes) noexcept;
    void finish_send(Stream& stream, const Now& now) noexcept;

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
                const Bytes bytes{buffers_.buffer(buffer), static_cast<std::size_t>(cqe.res)};
                if (stream->tls_state == TlsState::none) {
                    engine.on_stream_data(id, bytes, now, out);
                } else {
                    receive_tls(id, *stream, bytes, engine, now, out);
                }
            }
            buffers_.recycle(buffer);
        }
        if (stream == nullptr) {
            return;
        }
        const bool broken =
            cqe.res < 0 && cqe.res != -ENOBUFS && cqe.res != -ECANCELED && cqe.res != -EINTR;
        if (cqe.res == 0 && stream->half_closed && !stream->sending) {
            stream->closing = true; // both sides have ended: close() is all that is left
        } else if (broken || (cqe.res == 0 && stream->half_closed)) {
            shut_down(*stream);
        } else if (cqe.res == 0) {
            end_input(id, *stream, engine, now, out);
        } else if (!stream->receiving && !stream->paused && !stream->closing) {
            arm_receive(id, *stream);
        }
        settle(id, *stream, engine, now, out);
    }

    /// The peer sends no more. It may have closed, or shut its side and wait for an answer that is
    /// still being made: only the engine knows whether one is due.
    template <class Engine>
    void end_input(SlabHandle id, Stream& stream, Engine& engine, const Now& now, Outbox& out) {
        if (stream.reported) {
            shut_down(stream); // in the middle of a handshake
        } else if (!stream.closing && !std::exchange(stream.peer_closed, true)) {
            engine.on_stream_end(id, now, out);
        }
    }

    /// `result`: bytes that went out, or -errno; of a read-ahead, whatever it came to.
    template <class Engine>
    void sent(const Completion& cqe, OpToken token, int result, Engine& engine, const Now& now,
              Outbox& out) {
        if ((cqe.flags & IORING_CQE_F_NOTIF) != 0) {
            return; // of a zero-copy send: the kernel has let go of pages that we do not reuse
        }
        SlabHandle id;
        Stream* stream = find(token, id);
        if (stream == nullptr) {
            return;
        }
        stream->sending = false;
        --sending_;
        bool more = true;
        if (stream->tls) {
            more = sent_tls(id, *stream, token, result, engine, now, out);
        } else if (token.kind == OpKind::warm_stream) {
            if (!stream->closing) {
                send_piece(id, *stream); // if it could not be read, the send will say so
            }
        } else if (result < 0 && fall_back(*stream, result)) {
            more = stream->closing || send_next(id, *stream);
        } else if (result < 0 || (result == 0 && token.kind == OpKind::send_stream)) {
            if (stream->content && !stream->content->intact()) {
                metrics_.changed.add(); // it was cut where the kernel was reading
            }
            shut_down(*stream);
        } else {
            const auto bytes = static_cast<std::size_t>(result);
            metrics_.sent_bytes.add(bytes);
            const bool done = advance(*stream, bytes);
            if (!stream->closing) {
                if (bytes > 0) {
                    engine.on_stream_progress(id, bytes, now, out);
                }
                if (done) {
                    finish_send(*stream, now);
                    engine.on_stream_sent(id, now, out);
                } else {
                    more = send_next(id, *stream);
                }
            }
        }
        if (!more) {
            shut_down(*stream);
        }
        settle(id, *stream, engine, now, out);
    }

    /// Reports a closed connection once, and frees it when nothing is in flight any more.
    template <class Engine>
    void settle(SlabHandle id, Stream& stream, Engine& engine, const Now& now, Outbox& out) {
        if (!stream.closing) {
            return;
        }
        if (stream.tls_state != TlsState::none) {
            end_handshake(stream);
        }
        if (!stream.reported) {
            stream.reported = true;
            engine.on_stream_closed(id, now, out);
        }
        if (!stream.receiving && !stream.sending) {
            ::close(stream.fd);
            discount_body(stream);
            streams_.release(id);
        }
    }

    // TLS: stream_tls.cc, and stream_tls.hh for what calls the engine.
    template <class Engine>
    void receive_tls(SlabHandle id, Stream& stream, Bytes wire, Engine& engine, const Now& now,
                     Outbox& out);
    template <class Engine>
    void work_on_tls(SlabHandle id, Stream& stream, Bytes wire, Engine& engine, const Now& now,
                     Outbox& out);
    template <class Engine>
    [[nodiscard]] bool sent_tls(SlabHandle id, Stream& stream, OpToken token, int result,
                                Engine& engine, const Now& now, Outbox& out);
    template <class Engine>
    void wake(OpToken token, Engine& engine, const Now& now, Outbox& out);
    [[nodiscard]] bool begin_tls(Stream& stream);
    void count_handshake(Stream& stream) noexcept;
    void end_handshake(Stream& stream) noexcept;
    void fail_tls(Stream& stream, TlsFailure failure, const Now& now) noexcept;
    [[nodiscard]] bool hold_input(Stream& stream, Bytes wire);
    [[nodiscard]] bool send_next_tls(SlabHandle id, Stream& stream, bool warmed);
    [[nodiscard]] bool encrypt_turn(SlabHandle id, Stream& stream, bool warmed);
    [[nodiscard]] std::ptrdiff_t gather(const Stream& stream, std::uint64_t size, bool warmed);
    void fly(SlabHandle id, Stream& stream);
    void fly_on(SlabHandle id, Stream& stream);
    void flush_output(Stream& stream) noexcept;
    void say_end(Stream& stream) noexcept;

    Ring& ring_;
    SendHow how_;
    BufferGroup buffers_;
    Slab<Stream> streams_;
    std::vector<Fd> listeners_;
    std::vector<Endpoint> locals_;       ///< their addresses; unspecified: all of an interface
    std::vector<std::uint32_t> resting_; ///< listeners that do not accept until the next sweep
    std::uint32_t sending_ = 0;
    std::uint32_t bodies_ = 0; ///< streams that are sending a large content
    absl::flat_hash_map<IpAddress, std::uint32_t> peers_; ///< and how many of them to whom
    std::unique_ptr<std::byte[]> scratch_; ///< where read-ahead leaves bytes that nobody looks at
    std::array<Fd, 2> pipe_;               ///< of splice: its reading and its writing end
    Fd null_;
    bool accepting_ = true;
    StreamMetrics metrics_;

    TlsServer* tls_server_ = nullptr;
    std::vector<bool> listener_tls_;     ///< beside listeners_
    std::uint32_t handshakes_ = 0;       ///< under way
    std::unique_ptr<std::byte[]> plain_; ///< where plain text of a turn is gathered or decrypted
    TlsMetrics tls_metrics_;
};

} // namespace muster

#include "io/uring/stream_tls.hh"
