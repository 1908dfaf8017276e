// SPDX-License-Identifier: Apache-2.0
#include "net/client/http_response_reader.hh"

#include <gtest/gtest.h>

#include <string>

namespace muster::test {
namespace {

HttpReceivedHead read(const std::string& text, bool head_request = false) {
    HttpResponseReader reader;
    reader.begin(head_request);
    EXPECT_TRUE(reader.untouched());
    EXPECT_EQ(reader.read(as_bytes(text)), text.size());
    EXPECT_TRUE(reader.complete());
    EXPECT_FALSE(reader.untouched());
    HttpReceivedHead head = reader.head();
    head.etag = {};
    return head;
}

// RFC 9112 section 6.3, rule by rule.
TEST(HttpResponseReader, KnowsHowABodyEnds) {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    EXPECT_EQ(read(ok + "Content-Length: 5\r\n\r\n", true).framing, HttpFraming::none);
    EXPECT_EQ(read("HTTP/1.1 204 No\r\n\r\n").framing, HttpFraming::none);
    EXPECT_EQ(read("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n").framing, HttpFraming::none);
    EXPECT_EQ(read(ok + "Transfer-Encoding: Chunked\r\n\r\n").framing, HttpFraming::chunks);
    EXPECT_EQ(read(ok + "Content-Length: 5\r\n\r\n").framing, HttpFraming::length);
    EXPECT_EQ(read(ok + "\r\n").framing, HttpFraming::until_close);
    const auto both = read(ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_EQ(both.framing, HttpFraming::chunks);
    EXPECT_FALSE(both.keep_alive);
}

TEST(HttpResponseReader, KnowsWhetherTheServerGoesOn) {
    const std::string fields = "Content-Length: 0\r\n";
    EXPECT_TRUE(read("HTTP/1.1 200 OK\r\n" + fields + "\r\n").keep_alive);
    EXPECT_FALSE(read("HTTP/1.1 200 OK\r\n" + fields + "Connection: x, Close\r\n\r\n").keep_alive);
    EXPECT_FALSE(read("HTTP/1.0 200 OK\r\n" + fields + "\r\n").keep_alive);
    EXPECT_TRUE(read("HTTP/1.0 200 OK\r\n" + fields + "connection: Keep-Alive\r\n\r\n").keep_alive);
    EXPECT_FALSE(read("HTTP/1.1 200 OK\r\n\r\n").keep_alive) << "the body ends with it";
}

TEST(HttpResponseReader, ReadsItsFields) {
    const auto head = read("HTTP/1.1 206\r\nCONTENT-RANGE: bytes 5-9/*\r\nRetry-After: 12\r\n"
                           "Content-Length: 5\r\nContent-Length: 5\r\nX:\r\n\r\n");
    EXPECT_EQ(head.status, 206);
    EXPECT_EQ(head.part, (ByteRange{.offset = 5, .size = 5}));
    EXPECT_EQ(head.retry_after_s, 12U);
    EXPECT_EQ(head.content_length, 5U);
}

TEST(HttpResponseReader, TakesNothingBehindTheHead) {
    const std::string text = "HTTP/1.1 200 OK\r\nETag: \"v\"\r\n\r\nbody";
    for (std::size_t cut = 0; cut <= text.size() - 4; ++cut) {
        HttpResponseReader reader;
        reader.begin(false);
        EXPECT_EQ(reader.read(as_bytes(text).first(cut)), cut);
        if (!reader.complete()) {
            EXPECT_EQ(reader.read(as_bytes(text).subspan(cut)), text.size() - 4 - cut);
        }
        ASSERT_TRUE(reader.complete());
        EXPECT_EQ(reader.head().etag, "\"v\"");
    }
}

// The limit is judged by the bytes, however they are cut.
TEST(HttpResponseReader, LimitsTheHead) {
    const std::string start = "HTTP/1.1 200 OK\r\nA: ";
    const auto head = [&](std::size_t size) {
        return start + std::string(size - start.size() - 4, 'x') + "\r\n\r\n";
    };
    const auto accepts = [](const std::string& text, std::size_t piece) {
        HttpResponseReader reader;
        reader.begin(false);
        for (std::size_t at = 0; at < text.size(); at += piece) {
            if (!reader.read(as_bytes(text).subspan(at, std::min(piece, text.size() - at)))) {
                return false;
            }
        }
        return reader.complete();
    };
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, std::size_t{20'000}}) {
        EXPECT_TRUE(accepts(head(HttpResponseReader::head_bytes_max), piece)) << piece;
        EXPECT_FALSE(accepts(head(HttpResponseReader::head_bytes_max + 1), piece)) << piece;
    }
}

TEST(HttpResponseReader, EveryErrorHasAText) {
#define X(name, text) EXPECT_EQ(describe(HttpResponseError::name), text);
    MUSTER_HTTP_RESPONSE_ERRORS(X)
#undef X
}

} // namespace
} // namespace muster::test
