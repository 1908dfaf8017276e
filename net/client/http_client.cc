// SPDX-License-Identifier: Apache-2.0
#include "net/client/http_client.hh"

#include "core/base/check.hh"

#include <algorithm>

namespace muster {
namespace {

/// A server that says "at once" again and again shall not be asked more often.
constexpr std::uint32_t retry_after_min_s = 1;

} // namespace

void HttpClient::begin(HttpFetch fetch, ClientContext& context) {
    MUSTER_CHECK(!busy());
    fetch_ = std::move(fetch);
    request_fits_ = false;
    repeat(context);
}

void HttpClient::repeat(ClientContext& context) {
    MUSTER_CHECK(!busy());
    outcome_ = ClientOutcome::running;
    asks_head_ = model_->head_first && fetch_.method == HttpFetch::Method::get;
    replaced_ = false;
    resumes_used_ = 0;
    status_ = 0;
    bytes_ = 0;
    size_ = 0;
    promised_.reset();
    etag_.clear();
    why_.clear();
    body_.clear();
    ask(context);
}

/// Sends the request that is due, on the kept connection where that goes.
void HttpClient::ask(ClientContext& context) {
    asked_at_ = context.now.steady;
    heard_at_ = asked_at_;
    reused_ = stream_ != ClientStreamId{} && connected_to_ == fetch_.server &&
              connected_from_ == fetch_.local && fetch_.method != HttpFetch::Method::post;
    if (reused_) {
        send_request(context);
    } else {
        drop_stream(context);
        connect(context);
    }
}

void HttpClient::connect(ClientContext& context) {
    reused_ = false;
    stream_ = context.connect(fetch_.local, fetch_.server, model_->receive_window);
    if (stream_.generation == 0) {
        end(ClientOutcome::silent, "no connection left");
        return;
    }
    connected_to_ = fetch_.server;
    connected_from_ = fetch_.local;
    phase_ = Phase::connecting;
    deadline_ = context.now.steady + model_->connect_timeout;
}

void HttpClient::on_stream_open(ClientContext& context) noexcept {
    if (phase_ == Phase::connecting) {
        note_silence(context);
        send_request(context);
    }
}

void HttpClient::send_request(ClientContext& context) {
    write_request();
    context.send_stream(stream_, as_bytes(request_));
    reader_.begin(asks_head_ || fetch_.method == HttpFetch::Method::head);
    answer_bytes_ = 0;
    phase_ = Phase::head;
    heard_at_ = context.now.steady;
    deadline_ = heard_at_ + model_->header_timeout;
}

void HttpClient::on_stream_data(Bytes bytes, ClientContext& context) noexcept {
    if (phase_ != Phase::head && phase_ != Phase::body) {
        if (phase_ != Phase::connecting) { // nothing was asked on this connection
            drop_stream(context);
        }
        return;
    }
    note_silence(context);
    while (phase_ == Phase::head && !bytes.empty()) {
        const auto used = reader_.read(bytes);
        if (!used) {
            fail(ClientOutcome::broken, std::string{describe(used.error())}, context);
            return;
        }
        bytes = bytes.subspan(*used);
        if (reader_.complete()) {
            on_head(context);
        }
    }
    while (phase_ == Phase::body && !body_ended() && !bytes.empty()) {
        bytes = bytes.subspan(take_body(bytes, context));
    }
    if (phase_ != Phase::body) {
        return;
    }
    deadline_ = heard_at_ + model_->idle_timeout;
    if (body_ended()) {
        on_answer(!bytes.empty(), context);
    } else {
        discard_rest(context);
    }
}

/// The head is there: where the body goes, and whether it is wanted.
void HttpClient::on_head(ClientContext& context) noexcept {
    const HttpReceivedHead& head = reader_.head();
    status_ = head.status;
    phase_ = Phase::body;
    discarding_ = false;
    left_ = head.framing == HttpFraming::length ? *head.content_length : 0;
    if (head.framing == HttpFraming::chunks) {
        chunks_ = HttpBodyReader::of_chunks(UINT64_MAX);
    }
    if (asks_head_ || !is_good()) {
        return;
    }
    if (!is_wanted_part(head)) {
        fail(ClientOutcome::broken, "another part than the one asked for", context);
    } else if (promised_ && head.content_length.value_or(0) > *promised_) {
        fail(ClientOutcome::broken, "more bytes than HEAD said", context);
    } else if (model_->resumes > 0) {
        size_ = head.content_length ? bytes_ + *head.content_length : 0;
        if (!head.etag.starts_with("W/")) {
            etag_ = head.etag;
        }
    }
}

/// An answer is whole. `surplus`: bytes came behind it, so its connection is out of step.
void HttpClient::on_answer(bool surplus, ClientContext& context) noexcept {
    const HttpReceivedHead head = reader_.head();
    if (!model_->keep_alive || !head.keep_alive || surplus) {
        drop_stream(context);
    }
    context.note({.kind = ClientNote::Kind::request,
                  .ok = is_good(),
                  .status = status_,
                  .duration = context.now.steady - asked_at_,
                  .bytes = answer_bytes_});
    judge(head, context);
}

void HttpClient::judge(const HttpReceivedHead& head, ClientContext& context) noexcept {
    if (!is_good()) {
        if (model_->retry_after && (status_ == 503 || status_ == 429) && head.retry_after_s) {
            phase_ = Phase::told_to_wait;
            heard_at_ = context.now.steady;
            deadline_ =
                heard_at_ + std::chrono::seconds{std::max(*head.retry_after_s, retry_after_min_s)};
            body_.clear();
        } else {
            end(ClientOutcome::refused, "status " + std::to_string(status_));
        }
        return;
    }
    if (asks_head_) {
        if (!head.content_length) {
            end(ClientOutcome::broken, "no Content-Length in the answer to HEAD");
            return;
        }
        promised_ = head.content_length;
        asks_head_ = false;
        ask(context);
        return;
    }
    if (fetch_.expected != nullptr && fetch_.method != HttpFetch::Method::head &&
        bytes_ != fetch_.expected->size()) {
        end(ClientOutcome::broken, "ends at byte " + std::to_string(bytes_));
        return;
    }
    end(ClientOutcome::done, {});
}

void HttpClient::on_stream_closed(ClientContext& context) noexcept {
    stream_ = {};
    switch (phase_) {
    case Phase::over:
    case Phase::told_to_wait:
    case Phase::resuming:
        return; // a kept connection; the next request opens another
    case Phase::connecting:
        note_silence(context);
        on_broken(ClientOutcome::silent, "no connection", context);
        return;
    case Phase::head:
        note_silence(context);
        if (reused_ && !replaced_ && reader_.untouched()) {
            replaced_ = true; // closed by the server before it saw the request
            context.retransmitted();
            connect(context);
        } else {
            on_broken(ClientOutcome::broken, "closed before the answer was there", context);
        }
        return;
    case Phase::body:
        note_silence(context);
        if (reader_.head().framing == HttpFraming::until_close) {
            on_answer(false, context);
        } else {
            on_broken(ClientOutcome::broken, "closed before the body was there", context);
        }
        return;
    }
}

void HttpClient::on_timer(ClientContext& context) noexcept {
    if (!busy() || context.now.steady < deadline_) {
        return;
    }
    switch (phase_) {
    case Phase::over:
        return;
    case Phase::connecting:
    case Phase::head:
    case Phase::body:
        note_silence(context);
        drop_stream(context);
        on_broken(ClientOutcome::silent,
                  phase_ == Phase::connecting ? "no connection"
                  : phase_ == Phase::head     ? "no answer"
                                              : "no more bytes",
                  context);
        return;
    case Phase::told_to_wait:
        context.waited(ClientWait::told_to_wait, context.now.steady - heard_at_);
        ask(context);
        return;
    case Phase::resuming:
        context.waited(ClientWait::client, context.now.steady - heard_at_);
        context.retransmitted();
        ask(context);
        return;
    }
}

void HttpClient::close(ClientContext& context) noexcept {
    drop_stream(context);
    if (busy()) {
        end(ClientOutcome::idle, "given up");
    }
}

/// Something came, or it was given up: notes the silence that this ends.
void HttpClient::note_silence(ClientContext& context) noexcept {
    const Duration silence = context.now.steady - heard_at_;
    if (silence >= noted_silence) {
        context.waited(ClientWait::http_no_answer, silence);
    }
    heard_at_ = context.now.steady;
}

void HttpClient::fail(ClientOutcome outcome, std::string why, ClientContext& context) noexcept {
    drop_stream(context);
    end(outcome, std::move(why));
}

void HttpClient::end(ClientOutcome outcome, std::string why) noexcept {
    outcome_ = outcome;
    why_ = std::move(why);
    phase_ = Phase::over;
    deadline_ = Instant::never();
}

void HttpClient::drop_stream(ClientContext& context) noexcept {
    if (stream_ != ClientStreamId{}) {
        context.close_stream(stream_);
        stream_ = {};
    }
}

} // namespace muster
