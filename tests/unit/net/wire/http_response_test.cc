// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_response.hh"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace muster {
namespace {

std::string written(const HttpResponseHead& head) {
    std::array<std::byte, http_head_bytes_max> buffer{};
    ByteWriter writer{buffer};
    write_response_head(writer, head);
    EXPECT_FALSE(writer.overflow());
    return std::string{as_text(writer.written())};
}

TEST(HttpResponse, WritesNoFieldThatWasNotGiven) {
    EXPECT_EQ(written({.status = 200}), "HTTP/1.1 200 OK\r\nServer: muster\r\n\r\n");
}

// The spelling is part of the interface: GRUB 2.06 compares names byte by byte.
TEST(HttpResponse, SpellsEveryFieldAsTheRfcDoes) {
    const std::string text = written({.status = 206,
                                      .connection = HttpResponseHead::Connection::close,
                                      .accept_ranges = true,
                                      .no_store = true,
                                      .ask_for_token = true,
                                      .retry_after_s = 5,
                                      .date = {784'111'777'000},
                                      .last_modified = {784'111'776'000},
                                      .content_type = "application/efi",
                                      .etag = "\"x\"",
                                      .allow = "GET, HEAD",
                                      .content_length = 10,
                                      .part = ByteRange{90, 10},
                                      .whole = 100});
    EXPECT_EQ(text, "HTTP/1.1 206 Partial Content\r\n"
                    "Server: muster\r\n"
                    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                    "Content-Type: application/efi\r\n"
                    "Content-Length: 10\r\n"
                    "Content-Range: bytes 90-99/100\r\n"
                    "Last-Modified: Sun, 06 Nov 1994 08:49:36 GMT\r\n"
                    "ETag: \"x\"\r\n"
                    "Accept-Ranges: bytes\r\n"
                    "Cache-Control: no-store\r\n"
                    "WWW-Authenticate: Bearer realm=\"muster\"\r\n"
                    "Allow: GET, HEAD\r\n"
                    "Retry-After: 5\r\n"
                    "Connection: close\r\n"
                    "\r\n");
}

TEST(HttpResponse, NamesTheWholeWhenARangeIsNotSatisfiable) {
    EXPECT_NE(written({.status = 416, .whole = 0}).find("\r\nContent-Range: bytes */0\r\n"),
              std::string::npos);
}

TEST(HttpResponse, KnowsAReasonForEveryStatusItMaySend) {
    std::set<std::uint16_t> seen;
    for (const HttpStatus& status : http_statuses) {
        EXPECT_TRUE(seen.insert(status.code).second) << status.code;
        EXPECT_TRUE(written({.status = status.code})
                        .starts_with("HTTP/1.1 " + std::to_string(status.code) + " " +
                                     std::string{status.reason} + "\r\n"));
    }
    EXPECT_TRUE(written({.status = 599}).starts_with("HTTP/1.1 599 Status\r\n"));
    EXPECT_EQ(status_index(599), http_statuses.size());
}

TEST(HttpResponse, ItsLargestHeadFits) {
    const std::string long_text(256, 'x');
    (void)written({.status = 431,
                   .connection = HttpResponseHead::Connection::keep_alive,
                   .accept_ranges = true,
                   .no_store = true,
                   .ask_for_token = true,
                   .retry_after_s = UINT32_MAX,
                   .date = {784'111'777'000},
                   .last_modified = {784'111'776'000},
                   .content_type = long_text,
                   .etag = long_text,
                   .allow = "GET, HEAD, POST, PUT, DELETE",
                   .content_length = UINT64_MAX,
                   .part = ByteRange{UINT64_MAX - 1, 1},
                   .whole = UINT64_MAX});
}

TEST(HttpResponse, TellsWhenTheBufferIsTooSmall) {
    const std::string whole = written({.status = 404, .content_length = 3});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        std::vector<std::byte> buffer(size);
        ByteWriter writer{buffer};
        write_response_head(writer, {.status = 404, .content_length = 3});
        EXPECT_TRUE(writer.overflow()) << size;
    }
}

} // namespace
} // namespace muster
