// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_body.hh"

#include "core/base/check.hh"
#include "net/wire/http_text.hh"

#include <algorithm>

namespace muster {
namespace {

bool is_control(char c) noexcept {
    const auto code = static_cast<unsigned char>(c);
    return (code < ' ' && c != '\t') || code == 0x7F;
}

} // namespace

HttpBodyReader HttpBodyReader::of_length(std::uint64_t length) noexcept {
    HttpBodyReader reader;
    reader.left_ = length;
    reader.state_ = length > 0 ? State::content : State::done;
    return reader;
}

HttpBodyReader HttpBodyReader::of_chunks(std::uint64_t content_max) noexcept {
    HttpBodyReader reader;
    reader.allowance_ = content_max;
    reader.chunked_ = true;
    reader.state_ = State::chunk_size;
    return reader;
}

Result<HttpBodyReader::Step, HttpError> HttpBodyReader::read(Bytes in) noexcept {
    MUSTER_CHECK(!done());
    if (state_ == State::content) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
        left_ -= count;
        if (left_ == 0) {
            state_ = chunked_ ? State::chunk_end : State::done;
        }
        return Step{.used = count, .content = in.first(count)};
    }
    Step step;
    while (step.used < in.size() && state_ != State::content && state_ != State::done) {
        if (const auto ok = take_framing(std::to_integer<char>(in[step.used])); !ok) {
            return std::unexpected(ok.error());
        }
        ++step.used;
    }
    return step;
}

/// One character of the lines around the chunks. Byte by byte, because bodies in chunks are rare
/// and small here, and every way to cut the input then leads through the same code.
Result<void, HttpError> HttpBodyReader::take_framing(char c) noexcept {
    const auto expect = [&](char wanted, State next) -> Result<void, HttpError> {
        if (c != wanted) {
            return std::unexpected(HttpError::bad_chunk);
        }
        state_ = next;
        return {};
    };
    switch (state_) {
    case State::chunk_size:
    case State::chunk_extension:
        if (++line_bytes_ > chunk_line_bytes_max) {
            return std::unexpected(HttpError::bad_chunk);
        }
        if (const auto digit = hex_value(c); digit && state_ == State::chunk_size) {
            if (left_ > (UINT64_MAX >> 4U)) {
                return std::unexpected(HttpError::body_too_large);
            }
            left_ = left_ * 16 + *digit;
            has_digit_ = true;
            return {};
        }
        if (!has_digit_) {
            return std::unexpected(HttpError::bad_chunk);
        }
        if (c == '\r') {
            state_ = State::chunk_size_feed;
            return {};
        }
        // A size is followed by its line end or `;`, blanks before it allowed; nothing else.
        if (is_control(c) || (state_ == State::chunk_size && c != ';' && c != ' ' && c != '\t')) {
            return std::unexpected(HttpError::bad_chunk);
        }
        state_ = State::chunk_extension;
        return {};
    case State::chunk_size_feed:
        return c == '\n' ? end_of_size_line() : std::unexpected(HttpError::bad_chunk);
    case State::chunk_end:
        return expect('\r', State::chunk_end_feed);
    case State::chunk_end_feed:
        line_bytes_ = 0;
        has_digit_ = false;
        return expect('\n', State::chunk_size);
    case State::trailer_start:
        if (c == '\r') {
            state_ = State::last_feed;
            return {};
        }
        [[fallthrough]];
    case State::trailer:
        if (++line_bytes_ > trailer_bytes_max) {
            return std::unexpected(HttpError::trailer_too_large);
        }
        if (is_control(c) && c != '\r') {
            return std::unexpected(HttpError::bad_chunk);
        }
        state_ = c == '\r' ? State::trailer_feed : State::trailer;
        return {};
    case State::trailer_feed:
        return expect('\n', State::trailer_start);
    case State::last_feed:
        return expect('\n', State::done);
    case State::content:
    case State::done:
        break;
    }
    MUSTER_CHECK(false); // read() sends only framing here
    return {};
}

Result<void, HttpError> HttpBodyReader::end_of_size_line() noexcept {
    if (left_ == 0) {
        line_bytes_ = 0; // from here on it counts trailer bytes
        state_ = State::trailer_start;
        return {};
    }
    if (left_ > allowance_) {
        return std::unexpected(HttpError::body_too_large);
    }
    allowance_ -= left_;
    state_ = State::content;
    return {};
}

} // namespace muster
