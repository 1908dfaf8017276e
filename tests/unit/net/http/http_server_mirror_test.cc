// SPDX-License-Identifier: Apache-2.0
// Paths of mirrors, and contents that are still arriving when they are asked for.
#include "tests/unit/net/http/http_fixture.hh"

namespace muster::test {
namespace {

/// Bytes that come while they are sent.
class ArrivingContent final : public Content {
public:
    explicit ArrivingContent(std::string text) : text_(std::move(text)) {
        bytes = as_bytes(text_);
        etag = "\"v1\"";
        type = "application/octet-stream";
        modified = {test_wall.ms - 3'600'000};
        checked = test_wall;
    }
    [[nodiscard]] std::uint64_t arrived() const noexcept override { return there; }
    [[nodiscard]] bool ended() const noexcept override { return over; }

    std::uint64_t there = 0;
    bool over = false;

private:
    std::string text_;
};

class HttpServerMirror : public testing::Test {
protected:
    HttpServerMirror() {
        auto site = std::make_shared<Snapshot>();
        site->mirrors.push_back({.path = "/debian",
                                 .upstream = "http://deb.example/debian",
                                 .revalidate = 1min,
                                 .ca = {}});
        world.server.on_snapshot(site);
        world.hold_opens = true;
    }
    static std::string request(std::string_view path, std::string_view fields = {},
                               std::string_view method = "GET") {
        return std::string{method} + " " + std::string{path} + " HTTP/1.1\r\nHost: x\r\n" +
               std::string{fields} + "\r\n";
    }
    /// What the driver is asked for a target; empty: it is not asked for a mirror's file.
    std::string asked(std::string_view path) {
        world.opened.clear();
        const StreamId stream = world.open(3);
        world.data(stream, request(path));
        world.hang_up(stream);
        return world.opened.empty() || world.opened[0].root != ContentRoot::mirror
                   ? std::string{}
                   : world.opened[0].path;
    }
    void answer(Result<ContentRef, OpenError> found) {
        world.server.on_content(world.opened.back().ticket, std::move(found), world.now, world.out);
        world.perform();
    }
    void arrive(std::uint64_t there) {
        content->there = there;
        world.server.on_content_grown(world.now, world.out);
        world.perform();
    }
    std::string body(std::uint32_t slot = 0) {
        const std::string& all = world.received[slot];
        return all.substr(all.find("\r\n\r\n") + 4);
    }
    HttpWorld world;
    std::shared_ptr<ArrivingContent> content =
        std::make_shared<ArrivingContent>("0123456789abcdefghij");
};

TEST_F(HttpServerMirror, PathsGoUpstreamInOneSpelling) {
    EXPECT_EQ(asked("/debian/pool/a.deb"), "/debian/pool/a.deb");
    EXPECT_EQ(asked("//debian/./pool//a%2Edeb"), "/debian/pool/a.deb");
    EXPECT_EQ(asked("/debian/g%2b%2b%20x?q=%2F"), "/debian/g++%20x?q=%2F");
    EXPECT_EQ(asked("/debian/dists/"), "/debian/dists/");
    EXPECT_EQ(asked("http://deb.example/debian/x"), "/debian/x");
    EXPECT_EQ(asked("/debian"), "/debian");
    EXPECT_EQ(asked("/debian/x.efi"), "/debian/x.efi");
}

TEST_F(HttpServerMirror, NothingElseIsAsked) {
    for (const std::string path :
         {"/debianx/a", "/Debian/a", "/files/debian/a", "/debian/../files/a", "/debian/%2e%2e/x",
          "http://other.example/pool/x"}) {
        EXPECT_EQ(asked(path), "") << path;
    }
    const auto status = [this](std::string_view path) {
        const StreamId stream = world.open(5);
        world.data(stream, request(path));
        const auto all = read_responses(world.received[5]);
        world.hang_up(stream);
        return all.empty() ? 0 : all[0].status;
    };
    EXPECT_EQ(status("/debian/../../etc/passwd"), 403);
    EXPECT_EQ(status("/debian/a%2fb"), 403);
    EXPECT_EQ(status("/debian/a%0ab"), 403);
    EXPECT_EQ(status("/debian/a%00b"), 400);
    EXPECT_EQ(status("/debian/a%zz"), 400);
    EXPECT_TRUE(world.opened.empty() || world.opened.back().root != ContentRoot::mirror);
    const StreamId stream = world.open();
    world.data(stream, request("/debian/a", "Content-Length: 0\r\n", "POST"));
    EXPECT_EQ(read_responses(world.received[0])[0].status, 405);
}

TEST_F(HttpServerMirror, TheHeadGoesAtOnceAndTheBodyAsItArrives) {
    const StreamId stream = world.open();
    world.data(stream, request("/debian/a") + request("/debian/a", {}, "HEAD"));
    content->there = 5;
    answer(content);
    EXPECT_NE(world.received[0].find("Content-Length: 20\r\n"), std::string::npos);
    EXPECT_EQ(body(), "01234");
    arrive(5);
    EXPECT_EQ(body(), "01234");
    arrive(6);
    arrive(19);
    EXPECT_EQ(body(), "0123456789abcdefghi");
    EXPECT_EQ(world.opened.size(), 1U) << "one answer after the other";
    content->over = true;
    arrive(20);
    EXPECT_EQ(body().substr(0, 20), "0123456789abcdefghij");
    EXPECT_EQ(world.opened.size(), 2U);
    answer(content);
    EXPECT_EQ(read_responses(world.received[0], {false, true}).size(), 2U);
    ASSERT_EQ(world.accesses.size(), 0U);
    EXPECT_EQ(world.samples.back().phase, TransferSample::Phase::completed);
    EXPECT_EQ(world.samples.back().path, "/debian/a");
    std::uint64_t sent = 0;
    for (const TransferSample& sample : world.samples) {
        sent += sample.sent;
    }
    EXPECT_EQ(sent, 20U);
}

TEST_F(HttpServerMirror, AHeadRequestNeedsNoBody) {
    const StreamId stream = world.open();
    world.data(stream, request("/debian/a", {}, "HEAD"));
    answer(content);
    const auto all = read_responses(world.received[0], {true});
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].field("Content-Length"), "20");
    EXPECT_EQ(all[0].field("Age"), "0");
    EXPECT_FALSE(all[0].has("Warning"));
}

