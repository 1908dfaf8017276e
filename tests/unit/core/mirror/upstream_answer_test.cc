// SPDX-License-Identifier: Apache-2.0
#include "core/mirror/upstream_answer.hh"

#include <gtest/gtest.h>

#include <initializer_list>

namespace muster::test {
namespace {

UpstreamAnswer read(std::initializer_list<std::string_view> lines) {
    UpstreamAnswer answer;
    for (const std::string_view line : lines) {
        read_upstream_line(line, answer);
    }
    return answer;
}

TEST(UpstreamAnswer, TakesWhatACacheNeeds) {
    const auto answer =
        read({"HTTP/1.1 206 Partial Content\r\n", "content-LENGTH: 10 \r\n",
              "Content-Range: bytes 5-14/100\r\n", "ETag: \"x\"\r\n",
              "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "Date: now\r\n",
              "Content-Type: text/plain\r\n", "Retry-After: 7\r\n", "X: y\r\n", "\r\n"});
    EXPECT_EQ(answer.status, 206);
    EXPECT_FALSE(answer.malformed);
    EXPECT_EQ(answer.content_length, 10U);
    EXPECT_EQ(answer.range, (UpstreamRange{5, 14, 100}));
    EXPECT_EQ(answer.etag, "\"x\"");
    EXPECT_EQ(answer.last_modified, "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(answer.date, "now");
    EXPECT_EQ(answer.content_type, "text/plain");
    EXPECT_EQ(answer.retry_after_s, 7U);
}

TEST(UpstreamAnswer, ANewStatusLineForgetsTheRedirectBeforeIt) {
    const auto answer = read({"HTTP/1.1 302 Found", "Content-Length: 5", "ETag: \"old\"", "",
                              "HTTP/2 200", "Content-Length: 7", ""});
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.content_length, 7U);
    EXPECT_TRUE(answer.etag.empty());
}

TEST(UpstreamAnswer, LengthsThatCannotBeAreNotBelieved) {
    for (const std::string_view bad : {"-1", "", "1x", "0x10", "+5", "99999999999999999999",
                                       "9223372036854775807", "5, 5", "5 5"}) {
        EXPECT_TRUE(read({"HTTP/1.1 200 OK", "Content-Length: " + std::string{bad}}).malformed)
            << bad;
    }
    EXPECT_TRUE(read({"HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 6"}).malformed);
    EXPECT_FALSE(read({"HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 5"}).malformed);
    EXPECT_TRUE(read({"HTTP/1.1 99x"}).malformed);
    EXPECT_TRUE(read({"HTTP/1.1"}).malformed);
    EXPECT_TRUE(read({"HTTP/1.1 700 x"}).malformed);
}

TEST(UpstreamAnswer, ChunkedHasNoLengthWhateverTheOrderOfFields) {
    EXPECT_FALSE(
        read({"HTTP/1.1 200 OK", "Content-Length: 5", "Transfer-Encoding: chunked", "\r\n"})
            .content_length);
    EXPECT_FALSE(
        read({"HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Length: 5", "\r\n"})
            .content_length);
}

TEST(UpstreamAnswer, RangesThatCannotBeAreNone) {
    for (const std::string bad :
         {"bytes 5-4/10", "bytes 5-10/10", "bytes */10", "5-6/10", "bytes 5-6", "bytes -6/10",
          "bytes 5/6-10", "lines 1-2/3", "bytes 1-2/x"}) {
        EXPECT_FALSE(read({"HTTP/1.1 206 x", "Content-Range: " + bad}).range) << bad;
    }
    EXPECT_EQ(read({"HTTP/1.1 206 x", "Content-Range: Bytes 0-0/*"}).range,
              (UpstreamRange{0, 0, std::nullopt}));
}

TEST(UpstreamAnswer, WhatCannotBeSentOnIsLeftOut) {
    EXPECT_TRUE(read({"HTTP/1.1 200 OK", "ETag: bare"}).etag.empty());
    EXPECT_TRUE(read({"HTTP/1.1 200 OK", "ETag: \"a\"b\""}).etag.empty());
    EXPECT_TRUE(read({"HTTP/1.1 200 OK", "ETag: \"a\x01\""}).etag.empty());
    EXPECT_TRUE(read({"HTTP/1.1 200 OK", "ETag: \"" + std::string(300, 'a') + "\""}).etag.empty());
    EXPECT_EQ(read({"HTTP/1.1 200 OK", "ETag: W/\"a\""}).etag, "W/\"a\"");
    EXPECT_TRUE(read({"HTTP/1.1 200 OK", "Content-Type: a\x7F"}).content_type.empty());
}

} // namespace
} // namespace muster::test
