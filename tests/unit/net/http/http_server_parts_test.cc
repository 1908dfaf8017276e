// SPDX-License-Identifier: Apache-2.0
// Answers with several ranges (RFC 9110 section 14.6), read as a client reads them; and what a
// client gets that has shut its sending side.
#include "tests/unit/net/http/http_fixture.hh"

namespace muster::test {
namespace {

constexpr std::string_view text = "0123456789abcdefghij";

struct Part {
    std::string type;
    std::string range;
    std::string body;

    friend bool operator==(const Part&, const Part&) = default;
};

/// Splits a multipart body by the boundary of its Content-Type; fails the test where it is not one.
std::vector<Part> read_parts(const Response& response) {
    const std::string type = response.field("Content-Type");
    constexpr std::string_view prefix = "multipart/byteranges; boundary=";
    EXPECT_TRUE(type.starts_with(prefix)) << type;
    const std::string delimiter = "\r\n--" + type.substr(prefix.size());
    std::vector<Part> parts;
    std::string_view rest = response.body;
    EXPECT_TRUE(rest.starts_with(delimiter)) << rest;
    while (rest.starts_with(delimiter + "\r\n")) {
        rest.remove_prefix(delimiter.size() + 2);
        Part part;
        const auto end = rest.find("\r\n\r\n");
        std::string_view lines = rest.substr(0, end + 2);
        rest.remove_prefix(end + 4);
        while (!lines.empty()) {
            const std::string line{lines.substr(0, lines.find("\r\n"))};
            lines.remove_prefix(line.size() + 2);
            if (line.starts_with("Content-Type: ")) {
                part.type = line.substr(14);
            } else if (line.starts_with("Content-Range: ")) {
                part.range = line.substr(15);
            } else {
                ADD_FAILURE() << line;
            }
        }
        const auto next = rest.find(delimiter);
        part.body = rest.substr(0, next);
        rest.remove_prefix(next);
        parts.push_back(part);
    }
    EXPECT_EQ(rest, delimiter + "--\r\n");
    return parts;
}

class HttpServerParts : public testing::Test {
protected:
    HttpServerParts() { world.add_file("files:f", std::string{text}); }

    static std::string request(std::string_view fields) {
        return "GET /files/f HTTP/1.1\r\nHost: x\r\n" + std::string{fields} + "\r\n";
    }
    Response ask(std::string_view range) {
        return world.get(request("Range: bytes=" + std::string{range} + "\r\n"));
    }

    HttpWorld world;
    const std::string type = "application/octet-stream";
};

TEST_F(HttpServerParts, SeveralRangesComeInTheirOrder) {
    const auto got = ask("10-14,0-1,-2");
    EXPECT_EQ(got.status, 206);
    EXPECT_FALSE(got.has("Content-Range"));
    EXPECT_EQ(got.field("ETag"), "\"v1\"");
    EXPECT_EQ(got.field("Content-Length"), std::to_string(got.body.size()));
    EXPECT_EQ(read_parts(got), (std::vector<Part>{{type, "bytes 10-14/20", "abcde"},
                                                  {type, "bytes 0-1/20", "01"},
                                                  {type, "bytes 18-19/20", "ij"}}));
}

TEST_F(HttpServerParts, RangesThatOverlapOrTouchAreOneAndWhatIsLeftAloneIsPlain) {
    EXPECT_EQ(
        read_parts(ask("0-3,2-5,10-11")),
        (std::vector<Part>{{type, "bytes 0-5/20", "012345"}, {type, "bytes 10-11/20", "ab"}}));
    for (const char* range : {"0-3,2-5", "2-5,0-1", "0-0,1-5,0-2", "0-5,90-99", "90-,0-5"}) {
        const auto got = ask(range);
        EXPECT_EQ(got.status, 206) << range;
        EXPECT_EQ(got.body, "012345") << range;
        EXPECT_EQ(got.field("Content-Range"), "bytes 0-5/20") << range;
    }
    EXPECT_EQ(ask("20-,99-100").status, 416);
    EXPECT_EQ(ask("20-,99-100").field("Content-Range"), "bytes */20");
}

// However many ranges and however they overlap: never more than the file and a head for each.
TEST_F(HttpServerParts, AFewBytesOfRequestNeverAskForManyTimesTheFile) {
    std::string all = "0-";
    for (int i = 1; i < 200; ++i) {
        all += ",0-";
    }
    const auto got = ask(all);
    EXPECT_EQ(got.status, 200) << "too many ranges are none";
    EXPECT_EQ(got.body, text);
    EXPECT_EQ(ask("0-,0-,0-,0-,0-,0-,0-,0-").body, text);
}

TEST_F(HttpServerParts, ConditionsComeBeforeParts) {
    const auto got = world.get(request("Range: bytes=0-1,5-6\r\nIf-Range: \"v2\"\r\n"));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, text);
    EXPECT_EQ(world.get(request("Range: bytes=0-1,5-6\r\nIf-None-Match: \"v1\"\r\n")).status, 304);
    const auto head =
        world.get("HEAD /files/f HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1,5-6\r\n\r\n");
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.field("Content-Length"), "20");
}

