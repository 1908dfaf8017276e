// SPDX-License-Identifier: Apache-2.0
// The HTTP server: bytes of connections in, requests to the driver and control out, answers back.
#pragma once

#include "core/mem/timer_wheel.hh"
#include "core/port/outbox.hh"
#include "net/http/http_connection.hh"
#include "net/http/http_metrics.hh"

#include <vector>

namespace muster {

/// HTTP/1.1 and 1.0 over connections that a driver owns. One object serves the data plane of one
/// worker, another one the admin API beside control; they differ by their role alone.
///
/// A request is read whole (head and body), led to a file (OpenRequest) or to control
/// (DynamicRequest), and its answer sent before the next one of the connection is looked at, so
/// pipelined requests are answered in order. A connection has at most one StreamSend out.
///
/// What a driver must keep to:
///  - StreamId.slot is below HttpLimits::connections, and a generation names one connection;
///  - data of one connection comes in order; after StreamOrder::pause no more than was under way,
///    which fits if it is at most HttpLimits::receive_bytes_max, until `resume`;
///  - every StreamSend ends with on_stream_sent() or on_stream_closed();
///  - on_stream_closed() comes exactly once for each on_stream_open(), also after
///    StreamOrder::close, and the slot is used again only afterwards.
///
/// Ticket.handle of a request is {slot of its connection, a serial number}: an answer to anything
/// but the request that now waits in that slot is dropped and counted.
///
/// Thread:  the owner's; report() and metrics() any.
/// Source:  RFC 9110, RFC 9112; CLIENTS.md section 4 for what clients need.
class HttpServer {
public:
    HttpServer(const HttpLimits& limits, HttpRole role);

    /// A connection was accepted: `peer` is the client, `local` the address it connected to.
    void on_stream_open(StreamId stream, const Endpoint& peer, const Endpoint& local,
                        const Now& now, Outbox& out) noexcept;
    void on_stream_data(StreamId stream, Bytes bytes, const Now& now, Outbox& out) noexcept;
    /// The peer sends no more, but may still read: what it asked is answered, then its connection
    /// ends. (RFC 9112 section 9.6 lets either side end first; `nc -N` and old wgets do.)
    void on_stream_end(StreamId stream, const Now& now, Outbox& out) noexcept;
    /// Part of the StreamSend that is out has gone: `bytes_sent` since the last such report, bytes
    /// of the head included.
    void on_stream_progress(StreamId stream, std::uint64_t bytes_sent, const Now& now,
                            Outbox& out) noexcept;
    /// The StreamSend that was out has gone wholly; with close_after, the stream is shut down.
    void on_stream_sent(StreamId stream, const Now& now, Outbox& out) noexcept;
    /// The peer closed, the connection broke, or an order to close was carried out.
    void on_stream_closed(StreamId stream, const Now& now, Outbox& out) noexcept;

    /// Answers an OpenRequest. The content is not null.
    void on_content(const Ticket& ticket, Result<ContentRef, OpenError> content, const Now& now,
                    Outbox& out) noexcept;
    /// Which paths are mirrors', from now on. Null: none. Kept until the next call.
    void on_snapshot(SnapshotRef site) noexcept { site_ = std::move(site); }
    /// More has come of contents that were still arriving, or no more will come.
    void on_content_grown(const Now& now, Outbox& out) noexcept;
    /// Answers a DynamicRequest.
    void on_reply(const DynamicReply& reply, const Now& now, Outbox& out) noexcept;

    /// More of the feed, for all whose answer was a DynamicReply with `feed`. Not null.
    void on_feed(const ContentRef& more, const Now& now, Outbox& out) noexcept;
    /// Connections whose answer is a feed, also those whose first part is still being sent.
    [[nodiscard]] std::size_t listeners() const noexcept { return listeners_; }

    /// Fires every timer due at or before `now`.
    void expire(const Now& now, Outbox& out) noexcept;
    [[nodiscard]] Instant next_deadline() const noexcept { return timers_.next_deadline(); }

