// SPDX-License-Identifier: Apache-2.0
// Writes response heads.
#pragma once

#include "core/base/byte_writer.hh"
#include "core/base/time.hh"
#include "net/wire/http_range.hh"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

// Every status that this server or its control answers with.
#define MUSTER_HTTP_STATUSES(X)                                                                    \
    X(200, "OK")                                                                                   \
    X(201, "Created")                                                                              \
    X(202, "Accepted")                                                                             \
    X(204, "No Content")                                                                           \
    X(206, "Partial Content")                                                                      \
    X(301, "Moved Permanently")                                                                    \
    X(302, "Found")                                                                                \
    X(303, "See Other")                                                                            \
    X(304, "Not Modified")                                                                         \
    X(400, "Bad Request")                                                                          \
    X(401, "Unauthorized")                                                                         \
    X(403, "Forbidden")                                                                            \
    X(404, "Not Found")                                                                            \
    X(405, "Method Not Allowed")                                                                   \
    X(408, "Request Timeout")                                                                      \
    X(409, "Conflict")                                                                             \
    X(410, "Gone")                                                                                 \
    X(411, "Length Required")                                                                      \
    X(412, "Precondition Failed")                                                                  \
    X(413, "Content Too Large")                                                                    \
    X(414, "URI Too Long")                                                                         \
    X(415, "Unsupported Media Type")                                                               \
    X(416, "Range Not Satisfiable")                                                                \
    X(417, "Expectation Failed")                                                                   \
    X(422, "Unprocessable Content")                                                                \
    X(428, "Precondition Required")                                                                \
    X(429, "Too Many Requests")                                                                    \
    X(431, "Request Header Fields Too Large")                                                      \
    X(500, "Internal Server Error")                                                                \
    X(501, "Not Implemented")                                                                      \
    X(502, "Bad Gateway")                                                                          \
    X(503, "Service Unavailable")                                                                  \
    X(504, "Gateway Timeout")                                                                      \
    X(505, "HTTP Version Not Supported")                                                           \
    X(507, "Insufficient Storage")

namespace muster {

struct HttpStatus {
    std::uint16_t code;
    std::string_view reason;
};
inline constexpr std::array http_statuses{
#define X(code, reason) HttpStatus{code, reason},
    MUSTER_HTTP_STATUSES(X)
#undef X
};

/// Index into http_statuses; its size for a status that is not in the list.
constexpr std::size_t status_index(std::uint16_t code) noexcept {
    std::size_t i = 0;
    while (i < http_statuses.size() && http_statuses[i].code != code) {
        ++i;
    }
    return i;
}

/// What a response head says; empty and zero members are left out.
struct HttpResponseHead {
    enum class Connection : std::uint8_t { unsaid, close, keep_alive };

    std::uint16_t status = 200;
    Connection connection = Connection::unsaid;
    bool accept_ranges = false;
    bool no_store = false;      ///< Cache-Control: no-store
    bool no_cache = false;      ///< Cache-Control: no-cache: to be asked for again each time
    bool ask_for_token = false; ///< WWW-Authenticate: Bearer (RFC 9110 section 15.5.2)
    bool stale = false;         ///< Warning: 110 (RFC 7234 section 5.5.1)
    std::uint32_t retry_after_s = 0;
    std::optional<std::uint32_t> age_s{}; ///< Age (RFC 9111 section 5.1)
    UnixTime date{};
    UnixTime last_modified{};
    std::string_view content_type{};
    std::string_view etag{};
    std::string_view encoding{}; ///< Content-Encoding
    bool varies = false;         ///< Vary: Accept-Encoding
    /// Content-Security-Policy; with one go the other fields that keep a page to itself.
    std::string_view policy{};
    std::string_view allow{};
    std::optional<std::uint64_t> content_length{};
    std::optional<ByteRange> part{}; ///< of `whole`: Content-Range of a 206
    /// Size of the whole content, for Content-Range; alone it is that of a 416.
    std::optional<std::uint64_t> whole{};
};

/// Writes the status line and fields with the empty line; overflow() of the writer tells whether
/// they fitted (http_head_bytes_max is enough for a content type and tag of 256 bytes each).
///
/// The status line is always `HTTP/1.1 `, also to HTTP/1.0 clients (RFC 9110 section 6.2), and the
/// names are written exactly as the RFC spells them: GRUB 2.06 compares both byte by byte
/// (grub-core/net/http.c) and OVMF refuses a 1.0 status line.
void write_response_head(ByteWriter& writer, const HttpResponseHead& head) noexcept;

inline constexpr std::size_t http_head_bytes_max = 1280;
inline constexpr std::string_view http_continue = "HTTP/1.1 100 Continue\r\n\r\n";

} // namespace muster