TEST_F(HttpServerParts, TheConnectionGoesOnAfterThemAndPipelinedRequestsWait) {
    const StreamId stream = world.open();
    world.data(stream, request("Range: bytes=0-1,5-6\r\n") + request("") +
                           request("Connection: close\r\nRange: bytes=7-7,9-9\r\n"));
    const auto got = read_responses(world.received[0]);
    ASSERT_EQ(got.size(), 3U);
    EXPECT_EQ(read_parts(got[0]).size(), 2U);
    EXPECT_EQ(got[1].body, text);
    EXPECT_EQ(read_parts(got[2]).size(), 2U);
    EXPECT_NE(got[0].field("Content-Type"), got[2].field("Content-Type")) << "a boundary each";
    EXPECT_TRUE(world.shut[0]) << "after the last line, not before";
    EXPECT_EQ(std::ranges::count_if(world.sends, [](const auto& s) { return s.close_after; }), 1);
}

TEST_F(HttpServerParts, ProgressCountsTheBytesOfTheFileAlone) {
    (void)ask("0-4,10-14");
    ASSERT_FALSE(world.samples.empty());
    EXPECT_EQ(world.samples.back().phase, TransferSample::Phase::completed);
    std::uint64_t sent = 0;
    for (const TransferSample& sample : world.samples) {
        sent += sample.sent;
    }
    EXPECT_EQ(sent, 10U);
}

TEST_F(HttpServerParts, AConnectionThatBreaksBetweenPartsIsForgotten) {
    world.hold_sends = true;
    const StreamId stream = world.open();
    world.data(stream, request("Range: bytes=0-4,10-14\r\n"));
    world.finish_send(stream);
    EXPECT_EQ(world.sends.size(), 2U);
    world.hang_up(stream);
    EXPECT_EQ(world.samples.back().phase, TransferSample::Phase::aborted);
    world.server.on_stream_sent(stream, world.now, world.out);
    EXPECT_TRUE(world.out.empty());
    EXPECT_EQ(world.server.metrics().connections.read(), 0U);
}

// ---- A client that shuts its sending side (nc -N, HTTP/1.0 tools of old).

class HttpServerHalfClose : public HttpServerParts {
protected:
    void end(StreamId stream) {
        world.server.on_stream_end(stream, world.now, world.out);
        world.perform();
    }
};

TEST_F(HttpServerHalfClose, IsAnsweredAndThenClosed) {
    world.hold_opens = true;
    const StreamId stream = world.open();
    world.data(stream, request(""));
    end(stream);
    EXPECT_EQ(world.orders_of(StreamOrder::Kind::close), 0U) << "its answer is being made";
    world.answer_open(world.opened.back());
    world.perform();
    EXPECT_EQ(read_responses(world.received[0])[0].body, text);
    EXPECT_EQ(world.orders_of(StreamOrder::Kind::close), 1U);
}

TEST_F(HttpServerHalfClose, EveryPipelinedRequestIsAnsweredFirst) {
    world.hold_sends = true;
    const StreamId stream = world.open();
    world.data(stream, request("") + request("Range: bytes=0-1,5-6\r\n") + request(""));
    end(stream);
    for (int i = 0; i < 5; ++i) { // one, three for the parts, one
        EXPECT_EQ(world.orders_of(StreamOrder::Kind::close), 0U);
        world.finish_send(stream);
    }
    EXPECT_EQ(read_responses(world.received[0]).size(), 3U);
    EXPECT_EQ(world.orders_of(StreamOrder::Kind::close), 1U);
}

