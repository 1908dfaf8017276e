// SPDX-License-Identifier: Apache-2.0
// All transitions of a connection. What an answer says is chosen in http_exchange.cc, how it goes
// out is in http_send.cc.
#include "net/http/http_server.hh"

#include <algorithm>
#include <utility>

namespace muster {

HttpServer::HttpServer(const HttpLimits& limits, HttpRole role)
    : limits_(limits),
      role_(role),
      connections_(limits.connections),
      timers_(limits.connections),
      inputs_(limits.input_blocks, limits.input_block_bytes()) {}

HttpConnection* HttpServer::find(StreamId stream) noexcept {
    if (stream.slot < connections_.size() && stream.generation != 0 &&
        connections_[stream.slot].stream == stream) {
        return &connections_[stream.slot];
    }
    metrics_.stale_streams.add();
    return nullptr;
}

HttpConnection* HttpServer::find(const Ticket& ticket, State waiting) noexcept {
    const SlabHandle handle = ticket.handle;
    if (ticket.owner == Ticket::Owner::http && handle.slot < connections_.size()) {
        HttpConnection& c = connections_[handle.slot];
        if (c.state == waiting && c.ticket == handle.generation) {
            return &c;
        }
    }
    metrics_.stale_answers.add();
    return nullptr;
}

void HttpServer::enter(HttpConnection& c, State state, Instant deadline) noexcept {
    c.state = state;
    timers_.arm(c.stream.slot, deadline);
}

void HttpServer::release(HttpConnection& c) noexcept {
    inputs_.drop_all(c.input);
    forget_body(c);
    end_feed(c);
    timers_.cancel(c.stream.slot);
    const bool listed = c.listed; // the list goes by slots
    c = HttpConnection{};
    c.listed = listed;
    metrics_.connections.set(metrics_.connections.read() - 1);
}

void HttpServer::close(HttpConnection& c, HttpClose reason, const Now& now, Outbox& out) noexcept {
    metrics_.closed[static_cast<std::size_t>(reason)].add();
    end_samples(c, TransferSample::Phase::aborted, out);
    end_access(c, false, now, out);
    end_feed(c);
    out.stream_orders.push_back({.stream = c.stream, .kind = StreamOrder::Kind::close});
    enter(c, State::closed, Instant::never());
}

void HttpServer::on_stream_open(StreamId stream, const Endpoint& peer, const Endpoint& local,
                                const Now& now, Outbox& out) noexcept {
    metrics_.connections_opened.add();
    if (stream.slot >= connections_.size() || stream.generation == 0) {
        metrics_.closed[static_cast<std::size_t>(HttpClose::too_many_connections)].add();
        out.stream_orders.push_back({.stream = stream, .kind = StreamOrder::Kind::close});
        return;
    }
    HttpConnection& c = connections_[stream.slot];
    if (c.state != State::free) { // its end was not told: the driver knows better
        on_stream_closed(c.stream, now, out);
    }
    metrics_.connections.set(metrics_.connections.read() + 1);
    c.stream = stream;
    c.peer = peer;
    c.local = local;
    await_request(c, now);
}

void HttpServer::on_stream_closed(StreamId stream, const Now& now, Outbox& out) noexcept {
    if (stream.slot >= connections_.size()) {
        return; // refused when it came
    }
    HttpConnection* c = find(stream);
    if (c == nullptr) {
        return;
    }
    if (c->state != State::closed) {
        const auto reason = c->state == State::draining ? HttpClose::answered : HttpClose::peer;
        metrics_.closed[static_cast<std::size_t>(reason)].add();
        end_samples(*c, TransferSample::Phase::aborted, out);
        end_access(*c, false, now, out);
    }
    release(*c);
}

void HttpServer::on_stream_data(StreamId stream, Bytes bytes, const Now& now,
                                Outbox& out) noexcept {
    HttpConnection* c = find(stream);
    if (c == nullptr) {
        return;
    }
    if (c->input.empty()) { // the usual case: read where it lies, nothing is copied
        bytes = bytes.subspan(work_on(*c, bytes, now, out));
    }
    while (!bytes.empty() && !c->discards_input()) {
        if (!inputs_.claim(c->input)) {
            close(*c, HttpClose::no_input_block, now, out);
            break;
        }
        const std::size_t added = inputs_.add(c->input, bytes);
        if (added == 0) {
            close(*c, HttpClose::input_overflow, now, out);
            break;
        }
        bytes = bytes.subspan(added);
        work_on_held(*c, now, out);
    }
    settle(*c, now, out);
}

void HttpServer::on_stream_end(StreamId stream, const Now& now, Outbox& out) noexcept {
    if (HttpConnection* c = find(stream)) {
        c->input_ended = true;
        settle(*c, now, out);
    }
}

/// Takes what can be taken now: nothing while an answer is under way, all once there will be none.
std::size_t HttpServer::work_on(HttpConnection& c, Bytes in, const Now& now, Outbox& out) noexcept {
    std::size_t used = 0;
    while (used < in.size() && c.reads_input()) {
        const Bytes rest = in.subspan(used);
        const std::size_t step = c.state == State::reading_head ? read_head(c, rest, now, out)
                                                                : read_body(c, rest, now, out);
        if (step == 0) {
            break; // more is needed, or it was refused
        }
        used += step;
    }
    return c.discards_input() ? in.size() : used;
}

void HttpServer::work_on_held(HttpConnection& c, const Now& now, Outbox& out) noexcept {
    inputs_.drop(c.input, work_on(c, inputs_.held(c.input), now, out));
}

/// Ends every fact: lets go of input that will not be read, and stops or starts the driver.
void HttpServer::settle(HttpConnection& c, const Now& now, Outbox& out) noexcept {
    if (c.input_ended && c.reads_input()) {
        close(c, HttpClose::peer, now,
              out); // all that came was read: what is missing will not come
    }
    if (c.discards_input()) {
        inputs_.drop_all(c.input);
    }
    const bool full = inputs_.room(c.input) < limits_.receive_bytes_max;
    if (full != c.paused && c.state != State::closed) {
        c.paused = full;
        out.stream_orders.push_back(
            {.stream = c.stream,
             .kind = full ? StreamOrder::Kind::pause : StreamOrder::Kind::resume});
    }
}

void HttpServer::await_request(HttpConnection& c, const Now& now) noexcept {
    c.exchange = HttpExchange{};
    c.scanner = HttpHeadScanner{};
    c.head_started = false;
    c.hold_until = Instant::never();
    enter(c, State::reading_head, now.steady + limits_.idle_timeout);
}

std::size_t HttpServer::read_head(HttpConnection& c, Bytes in, const Now& now,
                                  Outbox& out) noexcept {
    const auto end = c.scanner.scan(in, limits_.head);
    if (!end) {
        refuse(c, end.error(), now, out);
        return 0;
    }
    if (!*end) {
        if (!std::exchange(c.head_started, true)) {
            timers_.arm(c.stream.slot, now.steady + limits_.head_timeout);
        }
        return 0;
    }
    begin_request(c, in.first(**end), now, out);
    return **end;
}

void HttpServer::begin_request(HttpConnection& c, Bytes bytes, const Now& now,
                               Outbox& out) noexcept {
    const auto head = read_request_head(bytes);
    if (!head) {
        refuse(c, head.error(), now, out); // keep_alive is false: where the next begins is unknown
        return;
    }
    metrics_.requests[static_cast<std::size_t>(head->method)].add();
    begin_access(c, *head, bytes, now);
    c.exchange.serial = ++last_serial_;
    c.exchange.refusal =
        take_request(*head, role_,
                     site_ ? std::span{site_->mirrors} : std::span<const MirrorPlan>{}, c.exchange);
    const std::uint64_t body_max =
        role_ == HttpRole::admin ? limits_.admin_body_bytes_max : limits_.body_bytes_max;
    if (head->content_length > body_max) {
        c.exchange.keep_alive = false;
        refuse(c, HttpError::body_too_large, now, out);
        return;
    }
    c.body = head->chunked ? HttpBodyReader::of_chunks(body_max)
                           : HttpBodyReader::of_length(head->content_length);
    if (c.body.done()) {
        dispatch(c, now, out);
    } else if (!head->expect_continue) {
        enter(c, State::reading_body, now.steady + limits_.body_timeout);
    } else if (c.exchange.refusal) {
        // RFC 9110 section 10.1.1: the body may come or not, so the connection cannot go on.
        c.exchange.keep_alive = false;
        dispatch(c, now, out);
    } else {
        send_continue(c, now, out);
    }
}

std::size_t HttpServer::read_body(HttpConnection& c, Bytes in, const Now& now,
                                  Outbox& out) noexcept {
    const auto step = c.body.read(in);
    HttpExchange& exchange = c.exchange;
    if (!step) {
        exchange.keep_alive = false;
        refuse(c, step.error(), now, out);
        return 0;
    }
    if (exchange.asked && !exchange.refusal) { // nobody wants the body of any other request
        if (bodies_bytes_ + step->content.size() > limits_.bodies_bytes_max) {
            exchange.keep_alive = false;
            refuse(c, HttpError::body_memory_exhausted, now, out);
            return 0;
        }
        bodies_bytes_ += step->content.size();
        exchange.asked->body += as_text(step->content);
    }
    if (c.body.done()) {
        dispatch(c, now, out);
    }
    return step->used;
}

/// The body is no longer ours to hold.
void HttpServer::forget_body(HttpConnection& c) noexcept {
    if (c.exchange.asked) {
        bodies_bytes_ -= c.exchange.asked->body.size();
        c.exchange.asked.reset();
    }
}

/// The request was read wholly: answers it, or asks who can.
void HttpServer::dispatch(HttpConnection& c, const Now& now, Outbox& out) noexcept {
    HttpExchange& exchange = c.exchange;
    if (exchange.refusal) {
        refuse(c, *exchange.refusal, now, out);
        return;
    }
    last_ticket_ += 2; // odd, as live generations are
    c.ticket = last_ticket_;
    const Ticket ticket{.owner = Ticket::Owner::http,
                        .handle = {.slot = c.stream.slot, .generation = c.ticket}};
    if (!exchange.asked) {
        out.opens.push_back({.ticket = ticket,
                             .root = exchange.root,
                             .path = exchange.path,
                             .choice = exchange.choice});
        enter(c, State::opening,
              now.steady + (exchange.root == ContentRoot::mirror ? limits_.mirror_timeout
                                                                 : limits_.answer_timeout));
        return;
    }
    if (out.messages.size() >= out.control_room) { // tell() would let go of the request
        hold(c, HttpError::control_busy, limits_.control_retry, now, out);
        return;
    }
    exchange.asked->ticket = ticket;
    exchange.asked->client = c.peer;
    exchange.asked->server = c.local.address;
    bodies_bytes_ -= exchange.asked->body.size();
    MUSTER_CHECK(out.tell(std::move(exchange.asked)));
    enter(c, State::asking, now.steady + limits_.answer_timeout);
}

/// Not now: says so to clients that come back by themselves, lets the others wait.
void HttpServer::hold(HttpConnection& c, HttpError why, Duration retry, const Now& now,
                      Outbox& out) noexcept {
    if (tries_again(c.exchange.client) || now.steady >= c.hold_until) {
        refuse(c, why, now, out);
        return;
    }
    if (c.hold_until == Instant::never()) {
        c.hold_until = now.steady + limits_.hold_max;
        metrics_.held_requests.add();
    }
    enter(c, State::held, std::min(now.steady + retry, c.hold_until));
}

void HttpServer::on_content(const Ticket& ticket, Result<ContentRef, OpenError> content,
                            const Now& now, Outbox& out) noexcept {
    HttpConnection* c = find(ticket, State::opening);
    if (c == nullptr) {
        return;
    }
    if (content) {
        MUSTER_CHECK(*content != nullptr);
        HttpAnswer answer = answer_file(c->exchange, role_, *content, now.wall);
        begin_samples(*c, answer, now, out);
        send(*c, std::move(answer), now, out);
    } else {
        switch (content.error()) {
        case OpenError::not_found:
            refuse(*c, HttpError::file_not_found, now, out);
            break;
        case OpenError::forbidden:
            refuse(*c, HttpError::file_forbidden, now, out);
            break;
        case OpenError::unavailable:
            hold(*c, HttpError::file_unavailable, limits_.open_retry, now, out);
            break;
        case OpenError::bad_gateway:
            refuse(*c, HttpError::upstream_failed, now, out);
            break;
        case OpenError::gateway_timeout:
            refuse(*c, HttpError::upstream_timeout, now, out);
            break;
        }
    }
    settle(*c, now, out);
}

void HttpServer::on_reply(const DynamicReply& reply, const Now& now, Outbox& out) noexcept {
    if (HttpConnection* c = find(reply.ticket, State::asking)) {
        HttpAnswer answer = answer_reply(c->exchange, role_, reply, now.wall);
        if (answer.feed && listeners_ >= limits_.listeners_max) {
            refuse(*c, HttpError::too_many_listeners, now, out);
            settle(*c, now, out);
            return;
        }
        if (answer.feed) {
            c->exchange.keep_alive = false; // its end is the connection's
            c->feed = std::make_unique<HttpFeed>();
            feeds_.push_back(c->stream);
            metrics_.listeners.set(++listeners_);
        }
        send(*c, std::move(answer), now, out);
        settle(*c, now, out);
    }
}

void HttpServer::on_stream_progress(StreamId stream, std::uint64_t bytes_sent, const Now& now,
                                    Outbox& out) noexcept {
    HttpConnection* c = find(stream);
    if (c == nullptr || (c->state != State::sending && c->state != State::continuing) ||
        bytes_sent == 0) {
        return; // a report about a send that was cut off, or no progress
    }
    note_sent(*c, bytes_sent);
    timers_.arm(stream.slot, now.steady + limits_.send_timeout);
    if (c->sampled && c->send_done > c->send_head && now.steady >= c->sample_due) {
        sample(*c, TransferSample::Phase::running, out);
        c->sample_due = now.steady + limits_.sample_interval;
    }
}

void HttpServer::on_stream_sent(StreamId stream, const Now& now, Outbox& out) noexcept {
    HttpConnection* c = find(stream);
    if (c == nullptr || (c->state != State::sending && c->state != State::continuing)) {
        return;
    }
    note_sent(*c, c->send_size - c->send_done);
    if (c->parts && !c->parts->done()) {
        send_part(*c, now, out);
        return;
    }
    if (c->feed) {
        send_feed(*c, now, out);
        settle(*c, now, out);
        return;
    }
    if (c->rest) {
        send_rest(*c, now, out);
        settle(*c, now, out);
        return;
    }
    if (c->state == State::continuing) {
        enter(*c, State::reading_body, now.steady + limits_.body_timeout);
    } else {
        end_samples(*c, TransferSample::Phase::completed, out);
        end_access(*c, true, now, out);
        c->parts.reset();
        if (c->exchange.keep_alive) {
            await_request(*c, now);
        } else {
            enter(*c, State::draining, now.steady + limits_.linger_timeout);
        }
    }
    work_on_held(*c, now, out);
    settle(*c, now, out);
}

void HttpServer::on_content_grown(const Now& now, Outbox& out) noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < arriving_.size(); ++i) {
        const std::uint32_t slot = arriving_[i];
        HttpConnection& c = connections_[slot];
        if (c.state == State::arriving) {
            send_rest(c, now, out);
            settle(c, now, out);
        }
        if (c.state == State::arriving) {
            arriving_[kept++] = slot;
        } else {
            c.listed = false;
        }
    }
    arriving_.resize(kept);
}

