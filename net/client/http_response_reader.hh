// SPDX-License-Identifier: Apache-2.0
// The head of a response, from a stream that comes in pieces. More lenient than the reader of
// requests: it reads what servers of any kind send, as boot clients do.
#pragma once

#include "core/base/bytes.hh"
#include "core/base/result.hh"
#include "net/wire/http_range.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

/// Every way a response's head can be malformed.
#define MUSTER_HTTP_RESPONSE_ERRORS(X)                                                             \
    X(head_too_large, "the head of the answer is larger than any client reads")                    \
    X(bad_status_line, "the answer does not begin with HTTP/1.x and a status")                     \
    X(bad_field, "a header field without a name, or going on in a second line")                    \
    X(bad_length, "Content-Length is no number, or two of them differ")                            \
    X(unknown_coding, "a transfer coding other than chunked")

enum class HttpResponseError : std::uint8_t {
#define X(name, text) name,
    MUSTER_HTTP_RESPONSE_ERRORS(X)
#undef X
};

constexpr std::string_view describe(HttpResponseError error) noexcept {
    switch (error) {
#define X(name, text)                                                                              \
    case HttpResponseError::name:                                                                  \
        return text;
        MUSTER_HTTP_RESPONSE_ERRORS(X)
#undef X
    }
    __builtin_unreachable();
}

/// How the end of a body is known (RFC 9112 section 6.3).
enum class HttpFraming : std::uint8_t { none, length, chunks, until_close };

/// What a client looks at in a head.
struct HttpReceivedHead {
    std::uint16_t status = 0; ///< never 1xx: these are read over
    HttpFraming framing = HttpFraming::none;
    bool keep_alive = false;                       ///< the server would go on
    std::optional<std::uint64_t> content_length{}; ///< as said, also in the answer to a HEAD
    /// Retry-After in seconds; of a date, which no boot client reads, it is 5 as iPXE takes it.
    std::optional<std::uint32_t> retry_after_s{};
    std::optional<ByteRange> part{}; ///< Content-Range
    std::string_view etag{};         ///< borrowed until the next call of the reader
};

/// Finds and reads the head. What it refuses depends on the bytes alone, not on how they were cut.
///
/// Source: RFC 9112 sections 4, 5 and 6.3.
class HttpResponseReader {
public:
    static constexpr std::size_t head_bytes_max = 16 * 1024;

    /// A new answer is awaited; `head_request`: to a HEAD, which has no body whatever its head
    /// says.
    void begin(bool head_request) noexcept;

    /// Takes what belongs to the head; returns how many bytes of `in` that was. Interim answers
    /// (1xx) are read over. To be called until complete().
    [[nodiscard]] Result<std::size_t, HttpResponseError> read(Bytes in);

    [[nodiscard]] bool complete() const noexcept { return complete_; }
    /// Not a byte has come since begin().
    [[nodiscard]] bool untouched() const noexcept { return untouched_; }
    [[nodiscard]] const HttpReceivedHead& head() const noexcept { return head_; }

private:
    [[nodiscard]] Result<void, HttpResponseError> parse(std::string_view text) noexcept;
    [[nodiscard]] Result<void, HttpResponseError> parse_field(std::string_view line) noexcept;

    HttpReceivedHead head_;
    std::string kept_; ///< of a head that came in pieces
    bool head_request_ = false;
    bool http_1_0_ = false;
    bool chunked_ = false;
    bool complete_ = false;
    bool untouched_ = true;
};

} // namespace muster
