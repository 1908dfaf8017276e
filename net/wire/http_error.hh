// SPDX-License-Identifier: Apache-2.0
// Every way an HTTP request can be refused. The list is the only place a reason is written: the
// enum, the status, the line of text that the client gets and the drop counter all come from it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

// First what is wrong with the bytes (the connection ends: where the next request would start is
// unknown), then what the server answers to a well-formed request.
#define MUSTER_HTTP_ERRORS(X)                                                                      \
    X(bare_line_feed, 400, "a line ends with LF alone (RFC 9112 section 2.2)")                     \
    X(bad_request_line, 400,                                                                       \
      "the request line is not METHOD target HTTP/1.x (RFC 9112 section 3)")                       \
    X(request_line_too_long, 414, "the request line is longer than this server reads")             \
    X(version_not_supported, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here")                    \
    X(bad_target, 400, "the request target is neither a path nor an http URL")                     \
    X(bad_escape, 400, "a percent sign without two hexadecimal digits (RFC 3986 section 2.1)")     \
    X(nul_in_path, 400, "the path holds a NUL")                                                    \
    X(field_line_too_long, 431, "a header field is longer than this server reads")                 \
    X(head_too_large, 431, "the header fields are more than this server reads")                    \
    X(too_many_fields, 431, "more header fields than this server reads")                           \
    X(bad_field_name, 400, "a header field without a name, or a blank before its colon")           \
    X(bad_field_value, 400, "a control character in a header field, or an impossible value")       \
    X(folded_field, 400, "a header field goes on in a second line (RFC 9112 section 5.2)")         \
    X(repeated_field, 400, "a header field that may stand once stands twice")                      \
    X(missing_host, 400, "HTTP/1.1 without Host (RFC 9112 section 3.2)")                           \
    X(bad_content_length, 400, "Content-Length is no decimal number (RFC 9112 section 6.3)")       \
    X(length_and_chunked, 400, "Content-Length beside Transfer-Encoding (RFC 9112 section 6.1)")   \
    X(chunked_in_http_1_0, 400, "Transfer-Encoding in HTTP/1.0 (RFC 9112 section 6.1)")            \
    X(transfer_coding_not_supported, 501, "a transfer coding other than chunked")                  \
    X(expectation_not_supported, 417, "an expectation other than 100-continue")                    \
    X(bad_chunk, 400, "a chunk's size or end is malformed (RFC 9112 section 7.1)")                 \
    X(trailer_too_large, 431, "more trailer fields than this server reads")                        \
    X(body_too_large, 413, "the body is larger than this server takes")                            \
    X(body_memory_exhausted, 503, "too many request bodies at once; try again")                    \
    X(method_not_allowed, 405, "this method is not allowed here")                                  \
    X(path_unknown, 404, "there is nothing of that name")                                          \
    X(path_leaves_tree, 403, "the path leaves the tree")                                           \
    X(file_not_found, 404, "no such file")                                                         \
    X(file_forbidden, 403, "this file may not be read")                                            \
    X(file_unavailable, 503, "the file cannot be opened now; try again")                           \
    X(upstream_failed, 502, "the mirror's upstream cannot be reached or gave nothing usable")      \
    X(upstream_timeout, 504, "the mirror's upstream does not answer in time")                      \
    X(precondition_failed, 412, "the file is not the version that was asked for")                  \
    X(range_not_satisfiable, 416, "the range lies behind the end of the file")                     \
    X(too_many_listeners, 503, "too many listen to the events already")                            \
    X(control_busy, 503, "the server is busy; try again")                                          \
    X(control_silent, 503, "no answer in time; try again")

namespace muster {

enum class HttpError : std::uint8_t {
#define X(name, status, text) name,
    MUSTER_HTTP_ERRORS(X)
#undef X
};

struct HttpErrorText {
    std::uint16_t status;
    std::string_view name; ///< the enumerator: label of its counter, code in the admin API
    std::string_view text; ///< one line, without quotes or backslashes
};

inline constexpr std::array http_error_texts{
#define X(name, status, text) HttpErrorText{status, #name, text},
    MUSTER_HTTP_ERRORS(X)
#undef X
};
inline constexpr std::size_t http_error_count = http_error_texts.size();

constexpr const HttpErrorText& describe(HttpError error) noexcept {
    return http_error_texts[static_cast<std::size_t>(error)];
}

} // namespace muster