void HttpServer::expire(const Now& now, Outbox& out) noexcept {
    timers_.expire(now.steady, [&](std::uint32_t slot) {
        HttpConnection& c = connections_[slot];
        on_timer(c, now, out);
        settle(c, now, out);
    });
}

void HttpServer::on_timer(HttpConnection& c, const Now& now, Outbox& out) noexcept {
    switch (c.state) {
    case State::reading_head:
        close(c, c.head_started ? HttpClose::head_timeout : HttpClose::idle_timeout, now, out);
        return;
    case State::reading_body:
        close(c, HttpClose::body_timeout, now, out);
        return;
    case State::continuing:
    case State::sending:
        close(c, HttpClose::send_timeout, now, out);
        return;
    case State::arriving:
        close(c, HttpClose::content_cut, now, out);
        return;
    case State::opening:
    case State::asking:
        c.exchange.keep_alive = false;
        refuse(c,
               c.state == State::asking ? HttpError::control_silent : HttpError::file_unavailable,
               now, out);
        return;
    case State::held:
        dispatch(c, now, out);
        return;
    case State::draining:
        close(c, HttpClose::linger_timeout, now, out);
        return;
    case State::feeding:
    case State::free:
    case State::closed:
        break;
    }
    MUSTER_CHECK(false); // none of them has a timer
}

} // namespace muster
