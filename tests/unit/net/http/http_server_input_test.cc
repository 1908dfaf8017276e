// SPDX-License-Identifier: Apache-2.0
// What comes in: cut in any way, pipelined, with bodies, faster than it can be answered.
#include "tests/unit/net/http/http_fixture.hh"

#include <random>

namespace muster::test {
namespace {

std::string get(std::string_view path) {
    return "GET " + std::string{path} + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

/// Everything that a server does with a stream of bytes, apart from when the driver is told to
/// pause, which depends on when bytes come.
struct Transcript {
    std::string received;
    std::vector<std::string> asked;
    std::vector<std::string> opened;
    std::vector<std::string> sampled;
    bool shut = false;
    friend bool operator==(const Transcript&, const Transcript&) = default;
};

Transcript run(std::string_view bytes, const std::vector<std::size_t>& cuts, HttpRole role) {
    HttpWorld world{role};
    world.add_file("files:a", "AAAA");
    world.add_file("files:b", std::string(5000, 'B'));
    world.texts["/boot/ipxe"] = "#!ipxe\n";
    world.texts["/report/T/x"] = "ok\n";
    const StreamId stream = world.open();
    std::size_t cut = 0;
    while (!bytes.empty()) {
        const std::size_t size = std::min(bytes.size(), cuts[std::min(cut++, cuts.size() - 1)]);
        world.data(stream, bytes.substr(0, size));
        bytes.remove_prefix(size);
    }
    Transcript transcript;
    transcript.received = world.received[0];
    transcript.shut = world.shut[0];
    for (const DynamicRequest& asked : world.asked) {
        transcript.asked.push_back(asked.path + "?" + asked.query + " " + asked.body + " " +
                                   std::to_string(asked.ticket.handle.generation));
    }
    for (const OpenRequest& opened : world.opened) {
        transcript.opened.push_back(opened.path);
    }
    for (const TransferSample& sample : world.samples) {
        transcript.sampled.push_back(sample.path + std::to_string(sample.sent));
    }
    return transcript;
}

TEST(HttpServerInput, HowTheBytesAreCutChangesNothing) {
    const std::string post = "POST /report/T/x?y HTTP/1.1\r\nHost: x\r\n";
    const std::string scripts[] = {
        get("/files/a") + get("/boot/ipxe") + get("/files/b") + get("/nothing"),
        post + "Content-Length: 5\r\n\r\nhello" + get("/files/a"),
        post + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x\r\nlo\r\n0\r\nT: t\r\n\r\n" +
            get("/files/a"),
        post + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello" + get("/files/a"),
        "\r\n" + get("/files/a") + "\r\n" + get("/files/a"),
        get("/files/a") + "GET / HTTP/1.1\n\n" + get("/files/a"),
        get("/files/a") + "HEAD /files/b HTTP/1.0\r\n\r\n" + get("/files/a"),
        post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get("/files/a"),
        post + "Content-Length: 65537\r\n\r\n" + std::string(300, 'x'),
        "PUT /boot/ipxe HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + get("/files/a"),
        "GET /" + std::string(9000, 'x') + " HTTP/1.1\r\n\r\n",
        "GET /files/%zz HTTP/1.1\r\nHost: x\r\n\r\n" + get("/files/a"),
    };
    std::mt19937 random{7}; // NOLINT(cert-msc51-cpp): a fixed seed is the point
    for (const HttpRole role : {HttpRole::content, HttpRole::admin}) {
        for (const std::string& script : scripts) {
            const Transcript whole = run(script, {script.size()}, role);
            EXPECT_TRUE(!whole.received.empty() || role == HttpRole::admin); // takes larger bodies
            EXPECT_EQ(run(script, {1}, role), whole) << script.substr(0, 200);
            for (std::size_t at = 1; at < std::min<std::size_t>(script.size(), 300); ++at) {
                EXPECT_EQ(run(script, {at, script.size()}, role), whole) << "cut at " << at;
            }
            for (int i = 0; i < 20; ++i) {
                std::vector<std::size_t> cuts;
                for (int k = 0; k < 50; ++k) {
                    cuts.push_back(1 + random() % 60);
                }
                EXPECT_EQ(run(script, cuts, role), whole) << script.substr(0, 200);
            }
        }
    }
}

TEST(HttpServerInput, PipelinedRequestsAreAnsweredInOrderAndOneAtATime) {
    HttpWorld world;
    world.hold_sends = true;
    std::string pipeline;
    for (int i = 0; i < 50; ++i) {
        const std::string name = std::to_string(i);
        world.add_file("files:" + name, "<" + name + ">");
        pipeline += get("/files/" + name);
    }
    const StreamId stream = world.open();
    world.data(stream, pipeline);
    for (std::size_t i = 0; i < 50; ++i) {
        ASSERT_EQ(world.sends.size(), i + 1) << "one StreamSend at a time";
        ASSERT_EQ(world.opened.size(), i + 1);
        world.finish_send(stream);
    }
    const auto got = read_responses(world.received[0]);
    ASSERT_EQ(got.size(), 50U);
    for (std::size_t i = 0; i < 50; ++i) {
        EXPECT_EQ(got[i].body, "<" + std::to_string(i) + ">");
    }
}

TEST(HttpServerInput, AnswersThatComeLateDoNotOvertake) {
    HttpWorld world;
    world.hold_replies = true;
    world.add_file("files:a", "A");
    const StreamId stream = world.open();
    world.data(stream, get("/boot/ipxe") + get("/files/a"));
    EXPECT_TRUE(world.sends.empty());
    EXPECT_TRUE(world.opened.empty()) << "the second request waits for the first one's answer";
    world.reply(world.asked[0], 200, std::make_shared<TextContent>("S", "text/plain"));
    const auto got = read_responses(world.received[0]);
    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(got[0].body, "S");
    EXPECT_EQ(got[1].body, "A");
}

TEST(HttpServerInput, TheDriverIsPausedBeforeInputOverflowsAndResumedWhenThereIsRoom) {
    HttpWorld world;
    world.hold_sends = true;
    world.add_file("files:a", "A");
    const StreamId stream = world.open();
    std::size_t requests = 0;
    while (world.orders.empty()) {
        world.data(stream, get("/files/a"));
        ++requests;
        ASSERT_LT(requests, 10'000U);
    }
    const std::size_t held = (requests - 1) * get("/files/a").size();
    EXPECT_GT(held, 16U * 1024);
    EXPECT_LE(held, 16U * 1024 + get("/files/a").size());
    EXPECT_EQ(world.orders[0].kind, StreamOrder::Kind::pause);
    EXPECT_EQ(world.orders[0].stream, stream);
    // What the driver had in its hands already still fits.
    world.data(stream, std::string(47 * 1024, 'x'));
    EXPECT_EQ(world.orders.size(), 1U) << "told once";
    for (std::size_t i = 0; world.orders.size() == 1 && i < requests; ++i) {
        world.finish_send(stream);
    }
    ASSERT_EQ(world.orders.size(), 2U);
    EXPECT_EQ(world.orders[1].kind, StreamOrder::Kind::resume);
}

TEST(HttpServerInput, ADriverThatIgnoresThePauseLosesTheConnection) {
    HttpWorld world;
    world.hold_opens = true;
    const StreamId stream = world.open();
    world.data(stream, get("/files/a") + std::string(64 * 1024, 'x'));
    ASSERT_EQ(world.orders.size(), 1U);
    EXPECT_EQ(world.orders[0].kind, StreamOrder::Kind::pause);
    world.data(stream, "x");
    EXPECT_EQ(world.orders.back().kind, StreamOrder::Kind::close);
    EXPECT_EQ(world.server.metrics().closed_by(HttpClose::input_overflow).read(), 1U);
}

TEST(HttpServerInput, APausedDriverIsResumedWhenTheConnectionIsToEnd) {
    // Else it would never see that the peer closes.
    HttpWorld world;
    world.hold_opens = true;
    world.hold_sends = true;
    const StreamId stream = world.open();
    world.data(stream, get("/files/a") + std::string(20 * 1024, 'x'));
    ASSERT_EQ(world.orders_of(StreamOrder::Kind::pause), 1U);
    world.pass(20s); // no content: answered with an error, then to be closed
    EXPECT_TRUE(world.shut[0]);
    EXPECT_EQ(world.orders_of(StreamOrder::Kind::resume), 1U);
}

TEST(HttpServerInput, WholeRequestsNeedNoInputBlock) {
    HttpLimits limits = HttpWorld::small();
    limits.input_blocks = 0;
    HttpWorld world{HttpRole::content, limits};
    world.add_file("files:a", "A");
    EXPECT_EQ(world.get(get("/files/a")).body, "A");
    const StreamId stream = world.open();
    world.data(stream, "GET ");
    EXPECT_EQ(world.orders.back().kind, StreamOrder::Kind::close);
    EXPECT_EQ(world.server.metrics().closed_by(HttpClose::no_input_block).read(), 1U);
}

TEST(HttpServerInput, BlocksComeBackFromEveryWayAConnectionEnds) {
    HttpWorld world; // four blocks
    for (int i = 0; i < 20; ++i) {
        const StreamId hung_up = world.open();
        world.data(hung_up, "GET /fi");
        world.hang_up(hung_up);
        const StreamId timed_out = world.open();
        world.data(timed_out, "GET /fi");
        world.pass(10s);
        world.hang_up(timed_out);
        const StreamId refused = world.open();
        world.data(refused, "GET /fi");
        world.data(refused, "\n");
        world.hang_up(refused);
    }
    EXPECT_EQ(world.server.metrics().closed_by(HttpClose::no_input_block).read(), 0U);
    EXPECT_EQ(world.server.metrics().connections.read(), 0U);
}

TEST(HttpServerInput, ContinueIsSaidBeforeTheBodyIsRead) {
    HttpWorld world;
    world.hold_sends = true;
    world.texts["/report/T/x"] = "ok\n";
    const StreamId stream = world.open();
    world.data(stream, "POST /report/T/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                       "Content-Length: 5\r\n\r\n");
    EXPECT_EQ(world.received[0], "HTTP/1.1 100 Continue\r\n\r\n");
    world.data(stream, "hel"); // before the interim response has left
    EXPECT_TRUE(world.asked.empty());
    world.finish_send(stream);
    world.data(stream, "lo");
    ASSERT_EQ(world.asked.size(), 1U);
    EXPECT_EQ(world.asked[0].body, "hello");
    EXPECT_NE(world.received[0].find("HTTP/1.1 200 OK"), std::string::npos);
    EXPECT_FALSE(world.shut[0]);
}

// RFC 9110 section 10.1.1: a final status instead, and no further request on that connection,
// because the body may come or not.
TEST(HttpServerInput, ContinueIsNotSaidToWhatIsRefused) {
    HttpWorld world;
    const std::string expecting = " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n";
    for (const auto& [line, status] :
         {std::pair{"POST /files/a" + expecting + "Content-Length: 5\r\n\r\n", 405},
          std::pair{"POST /nothing" + expecting + "Content-Length: 5\r\n\r\n", 404},
          std::pair{"POST /report/T/x" + expecting + "Content-Length: 65537\r\n\r\n", 413}}) {
        const StreamId stream = world.open();
        world.data(stream, line);
        const auto got = read_responses(world.received[0]);
        ASSERT_EQ(got.size(), 1U);
        EXPECT_EQ(got[0].status, status);
        EXPECT_EQ(got[0].field("Connection"), "close");
        EXPECT_TRUE(world.shut[0]);
        world.hang_up(stream);
    }
    const auto none = world.get("POST /report/T/x" + expecting + "Content-Length: 0\r\n\r\n");
    EXPECT_EQ(none.status, 404) << "no body, nothing to wait for";
}

TEST(HttpServerInput, ABodyThatNobodyWantsIsReadOver) {
    HttpWorld world;
    world.add_file("files:a", "A");
    const StreamId stream = world.open();
    world.data(stream, "GET /files/a HTTP/1.1\r\nHost: x\r\nContent-Length: 28\r\n\r\n" +
                           get("/x") +
                           "POST /nothing HTTP/1.1\r\nHost: x\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
                           get("/files/a"));
    const auto got = read_responses(world.received[0]);
    ASSERT_EQ(got.size(), 3U) << world.received[0];
    EXPECT_EQ(got[0].body, "A");
    EXPECT_EQ(got[1].status, 404);
    EXPECT_EQ(got[2].body, "A");
    EXPECT_FALSE(world.shut[0]);
}

TEST(HttpServerInput, NothingBehindTheLastAnswerIsRead) {
    HttpWorld world;
    world.add_file("files:a", "A");
    const StreamId stream = world.open();
    world.data(stream,
               "GET /files/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + get("/files/a"));
    world.data(stream, get("/files/a"));
    EXPECT_EQ(read_responses(world.received[0]).size(), 1U);
    EXPECT_EQ(world.opened.size(), 1U);
}

} // namespace
} // namespace muster::test
