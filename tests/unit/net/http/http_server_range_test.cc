// SPDX-License-Identifier: Apache-2.0
// Ranges and conditions as clients see them: what resumes a download must never mix two versions.
#include "net/wire/http_date.hh"

#include "tests/unit/net/http/http_fixture.hh"

namespace muster::test {
namespace {

constexpr std::string_view text = "0123456789";

class HttpServerRange : public testing::Test {
protected:
    HttpServerRange() { world.add_file("files:f", std::string{text}, "\"v1\"", modified); }

    Response ask(std::string_view fields, std::string_view method = "GET") {
        return world.get(std::string{method} + " /files/f HTTP/1.1\r\nHost: x\r\n" +
                         std::string{fields} + "\r\n");
    }
    static std::string date(Duration later) {
        return std::string{write_http_date(modified + later)->view()};
    }

    static constexpr UnixTime modified{test_wall.ms - 3'600'000};
    HttpWorld world;
};

TEST_F(HttpServerRange, EveryRangeOfASmallFileIsExact) {
    for (std::size_t first = 0; first < 12; ++first) {
        for (std::size_t last = first; last < 13; ++last) {
            const auto got =
                ask("Range: bytes=" + std::to_string(first) + "-" + std::to_string(last) + "\r\n");
            if (first >= text.size()) {
                EXPECT_EQ(got.status, 416);
                EXPECT_EQ(got.field("Content-Range"), "bytes */10");
                continue;
            }
            const std::size_t end = std::min(last, text.size() - 1);
            EXPECT_EQ(got.status, 206);
            EXPECT_EQ(got.body, text.substr(first, end - first + 1));
            EXPECT_EQ(got.field("Content-Range"),
                      "bytes " + std::to_string(first) + "-" + std::to_string(end) + "/10");
            EXPECT_EQ(got.field("Content-Length"), std::to_string(end - first + 1));
            EXPECT_EQ(got.field("ETag"), "\"v1\"");
        }
    }
    EXPECT_EQ(ask("Range: bytes=-3\r\n").body, "789");
    EXPECT_EQ(ask("Range: bytes=-99\r\n").field("Content-Range"), "bytes 0-9/10");
    EXPECT_EQ(ask("Range: bytes=-0\r\n").status, 416);
    EXPECT_EQ(ask("Range: bytes=4-\r\n").body, "456789");
}

TEST_F(HttpServerRange, OnlyTheRangeIsNamedToTheDriver) {
    (void)ask("Range: bytes=4-6\r\n");
    EXPECT_EQ(world.sends.back().offset, 4U);
    EXPECT_EQ(world.sends.back().size, 3U);
    EXPECT_EQ(world.sends.back().content, world.files["files:f"]);
}

TEST_F(HttpServerRange, WhatIsNoRangeGetsTheWhole) {
    for (const char* range : {"bytes=0-1,x", "bytes=5-2", "lines=1-2", "bytes=a-b", "bytes="}) {
        const auto got = ask("Range: " + std::string{range} + "\r\n");
        EXPECT_EQ(got.status, 200) << range;
        EXPECT_EQ(got.body, text) << range;
        EXPECT_FALSE(got.has("Content-Range")) << range;
    }
}

TEST_F(HttpServerRange, AnEmptyFileHasNoRanges) {
    world.add_file("files:f", "", "\"v1\"", modified);
    EXPECT_EQ(ask("").status, 200);
    EXPECT_EQ(ask("").field("Content-Length"), "0");
    EXPECT_EQ(ask("Range: bytes=0-\r\n").status, 416);
    EXPECT_EQ(ask("Range: bytes=0-\r\n").field("Content-Range"), "bytes */0");
    EXPECT_EQ(ask("Range: bytes=-5\r\n").status, 200);
}

// RFC 9110 section 14.2: Range is defined for GET; HEAD shows what GET of the whole would.
TEST_F(HttpServerRange, HeadIgnoresRange) {
    const auto got = ask("Range: bytes=1-2\r\n", "HEAD");
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.field("Content-Length"), "10");
}

// EDK2 since 2024-08: Range with If-Match, or with If-Unmodified-Since where there was no tag.
TEST_F(HttpServerRange, UefiResumesTheVersionItBeganWith) {
    EXPECT_EQ(ask("Range: bytes=5-9\r\nIf-Match: \"v1\"\r\n").body, "56789");
    EXPECT_EQ(ask("Range: bytes=5-9\r\nIf-Unmodified-Since: " + date(0s) + "\r\n").body, "56789");
    world.add_file("files:f", "abcdefghij", "\"v2\"", modified + 60s);
    EXPECT_EQ(ask("Range: bytes=5-9\r\nIf-Match: \"v1\"\r\n").status, 412);
    EXPECT_EQ(ask("Range: bytes=5-9\r\nIf-Unmodified-Since: " + date(0s) + "\r\n").status, 412);
    EXPECT_EQ(world.server.metrics().refused_for(HttpError::precondition_failed).read(), 2U);
}

TEST_F(HttpServerRange, IfRangeGivesThePartOrTheWholeOfANewVersion) {
    EXPECT_EQ(ask("Range: bytes=5-9\r\nIf-Range: \"v1\"\r\n").status, 206);
    EXPECT_EQ(ask("Range: bytes=5-9\r\nIf-Range: " + date(0s) + "\r\n").status, 206);
    for (const std::string& other :
         {std::string{"\"v2\""}, std::string{"W/\"v1\""}, date(1s), date(-1s)}) {
        const auto got = ask("Range: bytes=5-9\r\nIf-Range: " + other + "\r\n");
        EXPECT_EQ(got.status, 200) << other;
        EXPECT_EQ(got.body, text) << other;
    }
    // A range that cannot be satisfied is none when it does not apply.
    EXPECT_EQ(ask("Range: bytes=50-\r\nIf-Range: \"v2\"\r\n").status, 200);
}

TEST_F(HttpServerRange, AKnownVersionIsNotSentAgain) {
    for (const char* method : {"GET", "HEAD"}) {
        for (const std::string& fields :
             {std::string{"If-None-Match: \"v1\"\r\n"}, std::string{"If-None-Match: *\r\n"},
              "If-Modified-Since: " + date(0s) + "\r\n"}) {
            const auto got = ask(fields, method);
            EXPECT_EQ(got.status, 304) << fields;
            EXPECT_EQ(got.field("ETag"), "\"v1\"");
            EXPECT_TRUE(got.has("Date"));
            EXPECT_FALSE(got.has("Content-Length"));
            EXPECT_FALSE(got.has("Content-Type"));
            EXPECT_EQ(got.body, "");
        }
    }
    EXPECT_EQ(ask("If-None-Match: \"v2\"\r\n").status, 200);
    EXPECT_EQ(ask("If-Modified-Since: " + date(-1s) + "\r\n").status, 200);
    EXPECT_EQ(ask("If-None-Match: \"v1\"\r\nRange: bytes=1-2\r\n").status, 304);
}

TEST_F(HttpServerRange, TheConnectionGoesOnAfter304And412And416) {
    const StreamId stream = world.open();
    const auto request = [](std::string_view fields) {
        return "GET /files/f HTTP/1.1\r\nHost: x\r\n" + std::string{fields} + "\r\n";
    };
    world.data(stream, request("If-None-Match: \"v1\"\r\n") + request("If-Match: \"v2\"\r\n") +
                           request("Range: bytes=10-\r\n") + request(""));
    const auto got = read_responses(world.received[0]);
    ASSERT_EQ(got.size(), 4U);
    EXPECT_EQ(got[0].status, 304);
    EXPECT_EQ(got[1].status, 412);
    EXPECT_EQ(got[2].status, 416);
    EXPECT_EQ(got[3].body, text);
}

// RFC 9110 section 8.8.2.1: Last-Modified is never later than Date.
TEST_F(HttpServerRange, AFileFromTheFutureIsAsOldAsNow) {
    world.add_file("files:f", std::string{text}, "\"v1\"", test_wall + 600s);
    const auto got = ask("");
    EXPECT_EQ(got.field("Last-Modified"), got.field("Date"));
}

TEST_F(HttpServerRange, RenderedTextHasNoConditions) {
    world.texts["/boot/ipxe"] = "0123456789";
    const auto ask_script = [&](std::string_view fields) {
        return world.get("GET /boot/ipxe HTTP/1.1\r\nHost: x\r\n" + std::string{fields} + "\r\n");
    };
    for (const char* fields : {"If-None-Match: *\r\n", "If-Match: \"x\"\r\n",
                               "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                               "If-Range: \"x\"\r\nRange: bytes=1-2\r\n"}) {
        const auto got = ask_script(fields);
        EXPECT_EQ(got.status, 200) << fields;
        EXPECT_EQ(got.body, "0123456789") << fields;
        EXPECT_FALSE(got.has("Last-Modified"));
        EXPECT_FALSE(got.has("Accept-Ranges"));
    }
    EXPECT_EQ(ask_script("Range: bytes=10-\r\n").status, 416);
}

} // namespace
} // namespace muster::test
