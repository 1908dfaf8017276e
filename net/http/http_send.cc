// SPDX-License-Identifier: Apache-2.0
// How answers go out, and what control is told of them on the way.
#include "net/http/http_server.hh"

#include <algorithm>
#include <utility>

namespace muster {
namespace {

/// What fits the send buffer of a connection: its end follows its beginning at once.
constexpr std::uint64_t at_one_go = std::uint64_t{64} << 10U;

} // namespace

void HttpServer::refuse(HttpConnection& c, HttpError error, const Now& now, Outbox& out) noexcept {
    if (describe(error).status == 400) {
        c.exchange.keep_alive = false; // it may be out of step with us, or up to no good
    }
    forget_body(c);
    send(c, answer_error(c.exchange, role_, error), now, out);
}

void HttpServer::send(HttpConnection& c, HttpAnswer answer, const Now& now, Outbox& out) noexcept {
    using Connection = HttpResponseHead::Connection;
    const HttpExchange& exchange = c.exchange;
    if (answer.refusal) {
        metrics_.refused[static_cast<std::size_t>(*answer.refusal)].add();
    }
    answer.head.date = now.wall;
    const std::string parts_type = answer.parts ? answer.parts->content_type() : std::string{};
    if (answer.parts) {
        answer.head.content_type = parts_type;
    }
    if (!exchange.keep_alive) {
        answer.head.connection = Connection::close;
    } else if (exchange.http_1_0) {
        answer.head.connection = Connection::keep_alive;
    }
    std::array<std::byte, http_head_bytes_max> buffer; // NOLINT: written below, read as far as that
    ByteWriter writer{buffer};
    write_response_head(writer, answer.head);
    if (writer.overflow()) { // a type or tag beyond all bounds: better left out
        answer.head.content_type = {};
        answer.head.etag = {};
        writer = ByteWriter{buffer};
        write_response_head(writer, answer.head);
    }
    const bool has_body = exchange.method != HttpMethod::head;
    if (answer.parts) { // ranges are GET's alone, so there is a body
        c.parts = std::move(answer.parts);
        answer.text = c.parts->next_text();
        answer.part = c.parts->next_range();
        c.parts->advance();
    }
    const std::size_t text_size = has_body ? answer.text.size() : 0;
    const std::uint64_t content_size = has_body && answer.content ? answer.part.size : 0;

    // What is still arriving goes out as far as it is there; the head goes at once.
    std::uint64_t there = content_size;
    if (content_size > 0) {
        const std::uint64_t arrived = answer.content->arrived();
        there =
            arrived > answer.part.offset ? std::min(content_size, arrived - answer.part.offset) : 0;
        if (there < content_size) {
            c.rest = answer.content;
            c.rest_range = {.offset = answer.part.offset + there, .size = content_size - there};
        }
    }
    StreamSend sending{.stream = c.stream,
                       .head_offset = out.store(writer.written()),
                       .head_size = static_cast<std::uint32_t>(writer.size() + text_size),
                       .content = there > 0 ? std::move(answer.content) : nullptr,
                       .offset = there > 0 ? answer.part.offset : 0,
                       .size = there,
                       .close_after = !exchange.keep_alive && !c.parts && !c.rest && !c.feed,
                       .peer_done = exchange.last_request && !answer.refusal};
    if (text_size > 0) {
        out.store(as_bytes(answer.text)); // right behind the head: one piece
    }
    metrics_.responses[status_index(answer.head.status)].add();
    c.status = answer.head.status;
    c.head_bytes = static_cast<std::uint32_t>(writer.size());
    c.answer_done = 0;
    c.body_done = 0;
    begin_send(c, std::move(sending), now, out);
}

void HttpServer::begin_send(HttpConnection& c, StreamSend sending, const Now& now,
                            Outbox& out) noexcept {
    c.send_head = sending.head_size;
    c.send_size = sending.head_size + sending.size;
    c.send_done = 0;
    out.stream_sends.push_back(std::move(sending));
    enter(c, State::sending, now.steady + limits_.send_timeout);
}

/// The next part of an answer with several, or the line that ends it.
void HttpServer::send_part(HttpConnection& c, const Now& now, Outbox& out) noexcept {
    c.body_done += c.send_size - c.send_head;
    const std::string text = c.parts->next_text();
    const ByteRange range = c.parts->next_range();
    StreamSend sending{.stream = c.stream,
                       .head_offset = out.store(as_bytes(text)),
                       .head_size = static_cast<std::uint32_t>(text.size()),
                       .content = range.size > 0 ? c.parts->content() : nullptr,
                       .offset = range.offset,
                       .size = range.size,
                       .close_after = !c.exchange.keep_alive && c.parts->at_end(),
                       .peer_done = c.exchange.last_request};
    c.parts->advance();
    begin_send(c, std::move(sending), now, out);
}

/// What has arrived since the last send of an answer; with nothing new, the connection waits.
void HttpServer::send_rest(HttpConnection& c, const Now& now, Outbox& out) noexcept {
    const bool ended = c.rest->ended(); // before the count: what comes between the two is seen
    const std::uint64_t arrived = c.rest->arrived();
    if (arrived <= c.rest_range.offset) {
        if (ended) {
            close(c, HttpClose::content_cut, now, out); // short of what the head promised
            return;
        }
        enter(c, State::arriving, now.steady + limits_.mirror_timeout);
        if (!std::exchange(c.listed, true)) {
            arriving_.push_back(c.stream.slot);
        }
        return;
    }
    c.body_done += c.send_size - c.send_head;
    const std::uint64_t size = std::min(c.rest_range.size, arrived - c.rest_range.offset);
    StreamSend sending{.stream = c.stream,
                       .head_offset = 0,
                       .head_size = 0,
                       .content = c.rest,
                       .offset = c.rest_range.offset,
                       .size = size,
                       .close_after = !c.exchange.keep_alive && size == c.rest_range.size,
                       .peer_done = c.exchange.last_request};
    c.rest_range.offset += size;
    c.rest_range.size -= size;
    if (c.rest_range.size == 0) {
        c.rest.reset();
    }
    begin_send(c, std::move(sending), now, out);
}

void HttpServer::on_feed(const ContentRef& more, const Now& now, Outbox& out) noexcept {
    std::erase_if(feeds_, [this](StreamId listener) {
        const HttpConnection& c = connections_[listener.slot];
        return c.stream != listener || !c.feed;
    });
    for (const StreamId listener : feeds_) {
        HttpConnection& c = connections_[listener.slot];
        if (c.feed->bytes + more->bytes.size() > limits_.feed_bytes_max) {
            close(c, HttpClose::feed_behind, now, out);
            continue;
        }
        c.feed->waiting.push_back(more);
        c.feed->bytes += more->bytes.size();
        if (c.state == State::feeding) {
            send_feed(c, now, out);
        }
    }
}

/// The oldest of what waits for a listener; with nothing, it waits for on_feed().
void HttpServer::send_feed(HttpConnection& c, const Now& now, Outbox& out) noexcept {
    if (c.feed->waiting.empty()) {
        enter(c, State::feeding, Instant::never());
        return;
    }
    ContentRef next = std::move(c.feed->waiting.front());
    c.feed->waiting.erase(c.feed->waiting.begin());
    const std::uint64_t size = next->bytes.size();
    c.feed->bytes -= size;
    begin_send(c,
               {.stream = c.stream,
                .head_offset = 0,
                .head_size = 0,
                .content = std::move(next),
                .offset = 0,
                .size = size,
                .close_after = false,
                .peer_done = false},
               now, out);
}

void HttpServer::end_feed(HttpConnection& c) noexcept {
    if (std::exchange(c.feed, nullptr)) {
        metrics_.listeners.set(--listeners_);
    }
}

void HttpServer::send_continue(HttpConnection& c, const Now& now, Outbox& out) noexcept {
    c.send_head = static_cast<std::uint32_t>(http_continue.size());
    c.send_size = http_continue.size();
    c.send_done = 0;
    c.answer_done = 0;
    out.stream_sends.push_back({.stream = c.stream,
                                .head_offset = out.store(as_bytes(http_continue)),
                                .head_size = c.send_head,
                                .content = nullptr,
                                .offset = 0,
                                .size = 0,
                                .close_after = false,
                                .peer_done = false});
    enter(c, State::continuing, now.steady + limits_.send_timeout);
}

void HttpServer::note_sent(HttpConnection& c, std::uint64_t bytes) noexcept {
    const std::uint64_t count = std::min(bytes, c.send_size - c.send_done);
    metrics_.sent_bytes.add(count);
    c.send_done += count;
    c.answer_done += count;
}

/// A GET of a file begins, if the answer is one: HEAD and refusals are no transfers.
void HttpServer::begin_samples(HttpConnection& c, const HttpAnswer& answer, const Now& now,
                               Outbox& out) noexcept {
    // A listing is for people: no transfer of a file, either.
    const bool transfers = (answer.head.status == 200 || answer.head.status == 206) &&
                           answer.content && !answer.content->etag.empty();
    if (!transfers || c.exchange.method != HttpMethod::get) {
        return;
    }
    c.sampled = true;
    c.sample_sent = 0;
    c.sample_offset = answer.parts ? answer.parts->ranges().front().offset : answer.part.offset;
    c.sample_size = answer.content->bytes.size();
    c.sample_due = now.steady + limits_.sample_interval;
    c.send_head = 0;
    c.send_done = 0;
    c.body_done = 0;
    if (c.sample_size > at_one_go || answer.content->arrived() < c.sample_size) {
        sample(c, TransferSample::Phase::started, out);
    }
}

void HttpServer::end_samples(HttpConnection& c, TransferSample::Phase phase, Outbox& out) noexcept {
    if (std::exchange(c.sampled, false)) {
        sample(c, phase, out);
    }
}

/// Dropped when control has no room; what was not told is in the next sample, if there is one.
void HttpServer::sample(HttpConnection& c, TransferSample::Phase phase, Outbox& out) noexcept {
    if (out.messages.size() >= out.control_room) {
        metrics_.samples_dropped.add();
        return;
    }
    const std::string_view root = c.exchange.root == ContentRoot::files     ? "/files/"
                                  : c.exchange.root == ContentRoot::loaders ? "/loaders/"
                                                                            : ""; // has its own
    const std::uint64_t sent =
        c.body_done + (c.send_done > c.send_head ? c.send_done - c.send_head : 0);
    auto told = std::make_unique<TransferSample>();
    told->client = c.peer.address;
    told->phase = phase;
    told->path.append(root).append(c.exchange.path);
    told->offset = c.sample_offset;
    told->sent = sent - c.sample_sent;
    told->size = c.sample_size;
    c.sample_sent = sent;
    MUSTER_CHECK(out.tell(std::move(told)));
}

} // namespace muster