TEST_F(HttpServerHalfClose, WithoutACompleteRequestThereIsNothingToWaitFor) {
    for (const char* bytes :
         {"", "GET /files/f HTTP/1.1\r\nHost:",
          "POST /report/T/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"}) {
        const std::size_t before = world.orders_of(StreamOrder::Kind::close);
        const StreamId stream = world.open();
        if (*bytes != '\0') {
            world.data(stream, bytes);
        }
        end(stream);
        EXPECT_EQ(world.orders_of(StreamOrder::Kind::close), before + 1) << bytes;
        EXPECT_EQ(world.received[0], "") << bytes;
        world.hang_up(stream);
    }
    EXPECT_EQ(world.server.metrics().closed_by(HttpClose::peer).read(), 3U);
}

TEST_F(HttpServerHalfClose, ARenderedAnswerComesHoweverLongItTakes) {
    world.hold_replies = true;
    const StreamId stream = world.open();
    world.data(stream, "GET /boot/ipxe HTTP/1.0\r\n\r\n");
    end(stream);
    world.pass(2s);
    world.reply(world.asked.back(), 200, std::make_shared<TextContent>("#!ipxe\n", "text/plain"));
    EXPECT_EQ(read_responses(world.received[0])[0].body, "#!ipxe\n");
    EXPECT_TRUE(world.shut[0]);
}

// GRUB knows 200, 206 and 404 (grub-core/net/http.c); any other refusal ends its boot with a
// message about an unknown status, where 404 lets a script go on to its next name.
TEST(HttpServerGrub, HearsNoOtherRefusalThan404) {
    HttpWorld world;
    world.add_file("files:f", std::string{text});
    const auto status = [&](const std::string& line, std::string_view fields = "") {
        return world
            .get(line + " HTTP/1.1\r\nHost: x\r\nUser-Agent: GRUB 2.06\r\n" + std::string{fields} +
                 "\r\n")
            .status;
    };
    EXPECT_EQ(status("GET /files/f"), 200);
    EXPECT_EQ(status("GET /files/f", "Range: bytes=5-\r\n"), 206);
    EXPECT_EQ(status("GET /files/f", "Range: bytes=99-\r\n"), 404);
    EXPECT_EQ(status("GET /files/f", "If-Match: \"v2\"\r\n"), 404);
    EXPECT_EQ(status("GET /files/../f"), 404);
    EXPECT_EQ(status("DELETE /files/f"), 404);
    EXPECT_EQ(status("GET /nothing"), 404);
    for (const OpenError error : {OpenError::not_found, OpenError::forbidden}) {
        world.open_error = error;
        EXPECT_EQ(status("GET /files/f"), 404);
    }
}

// ---- The access log.

