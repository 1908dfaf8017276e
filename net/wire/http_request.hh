// SPDX-License-Identifier: Apache-2.0
// The head of a request: finding its end in a stream that comes in pieces, then reading it.
#pragma once

#include "core/base/bytes.hh"
#include "core/base/result.hh"
#include "net/wire/http_error.hh"

#include <cstdint>
#include <optional>
#include <string_view>

namespace muster {

struct HttpHeadLimits {
    std::uint32_t line_bytes_max = 8 * 1024;  ///< of one line, without its CR LF
    std::uint32_t head_bytes_max = 16 * 1024; ///< of request line and fields, the empty line too
    std::uint32_t fields_max = 64;
};

/// Finds the end of a head in bytes that arrive in pieces, without reading a byte twice.
///
/// What it refuses depends on the bytes alone, not on how they were cut: each limit is judged at
/// the first byte that passes it. One empty line before the request line is skipped (RFC 9112
/// section 2.2: some clients end a POST with one too many).
///
/// Lines end with CR LF. RFC 9112 section 2.2 lets a server take a bare LF as well; we do not,
/// because every boot client sends CR LF and a proxy that sees other lines than we do is how
/// requests are smuggled.
class HttpHeadScanner {
public:
    /// `received`: everything since the head's first byte, at least as much as last time.
    ///
    /// Returns: the size of the head with its empty line; nullopt: more bytes are needed.
    /// Errors:  bare_line_feed, bad_request_line (nothing but empty lines), request_line_too_long,
    ///          field_line_too_long, head_too_large, too_many_fields.
    [[nodiscard]] Result<std::optional<std::size_t>, HttpError>
    scan(Bytes received, const HttpHeadLimits& limits) noexcept;

private:
    std::uint32_t at_ = 0;         ///< bytes looked at
    std::uint32_t line_start_ = 0; ///< of the line that `at_` is in
    std::uint16_t lines_ = 0;      ///< complete ones, the request line too
    bool skipped_ = false;         ///< the empty line before the request line
};

enum class HttpMethod : std::uint8_t { get, head, post, put, del, other };
inline constexpr std::size_t http_method_count = 6;

/// What this server looks at in a request's head. Absent fields are empty.
struct HttpRequestHead {
    HttpMethod method{};
    bool http_1_0 = false;
    bool keep_alive = false; ///< the client would go on: HTTP/1.1 unless `close`, 1.0 on request
    bool chunked = false;
    bool expect_continue = false; ///< never set for HTTP/1.0, which has to be ignored there
    std::uint64_t content_length = 0;
    std::string_view target;
    std::string_view user_agent;
    std::string_view authorization;
    bool accepts_gzip = false; ///< Accept-Encoding names it, with a weight above 0
    bool accepts_zstd = false;
    bool accepts_events = false; ///< Accept names `text/event-stream`
    std::string_view range;
    std::string_view if_match;
    std::string_view if_none_match;
    std::string_view if_modified_since;
    std::string_view if_unmodified_since;
    std::string_view if_range;
    std::string_view last_event_id; ///< of server-sent events (HTML section 9.2)
};

/// Reads a complete head, as the scanner delimited it.
///
/// Errors:  bad_request_line, version_not_supported, bad_field_name, bad_field_value,
///          folded_field, repeated_field (one of the fields above but Connection, Accept
///          and Accept-Encoding, or Host; RFC 9110 section 5.3 would let the other lists stand
///          twice, too, no boot client does it), missing_host, bad_content_length,
///          length_and_chunked, chunked_in_http_1_0, transfer_coding_not_supported,
///          expectation_not_supported.
/// Borrows: the result's texts borrow `head`.
/// Source:  RFC 9112 sections 3, 5, 6, 9.3; RFC 9110 section 10.1.1 (Expect).
[[nodiscard]] Result<HttpRequestHead, HttpError> read_request_head(Bytes head) noexcept;

} // namespace muster
