// SPDX-License-Identifier: Apache-2.0
// What the HTTP server counts. One writer; the scrape reads from another thread.
#pragma once

#include "core/metrics/counter.hh"
#include "core/metrics/exposition.hh"
#include "net/http/http_limits.hh"
#include "net/wire/http_error.hh"
#include "net/wire/http_response.hh"

#include <array>

// Every way a connection ends other than by the peer's wish or after its last answer.
#define MUSTER_HTTP_CLOSES(X)                                                                      \
    X(peer, "the peer closed, or its connection broke")                                            \
    X(answered, "the last answer was sent, as announced")                                          \
    X(too_many_connections, "no slot below the connection limit")                                  \
    X(head_timeout, "the head of a request was not complete in time")                              \
    X(idle_timeout, "no request for too long")                                                     \
    X(body_timeout, "the body of a request was not complete in time")                              \
    X(send_timeout, "the peer took no more bytes")                                                 \
    X(linger_timeout, "the peer did not close after the last answer")                              \
    X(content_cut, "what was being sent never arrived wholly from its upstream")                   \
    X(feed_behind, "a listener read the events slower than they came")                             \
    X(no_input_block, "no memory for input that has to wait")                                      \
    X(input_overflow, "more pipelined input than fits")

namespace muster {

enum class HttpClose : std::uint8_t {
#define X(name, text) name,
    MUSTER_HTTP_CLOSES(X)
#undef X
};

inline constexpr std::array http_close_names{
#define X(name, text) std::string_view{#name},
    MUSTER_HTTP_CLOSES(X)
#undef X
};

struct HttpMetrics {
    Counter connections;        ///< open now (a gauge)
    Counter connections_opened; ///< handed over by the driver
    std::array<Counter, http_close_names.size()> closed;
    std::array<Counter, http_method_count> requests;         ///< whose head was read
    std::array<Counter, http_statuses.size() + 1> responses; ///< the last: any other status
    std::array<Counter, http_error_count> refused;
    Counter sent_bytes;      ///< handed to the driver's sockets, heads included
    Counter held_requests;   ///< that waited because their client knows no 503
    Counter samples_dropped; ///< progress samples that control had no room for
    Counter listeners;       ///< of the feed, now (a gauge)
    Counter stale_streams;   ///< facts about a stream that is gone
    Counter stale_answers;   ///< answers to a request that is gone

    [[nodiscard]] const Counter& closed_by(HttpClose reason) const noexcept {
        return closed[static_cast<std::size_t>(reason)];
    }
    [[nodiscard]] const Counter& refused_for(HttpError reason) const noexcept {
        return refused[static_cast<std::size_t>(reason)];
    }
    [[nodiscard]] const Counter& responses_with(std::uint16_t status) const noexcept {
        return responses[status_index(status)];
    }
};

/// Adds the counters to a scrape, labelled with the role. Thread: any.
void report_http(const HttpMetrics& metrics, HttpRole role, Exposition& exposition);

} // namespace muster