TEST(HttpServerAccess, EachAnswerLeavesOneRecordAndNoneIsKeptUnasked) {
    HttpLimits limits = HttpWorld::small();
    limits.access_log = true;
    HttpWorld world{HttpRole::content, limits};
    world.add_file("files:f", std::string{text});
    world.texts["/boot/ipxe"] = "#!ipxe\n";
    world.hold_sends = true;
    const StreamId stream = world.open();
    const auto ask = [&](const std::string& line, std::string_view fields = "") {
        world.data(stream, line + " HTTP/1.1\r\nHost: x\r\nUser-Agent: t/1\r\n" +
                               std::string{fields} + "\r\n");
        world.pass(1500ms);
        world.finish_send(stream);
    };
    ask("GET /files/f?a=\"b\"");
    ask("HEAD /files/f");
    ask("GET /files/f", "Range: bytes=3-5\r\n");
    ask("GET /boot/ipxe?mac=1");
    ask("DELETE /files/f");
    world.data(stream, "GET /files/f HTTP/1.1\r\nHost: x\r\n\r\n");
    world.server.on_stream_progress(stream, world.sends.back().head_size + 5, world.now, world.out);
    world.hang_up(stream);

    ASSERT_EQ(world.accesses.size(), 6U);
    const AccessRecord& first = world.accesses[0];
    EXPECT_EQ(first.method, "GET");
    EXPECT_EQ(first.target, "/files/f?a=\"b\"");
    EXPECT_EQ(first.agent, "t/1");
    EXPECT_EQ(first.client, world.client);
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(first.bytes, text.size());
    EXPECT_EQ(first.duration, 1500ms);
    EXPECT_TRUE(first.complete);
    EXPECT_EQ(world.accesses[1].bytes, 0U);
    EXPECT_EQ(world.accesses[2].status, 206);
    EXPECT_EQ(world.accesses[2].bytes, 3U);
    EXPECT_EQ(world.accesses[3].bytes, 7U);
    EXPECT_EQ(world.accesses[4].method, "DELETE");
    EXPECT_EQ(world.accesses[4].status, 405);
    EXPECT_FALSE(world.accesses[5].complete);
    EXPECT_EQ(world.accesses[5].bytes, 5U);

    HttpWorld unlogged;
    unlogged.add_file("files:f", std::string{text});
    (void)unlogged.get("GET /files/f HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(unlogged.accesses.empty());
}

// ---- What may stand in for a file.

TEST(HttpServerChoice, CodingsAndListingsAreAskedForWhereTheyAreUnderstood) {
    HttpWorld world;
    world.add_file("files:f", "x");
    const auto choice = [&](std::string_view fields, std::string_view path = "/files/f") {
        (void)world.get("GET " + std::string{path} + " HTTP/1.1\r\nHost: x\r\n" +
                        std::string{fields} + "\r\n");
        return world.opened.back().choice;
    };
    EXPECT_FALSE(choice("").gzip);
    EXPECT_TRUE(choice("Accept-Encoding: gzip\r\n").gzip);
    EXPECT_TRUE(choice("Accept-Encoding: br, GZip;q=0.5 , zstd\r\n").gzip);
    EXPECT_TRUE(choice("Accept-Encoding: br, gzip;q=0.5 , zstd\r\n").zstd);
    EXPECT_FALSE(choice("Accept-Encoding: gzip;q=0, zstd;Q=0.000\r\n").gzip);
    EXPECT_FALSE(choice("Accept-Encoding: gzip;q=0, zstd;Q=0.000\r\n").zstd);
    EXPECT_TRUE(choice("Accept-Encoding: gzip;q=0.001\r\n").gzip);
    EXPECT_FALSE(choice("Accept-Encoding: identity, *\r\n").gzip) << "a wget without zlib";
    EXPECT_TRUE(choice("Accept-Encoding: gzip\r\nAccept-Encoding: zstd\r\n").zstd);
    EXPECT_TRUE(choice("User-Agent: curl/7\r\n").listing);
    for (const char* loader : {"iPXE/1.0", "GRUB 2.06", "UefiHttpBoot/1.0", "Syslinux/6.04"}) {
        EXPECT_FALSE(choice("User-Agent: " + std::string{loader} + "\r\n").listing) << loader;
    }
}

TEST(HttpServerChoice, ACodedFileSaysSoAndItsSizeIsTheCodedOne) {
    HttpWorld world;
    auto packed = std::make_shared<FileContent>("zzz", "\"v1-gzip\"", UnixTime{784'111'777'000});
    packed->encoding = "gzip";
    packed->varies = true;
    world.files["files:f"] = packed;
    const std::string get = "GET /files/f HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n";
    const auto got = world.get(get + "\r\n");
    EXPECT_EQ(got.field("Content-Encoding"), "gzip");
    EXPECT_EQ(got.field("Vary"), "Accept-Encoding");
    EXPECT_EQ(got.field("ETag"), "\"v1-gzip\"");
    EXPECT_EQ(got.body, "zzz");
    const auto known = world.get(get + "If-None-Match: \"v1-gzip\"\r\n\r\n");
    EXPECT_EQ(known.status, 304);
    EXPECT_EQ(known.field("Vary"), "Accept-Encoding");
    EXPECT_FALSE(known.has("Content-Encoding"));
}

TEST(HttpServerChoice, AListingIsMadeAnewAndIsNoTransfer) {
    HttpWorld world;
    world.files["files:"] = std::make_shared<TextContent>("<html>", "text/html; charset=utf-8");
    for (const char* path : {"/files", "/files/"}) {
        const auto got = world.get("GET " + std::string{path} +
                                   " HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n"
                                   "Range: bytes=0-1\r\n\r\n");
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.body, "<html>");
        EXPECT_EQ(got.field("Cache-Control"), "no-store");
        EXPECT_FALSE(got.has("ETag"));
        EXPECT_FALSE(got.has("Accept-Ranges"));
    }
    EXPECT_TRUE(world.samples.empty());
}

} // namespace
} // namespace muster::test
