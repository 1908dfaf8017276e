// SPDX-License-Identifier: Apache-2.0
// Answers without an end: listeners of the event feed.
#include "tests/unit/net/http/http_fixture.hh"

namespace muster::test {
namespace {

constexpr std::string_view listen = "GET /api/v1/events HTTP/1.1\r\nHost: x\r\n"
                                    "Accept: text/event-stream, */*\r\nLast-Event-ID: 41\r\n\r\n";

ContentRef text(std::string bytes) {
    return std::make_shared<TextContent>(std::move(bytes), "text/event-stream");
}

class FeedTest : public testing::Test {
protected:
    explicit FeedTest(HttpLimits limits = HttpWorld::small()) : world(HttpRole::admin, limits) {
        world.texts["/api/v1/events"] = "first\n";
        world.feed_path = "/api/v1/events";
    }
    void feed(std::string bytes) {
        world.server.on_feed(text(std::move(bytes)), world.now, world.out);
        world.perform();
    }
    HttpWorld world;
};

TEST_F(FeedTest, AListenerGetsWhatCameBeforeAndAllThatComes) {
    const StreamId stream = world.open();
    world.data(stream, listen);
    ASSERT_EQ(world.asked.size(), 1U);
    EXPECT_TRUE(world.asked[0].accepts_events);
    EXPECT_EQ(world.asked[0].last_event_id, "41");
    EXPECT_EQ(world.server.listeners(), 1U);
    feed("second\n");
    world.pass(10min); // no timer ends it
    feed("third\n");
    const std::string& got = world.received[stream.slot];
    EXPECT_TRUE(got.ends_with("\r\n\r\nfirst\nsecond\nthird\n")) << got;
    EXPECT_EQ(got.find("Content-Length"), std::string::npos);
    EXPECT_NE(got.find("Connection: close\r\n"), std::string::npos);
    EXPECT_NE(got.find("Cache-Control: no-store\r\n"), std::string::npos);
    EXPECT_FALSE(world.shut[stream.slot]);
}

TEST_F(FeedTest, WhatComesWhileASendIsOutFollowsInOrder) {
    world.hold_sends = true;
    const StreamId stream = world.open();
    world.data(stream, listen);
    feed("a");
    feed("b");
    EXPECT_EQ(world.sends.size(), 1U) << "one send at a time";
    for (int i = 0; i < 3; ++i) {
        world.finish_send(stream);
    }
    EXPECT_TRUE(world.received[stream.slot].ends_with("first\nab"));
    EXPECT_EQ(world.sends.size(), 3U);
}

TEST_F(FeedTest, WhoIsGoneIsForgottenAndItsSlotIsAnothers) {
    const StreamId stream = world.open();
    world.data(stream, listen);
    world.hang_up(stream);
    EXPECT_EQ(world.server.listeners(), 0U);
    const StreamId next = world.open();
    feed("not for an idle connection");
    EXPECT_EQ(world.received[next.slot], "");
    world.data(next, listen);
    feed("once");
    EXPECT_TRUE(world.received[next.slot].ends_with("first\nonce")) << world.received[next.slot];
}

TEST_F(FeedTest, AnHttp10ClientGetsWhatThereIsWithALength) {
    const Response got =
        world.get("GET /api/v1/events HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n");
    EXPECT_EQ(got.body, "first\n");
    EXPECT_EQ(world.server.listeners(), 0U);
}

class SlowListener : public FeedTest {
protected:
    static HttpLimits tight() {
        HttpLimits limits = HttpWorld::small();
        limits.feed_bytes_max = 10;
        limits.listeners_max = 1;
        return limits;
    }
    SlowListener() : FeedTest(tight()) {}
};

TEST_F(SlowListener, LosesItsConnectionAndNobodyElse) {
    world.hold_sends = true;
    const StreamId stream = world.open();
    world.data(stream, listen);
    feed("0123456789");
    EXPECT_TRUE(world.orders.empty()) << "just as much as may wait";
    feed("x");
    ASSERT_EQ(world.orders.size(), 1U);
    EXPECT_EQ(world.orders[0].kind, StreamOrder::Kind::close);
    EXPECT_EQ(world.server.metrics().closed_by(HttpClose::feed_behind).read(), 1U);
    EXPECT_EQ(world.server.listeners(), 0U);
}

TEST_F(SlowListener, OneTooManyIsTold) {
    world.data(world.open(0), listen);
    const StreamId second = world.open(1);
    world.data(second, listen);
    const auto got = read_responses(world.received[second.slot]);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].status, 503);
    EXPECT_EQ(world.server.listeners(), 1U);
}

} // namespace
} // namespace muster::test
