// SPDX-License-Identifier: Apache-2.0
// The body of an answer: where it ends, whether its bytes are right, and what of it is thrown away.
#include "core/base/check.hh"
#include "net/client/http_client.hh"

#include <algorithm>
#include <cstring>

namespace muster {
namespace {

/// A shorter rest of a body is not worth an order to throw it away.
constexpr std::uint64_t discard_min = 64 * 1024;

} // namespace

bool HttpClient::is_wanted_part(const HttpReceivedHead& head) noexcept {
    if (head.status != 206) {
        // RFC 9110 section 14.2: a server may ignore Range; what was there already comes again.
        bytes_ = 0;
        body_.clear();
        return true;
    }
    const bool asked = fetch_.range_end != 0 || bytes_ != 0;
    return asked && head.part && head.part->offset == fetch_.range_begin + bytes_ &&
           (fetch_.range_end == 0 || head.part->offset + head.part->size <= fetch_.range_end);
}

bool HttpClient::body_ended() const noexcept {
    switch (reader_.head().framing) {
    case HttpFraming::none:
        return true;
    case HttpFraming::length:
        return left_ == 0;
    case HttpFraming::chunks:
        return chunks_.done();
    case HttpFraming::until_close:
        return false;
    }
    __builtin_unreachable();
}

/// Returns how much of `in`, which is not empty, it took.
std::size_t HttpClient::take_body(Bytes in, ClientContext& context) noexcept {
    Bytes content = in;
    std::size_t used = in.size();
    if (reader_.head().framing == HttpFraming::length) {
        used = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
        content = in.first(used);
        left_ -= used;
    } else if (reader_.head().framing == HttpFraming::chunks) {
        const auto step = chunks_.read(in);
        if (!step) {
            fail(ClientOutcome::broken, std::string{describe(step.error()).text}, context);
            return in.size();
        }
        used = step->used;
        content = step->content;
    }
    if (!take_content(content, context)) {
        return in.size();
    }
    return used;
}

/// False: these bytes are wrong, and the fetch has ended.
bool HttpClient::take_content(Bytes content, ClientContext& context) noexcept {
    const bool good = is_good() && !asks_head_;
    if (good && fetch_.expected != nullptr && !content.empty()) {
        const Bytes whole = *fetch_.expected;
        const std::size_t size = bytes_ < whole.size()
                                     ? std::min<std::size_t>(content.size(), whole.size() - bytes_)
                                     : 0;
        if (size < content.size() ||
            std::memcmp(content.data(), whole.data() + bytes_, size) != 0) {
            std::size_t at = 0;
            while (at < size && content[at] == whole[bytes_ + at]) {
                ++at;
            }
            fail(ClientOutcome::broken, "differs at byte " + std::to_string(bytes_ + at), context);
            return false;
        }
    }
    if (body_.size() < fetch_.keep_max) {
        body_.append(as_text(content).substr(0, fetch_.keep_max - body_.size()));
    }
    answer_bytes_ += content.size();
    bytes_ += good ? content.size() : 0;
    return true;
}

/// Leaves what nobody looks at to the driver.
void HttpClient::discard_rest(ClientContext& context) noexcept {
    const bool looked_at =
        (fetch_.expected != nullptr && is_good()) || body_.size() < fetch_.keep_max;
    if (!discarding_ && !looked_at && left_ >= discard_min) {
        discarding_ = true;
        context.discard_stream(stream_, left_);
    }
}

void HttpClient::on_stream_discarded(std::uint64_t size, ClientContext& context) noexcept {
    if (phase_ != Phase::body || !discarding_) {
        return; // left over from a fetch that was given up
    }
    MUSTER_CHECK(size <= left_);
    note_silence(context);
    left_ -= size;
    answer_bytes_ += size;
    bytes_ += is_good() ? size : 0;
    deadline_ = heard_at_ + model_->idle_timeout;
    if (left_ == 0) {
        on_answer(false, context);
    }
}

/// The connection is gone, or never came about. A client that resumes goes on with what it has as
/// soon as the server once said yes.
void HttpClient::on_broken(ClientOutcome outcome, std::string_view why,
                           ClientContext& context) noexcept {
    if (is_good() && fetch_.method == HttpFetch::Method::get && resumes_used_ < model_->resumes) {
        ++resumes_used_;
        request_fits_ = false;
        phase_ = Phase::resuming;
        heard_at_ = context.now.steady;
        deadline_ = heard_at_ + model_->resume_wait;
        return;
    }
    end(outcome, std::string{why});
}

} // namespace muster