    [[nodiscard]] const HttpMetrics& metrics() const noexcept { return metrics_; }
    void report(Exposition& exposition) const { report_http(metrics_, role_, exposition); }

private:
    using State = HttpConnection::State;

    [[nodiscard]] HttpConnection* find(StreamId stream) noexcept;
    [[nodiscard]] HttpConnection* find(const Ticket& ticket, State waiting) noexcept;
    void enter(HttpConnection& c, State state, Instant deadline) noexcept;
    void release(HttpConnection& c) noexcept;
    void close(HttpConnection& c, HttpClose reason, const Now& now, Outbox& out) noexcept;

    // Input: each returns how much of it is done with.
    std::size_t work_on(HttpConnection& c, Bytes in, const Now& now, Outbox& out) noexcept;
    std::size_t read_head(HttpConnection& c, Bytes in, const Now& now, Outbox& out) noexcept;
    std::size_t read_body(HttpConnection& c, Bytes in, const Now& now, Outbox& out) noexcept;
    void work_on_held(HttpConnection& c, const Now& now, Outbox& out) noexcept;
    void settle(HttpConnection& c, const Now& now, Outbox& out) noexcept;

    // A request's way.
    void await_request(HttpConnection& c, const Now& now) noexcept;
    void begin_request(HttpConnection& c, Bytes head, const Now& now, Outbox& out) noexcept;
    void dispatch(HttpConnection& c, const Now& now, Outbox& out) noexcept;
    void hold(HttpConnection& c, HttpError why, Duration retry, const Now& now,
              Outbox& out) noexcept;
    void on_timer(HttpConnection& c, const Now& now, Outbox& out) noexcept;
    void forget_body(HttpConnection& c) noexcept;

    // Answers.
    void refuse(HttpConnection& c, HttpError error, const Now& now, Outbox& out) noexcept;
    void send(HttpConnection& c, HttpAnswer answer, const Now& now, Outbox& out) noexcept;
    void begin_send(HttpConnection& c, StreamSend sending, const Now& now, Outbox& out) noexcept;
    void send_part(HttpConnection& c, const Now& now, Outbox& out) noexcept;
    void send_rest(HttpConnection& c, const Now& now, Outbox& out) noexcept;
    void send_feed(HttpConnection& c, const Now& now, Outbox& out) noexcept;
    void end_feed(HttpConnection& c) noexcept;
    void send_continue(HttpConnection& c, const Now& now, Outbox& out) noexcept;
    void note_sent(HttpConnection& c, std::uint64_t bytes) noexcept;
    void begin_samples(HttpConnection& c, const HttpAnswer& answer, const Now& now,
                       Outbox& out) noexcept;
    void end_samples(HttpConnection& c, TransferSample::Phase phase, Outbox& out) noexcept;
    void sample(HttpConnection& c, TransferSample::Phase phase, Outbox& out) noexcept;

    // The access log.
    void begin_access(HttpConnection& c, const HttpRequestHead& head, Bytes bytes,
                      const Now& now) noexcept;
    void end_access(HttpConnection& c, bool complete, const Now& now, Outbox& out) noexcept;

    HttpLimits limits_;
    HttpRole role_;
    std::vector<HttpConnection> connections_;
    TimerWheel timers_; ///< one a connection
    HttpInputPool inputs_;
    std::vector<std::uint32_t> arriving_; ///< slots that were once in that state; some are still
    std::vector<StreamId> feeds_;         ///< listeners, with some that are gone
    std::size_t listeners_ = 0;
    SnapshotRef site_;
    std::uint64_t bodies_bytes_ = 0; ///< of request bodies that are not yet with control
    std::uint32_t last_ticket_ = UINT32_MAX;
    std::uint64_t last_serial_ = 0; ///< of requests
    HttpMetrics metrics_;
};

} // namespace muster