TEST_F(HttpServerMirror, RangesWaitForTheirBytes) {
    const StreamId stream = world.open();
    world.data(stream, request("/debian/a", "Range: bytes=10-12\r\n"));
    content->there = 5;
    answer(content);
    EXPECT_TRUE(world.received[0].starts_with("HTTP/1.1 206 "));
    EXPECT_NE(world.received[0].find("Content-Range: bytes 10-12/20\r\n"), std::string::npos);
    EXPECT_EQ(body(), "");
    arrive(10);
    EXPECT_EQ(body(), "");
    arrive(12);
    EXPECT_EQ(body(), "ab");
    arrive(18);
    EXPECT_EQ(body(), "abc") << "and no more";
    // Several ranges are sent in parts, for which all must be there.
    world.data(stream, request("/debian/a", "Range: bytes=0-1,4-5\r\n"));
    answer(content);
    content->over = true;
    arrive(20);
    world.data(stream, request("/debian/a", "Range: bytes=0-1,4-5\r\n"));
    answer(content);
    const auto all = read_responses(world.received[0]);
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[1].status, 200);
    EXPECT_EQ(all[1].body, "0123456789abcdefghij");
    EXPECT_EQ(all[2].status, 206);
    EXPECT_TRUE(all[2].field("Content-Type").starts_with("multipart/byteranges"));
}

TEST_F(HttpServerMirror, WhatNeverArrivesEndsTheConnectionShort) {
    const StreamId stream = world.open();
    world.data(stream, request("/debian/a"));
    content->there = 5;
    answer(content);
    content->over = true;
    arrive(7);
    EXPECT_EQ(body(), "0123456") << "all that there is, still";
    EXPECT_EQ(world.orders_of(StreamOrder::Kind::close), 1U);
    EXPECT_EQ(world.server.metrics().closed_by(HttpClose::content_cut).read(), 1U);
    EXPECT_EQ(world.samples.back().phase, TransferSample::Phase::aborted);
    world.hang_up(stream);
    EXPECT_EQ(world.server.next_deadline(), Instant::never());
    arrive(20); // nobody is there
}

TEST_F(HttpServerMirror, ManyWaitForTheSameAndSomeLeave) {
    std::vector<StreamId> streams;
    for (std::uint32_t i = 0; i < 10; ++i) {
        streams.push_back(world.open(i));
        world.data(streams.back(), request("/debian/a"));
        answer(content);
    }
    world.hang_up(streams[3]);
    const StreamId again = world.open(3); // the slot of one that waited
    world.data(again, request("/debian/a"));
    arrive(4);
    answer(content);
    arrive(8);
    world.hang_up(again);
    content->over = true;
    arrive(20);
    for (std::uint32_t i = 0; i < 10; ++i) {
        if (i != 3) {
            EXPECT_EQ(body(i), "0123456789abcdefghij") << i;
        }
    }
}

TEST_F(HttpServerMirror, AConnectionThatIsToEndEndsAfterTheLastByte) {
    const StreamId stream = world.open();
    world.data(stream, request("/debian/a", "Connection: close\r\n"));
    content->there = 5;
    answer(content);
    EXPECT_FALSE(world.shut[0]);
    content->over = true;
    arrive(20);
    EXPECT_TRUE(world.shut[0]);
    EXPECT_EQ(body(), "0123456789abcdefghij");
}

TEST_F(HttpServerMirror, AWaitThatNobodyEndsIsEnded) {
    const StreamId stream = world.open();
    world.data(stream, request("/debian/a"));
    answer(content);
    world.run_until(world.now.steady + 301s);
    EXPECT_EQ(world.orders_of(StreamOrder::Kind::close), 1U);
    EXPECT_EQ(world.server.metrics().closed_by(HttpClose::content_cut).read(), 1U);
}

TEST_F(HttpServerMirror, StaleContentSaysSo) {
    content->there = 20;
    content->over = true;
    content->stale = true;
    content->checked = {test_wall.ms - 90'000};
    const StreamId stream = world.open();
    world.data(stream, request("/debian/dists/InRelease"));
    answer(content);
    const auto all = read_responses(world.received[0]);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].field("Age"), "90");
    EXPECT_EQ(all[0].field("Warning"), "110 muster \"Response is Stale\"");
}

TEST_F(HttpServerMirror, WhatTheUpstreamDoesWrongIsSaid) {
    const auto said = [this](OpenError error) {
        const StreamId stream = world.open(7);
        world.data(stream, request("/debian/a"));
        answer(std::unexpected(error));
        const auto all = read_responses(world.received[7]);
        world.hang_up(stream);
        return all.empty() ? Response{} : all[0];
    };
    EXPECT_EQ(said(OpenError::not_found).status, 404);
    EXPECT_EQ(said(OpenError::forbidden).status, 403);
    const Response failed = said(OpenError::bad_gateway);
    EXPECT_EQ(failed.status, 502);
    EXPECT_NE(failed.body.find("upstream"), std::string::npos);
    EXPECT_EQ(said(OpenError::gateway_timeout).status, 504);
    world.open_error.reset();
}

} // namespace
} // namespace muster::test
