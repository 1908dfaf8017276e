// SPDX-License-Identifier: Apache-2.0
// What of StreamIo's TLS calls the engine. Included by stream_io.hh alone.
#pragma once

#include "io/host/socket_address.hh"
#include "io/uring/stream_io.hh"

namespace muster {

/// Plain bytes that are encrypted at once: eight records.
inline constexpr std::size_t tls_turn_max = 128 << 10;
/// What a connection may make us say without reading it (answers to key updates).
inline constexpr std::size_t tls_unsent_max = 64 << 10;

template <class Engine>
void StreamIo::receive_tls(SlabHandle id, Stream& stream, Bytes wire, Engine& engine,
                           const Now& now, Outbox& out) {
    if (!stream.tls && !begin_tls(stream)) {
        shut_down(stream);
        return;
    }
    if (stream.paused || !stream.tls->held.empty()) {
        if (!hold_input(stream, wire)) {
            shut_down(stream);
        }
        return;
    }
    work_on_tls(id, stream, wire, engine, now, out);
}

template <class Engine>
void StreamIo::work_on_tls(SlabHandle id, Stream& stream, Bytes wire, Engine& engine,
                           const Now& now, Outbox& out) {
    using Kind = TlsSession::Step::Kind;
    TlsSession& session = *stream.tls->session;
    session.feed(wire);
    for (bool more = true; more;) {
        const TlsSession::Step step = session.read({plain_.get(), tls_turn_max});
        switch (step.kind) {
        case Kind::more:
            more = false;
            break;
        case Kind::opened:
            count_handshake(stream);
            stream.reported = false;
            engine.on_stream_open(id, peer_endpoint(stream.fd), local_endpoint(stream.fd), now,
                                  out);
            break;
        case Kind::data:
            engine.on_stream_data(id, {plain_.get(), step.size}, now, out);
            break;
        case Kind::ended:
            end_input(id, stream, engine, now, out);
            more = false;
            break;
        case Kind::failed:
            fail_tls(stream, step.failure, now);
            return;
        }
    }
    if (session.output().size() > tls_unsent_max) {
        fail_tls(stream, TlsFailure::protocol, now);
    } else if (!stream.sending && !stream.closing && !session.output().empty()) {
        fly(id, stream);
    }
}

/// False: the stream must end.
template <class Engine>
bool StreamIo::sent_tls(SlabHandle id, Stream& stream, OpToken token, int result, Engine& engine,
                        const Now& now, Outbox& out) {
    if (token.kind == OpKind::warm_stream) {
        return stream.closing || send_next_tls(id, stream, true);
    }
    if (result <= 0) {
        return false;
    }
    Tls& tls = *stream.tls;
    metrics_.sent_bytes.add(static_cast<std::uint64_t>(result));
    tls.flown += static_cast<std::size_t>(result);
    if (stream.closing) {
        return true;
    }
    if (tls.flown < tls.flight.size()) {
        fly_on(id, stream);
        return true;
    }
    tls.flight = {};
    if (const std::size_t bytes = std::exchange(tls.turn, 0); bytes > 0) {
        const bool done = advance(stream, bytes);
        engine.on_stream_progress(id, bytes, now, out);
        if (done) {
            finish_send(stream, now);
            engine.on_stream_sent(id, now, out);
        }
    }
    return send_next_tls(id, stream, false);
}

template <class Engine>
void StreamIo::wake(OpToken token, Engine& engine, const Now& now, Outbox& out) {
    SlabHandle id;
    Stream* stream = find(token, id);
    if (stream == nullptr || !stream->tls || stream->paused || stream->closing) {
        return;
    }
    const std::vector<std::byte> held = std::exchange(stream->tls->held, {});
    work_on_tls(id, *stream, held, engine, now, out);
    settle(id, *stream, engine, now, out);
}

} // namespace muster
