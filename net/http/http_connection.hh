// SPDX-License-Identifier: Apache-2.0
// The state of one connection of the HTTP server.
#pragma once

#include "core/port/access_record.hh"
#include "core/port/stream.hh"
#include "net/http/http_exchange.hh"
#include "net/http/http_input.hh"
#include "net/wire/http_body.hh"
#include "net/wire/http_request.hh"

#include <memory>
#include <vector>

namespace muster {

/// What a listener of the feed is still to be sent, beyond the StreamSend that is out.
struct HttpFeed {
    std::vector<ContentRef> waiting; ///< oldest first; shared with the other listeners
    std::uint64_t bytes = 0;         ///< of these
};

/// Lives in an array beside the driver's connections, at StreamId.slot.
struct HttpConnection {
    enum class State : std::uint8_t {
        free,         ///< no connection in this slot
        reading_head, ///< waits for a request; idle as long as no byte of it came
        continuing,   ///< 100 Continue is being sent, then the body is read
        reading_body,
        opening,  ///< the driver opens the file: on_content()
        asking,   ///< control has the request: on_reply()
        held,     ///< is tried again from expire(): control or the driver had no room
        sending,  ///< the answer is going out
        arriving, ///< as much of it as there is has gone: on_content_grown()
        feeding,  ///< a feed's listener was sent all that there is: on_feed()
        draining, ///< all said; the peer is to close
        closed,   ///< we ordered the driver to close: on_stream_closed() frees the slot
    };

    StreamId stream; ///< names this connection; generation 0 in a free slot
    State state = State::free;
    bool head_started = false; ///< a byte of the head came: head_timeout runs
    bool input_ended = false;  ///< the peer sends no more: nothing after what is held
    bool paused = false;       ///< the driver was told to deliver nothing
    bool listed = false;       ///< among those that wait for a content to arrive
    bool sampled = false;      ///< the body being sent is a file's: progress is reported
    std::uint32_t ticket = 0;  ///< names the request to the driver and to control; odd
    HttpHeadScanner scanner;
    HttpInput input;
    Endpoint peer;
    Endpoint local;
    HttpBodyReader body;
    HttpExchange exchange;
    Instant hold_until = Instant::never(); ///< set once the request was first held

    // The answer under way.
    std::uint16_t status = 0;
    std::uint32_t head_bytes = 0;         ///< of its head
    std::uint64_t answer_done = 0;        ///< bytes of it that the driver reported gone
    std::unique_ptr<AccessRecord> access; ///< for the log; null: none is kept
    Instant access_began;

    // The StreamSend that is out.
    std::uint32_t send_head = 0;      ///< bytes before the content
    std::uint64_t send_size = 0;      ///< bytes with the content
    std::uint64_t send_done = 0;      ///< bytes that the driver reported gone
    std::unique_ptr<HttpParts> parts; ///< of an answer with several: what is still to come
    ContentRef rest;                  ///< of an answer that is still arriving: what to go on with
    ByteRange rest_range;             ///< of `rest`: what is still to be sent
    std::unique_ptr<HttpFeed> feed;   ///< of a listener; null: an answer with an end
    std::uint64_t body_done = 0;      ///< content bytes of parts that went before this send
    std::uint64_t sample_sent = 0;    ///< content bytes that samples have told
    std::uint64_t sample_offset = 0;  ///< where the range starts
    std::uint64_t sample_size = 0;    ///< of the whole content
    Instant sample_due;               ///< no sample before

    [[nodiscard]] bool reads_input() const noexcept {
        return state == State::reading_head || state == State::reading_body;
    }
    /// Nothing that still comes in will be answered.
    [[nodiscard]] bool discards_input() const noexcept {
        return state == State::draining || state == State::closed ||
               ((state == State::sending || state == State::arriving || state == State::feeding) &&
                !exchange.keep_alive);
    }
};
static_assert(sizeof(HttpConnection) <= 512, "twenty thousand of them are taken at start");

} // namespace muster
