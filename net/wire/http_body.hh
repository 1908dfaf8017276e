// SPDX-License-Identifier: Apache-2.0
// The body of a request: where it ends, and what of the bytes is content.
#pragma once

#include "core/base/bytes.hh"
#include "core/base/result.hh"
#include "net/wire/http_error.hh"

#include <cstdint>

namespace muster {

/// Reads a body that arrives in pieces, delimited by Content-Length or in chunks. What it refuses
/// depends on the bytes alone, not on how they were cut. Chunk extensions and trailer fields are
/// read over, within limits.
///
/// Source: RFC 9112 sections 6 and 7.1.
class HttpBodyReader {
public:
    static constexpr std::uint32_t chunk_line_bytes_max = 256;
    static constexpr std::uint32_t trailer_bytes_max = 4 * 1024;

    HttpBodyReader() = default; ///< a body of no bytes
    [[nodiscard]] static HttpBodyReader of_length(std::uint64_t length) noexcept;
    /// `content_max`: what all chunks together may hold.
    [[nodiscard]] static HttpBodyReader of_chunks(std::uint64_t content_max) noexcept;

    struct Step {
        std::size_t used = 0; ///< bytes of the input that are done with; above 0 unless done
        Bytes content;        ///< the part of them that is content; borrows the input
    };

    [[nodiscard]] bool done() const noexcept { return state_ == State::done; }

    /// Takes what it can of `in`, which is not empty; to be called until done() or all is used.
    ///
    /// Errors:  bad_chunk, body_too_large (chunks only: a length is judged by the caller),
    ///          trailer_too_large.
    [[nodiscard]] Result<Step, HttpError> read(Bytes in) noexcept;

private:
    enum class State : std::uint8_t {
        content,         ///< `left_` bytes of it
        chunk_size,      ///< hexadecimal digits
        chunk_extension, ///< up to CR
        chunk_size_feed, ///< LF behind the size
        chunk_end,       ///< CR behind a chunk's data
        chunk_end_feed,  ///< LF behind a chunk's data
        trailer_start,   ///< a trailer line begins, or CR ends the body
        trailer,         ///< within a trailer field
        trailer_feed,    ///< LF behind a trailer field
        last_feed,       ///< LF behind the last CR
        done,
    };

    [[nodiscard]] Result<void, HttpError> take_framing(char c) noexcept;
    [[nodiscard]] Result<void, HttpError> end_of_size_line() noexcept;

    std::uint64_t left_ = 0;      ///< of the length, or of this chunk
    std::uint64_t allowance_ = 0; ///< content that further chunks may hold
    std::uint32_t line_bytes_ = 0;
    bool chunked_ = false;
    bool has_digit_ = false;
    State state_ = State::done;
};

} // namespace muster
