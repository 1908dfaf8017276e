// SPDX-License-Identifier: Apache-2.0
// Each limit at its boundary, each timeout just before and just after, and connections that are
// gone while others still speak of them.
#include "tests/unit/net/http/http_fixture.hh"

namespace muster::test {
namespace {

std::string get(std::string_view path) {
    return "GET " + std::string{path} + " HTTP/1.1\r\nHost: x\r\n\r\n";
}
std::uint64_t closed(const HttpWorld& world, HttpClose reason) {
    return world.server.metrics().closed_by(reason).read();
}

TEST(HttpServerLimits, AHeadHasTenSecondsInAll) {
    HttpWorld world;
    const StreamId stream = world.open();
    const std::string head = get("/files/a");
    for (std::size_t i = 0; i < 9; ++i) { // a byte a second
        world.data(stream, head.substr(i, 1));
        world.pass(1s);
    }
    world.data(stream, "x");
    world.pass(999ms);
    EXPECT_TRUE(world.orders.empty());
    world.pass(2ms);
    ASSERT_EQ(world.orders.size(), 1U);
    EXPECT_EQ(world.orders[0].kind, StreamOrder::Kind::close);
    EXPECT_EQ(closed(world, HttpClose::head_timeout), 1U);
    EXPECT_EQ(world.received[0], "") << "nothing is said to a head that may never end";
}

TEST(HttpServerLimits, AnIdleConnectionIsKeptForAMinute) {
    HttpWorld world;
    world.add_file("files:a", "A");
    const StreamId fresh = world.open(0);
    const StreamId used = world.open(1);
    world.pass(30s);
    world.data(used, get("/files/a"));
    world.pass(30s - 1ms);
    EXPECT_TRUE(world.orders.empty());
    world.pass(2ms);
    ASSERT_EQ(world.orders.size(), 1U);
    EXPECT_EQ(world.orders[0].stream, fresh);
    world.pass(30s - 2ms);
    EXPECT_EQ(world.orders.size(), 1U) << "counted from its last answer";
    world.pass(2ms);
    EXPECT_EQ(world.orders.back().stream, used);
    EXPECT_EQ(closed(world, HttpClose::idle_timeout), 2U);
}

TEST(HttpServerLimits, ABodyHasAMinuteInAll) {
    HttpWorld world;
    const StreamId stream = world.open();
    world.data(stream, "POST /report/T/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
    for (int i = 0; i < 59; ++i) {
        world.data(stream, "x");
        world.pass(1s);
    }
    world.pass(999ms);
    EXPECT_TRUE(world.orders.empty());
    world.pass(2ms);
    EXPECT_EQ(closed(world, HttpClose::body_timeout), 1U);
}

TEST(HttpServerLimits, ASendMayStallForTwoMinutesAndGoesOnForeverWithProgress) {
    HttpWorld world;
    world.hold_sends = true;
    world.add_file("files:a", std::string(1'000'000, 'A'));
    const StreamId stream = world.open();
    world.data(stream, get("/files/a"));
    for (int i = 0; i < 10; ++i) {
        world.pass(119s);
        world.server.on_stream_progress(stream, 1000, world.now, world.out);
        world.perform();
    }
    EXPECT_TRUE(world.orders.empty());
    world.pass(60s);
    world.server.on_stream_progress(stream, 0, world.now, world.out); // nothing new
    world.pass(60s + 1ms);
    EXPECT_EQ(world.orders.back().kind, StreamOrder::Kind::close);
    EXPECT_EQ(closed(world, HttpClose::send_timeout), 1U);
    EXPECT_EQ(world.samples.back().phase, TransferSample::Phase::aborted);
}

TEST(HttpServerLimits, AnInterimResponseMayStallNoLonger) {
    HttpWorld world;
    world.hold_sends = true;
    const StreamId stream = world.open();
    world.data(stream, "POST /report/T/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                       "Content-Length: 5\r\n\r\n");
    world.pass(120s + 1ms);
    EXPECT_EQ(closed(world, HttpClose::send_timeout), 1U);
}

TEST(HttpServerLimits, APeerHasFiveSecondsToCloseAfterTheLastAnswer) {
    HttpWorld world;
    const StreamId polite = world.open(0);
    const StreamId rude = world.open(1);
    const std::string request = "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    world.data(polite, request);
    world.data(rude, request);
    world.pass(1s);
    world.hang_up(polite);
    EXPECT_EQ(closed(world, HttpClose::answered), 1U);
    world.data(rude, "still talking");
    world.pass(4s + 1ms);
    EXPECT_EQ(closed(world, HttpClose::linger_timeout), 1U);
    EXPECT_EQ(world.orders.back().stream, rude);
    world.hang_up(rude);
    EXPECT_EQ(world.server.metrics().connections.read(), 0U);
    EXPECT_EQ(closed(world, HttpClose::peer), 0U);
}

TEST(HttpServerLimits, ControlAndDriverHaveTwentySecondsToAnswer) {
    HttpWorld world;
    world.hold_replies = true;
    world.hold_opens = true;
    const StreamId asking = world.open(0);
    const StreamId opening = world.open(1);
    world.data(asking, get("/boot/ipxe"));
    world.data(opening, get("/files/a"));
    world.pass(20s - 1ms);
    EXPECT_TRUE(world.sends.empty());
    world.pass(2ms);
    const auto silent = read_responses(world.received[0]);
    ASSERT_EQ(silent.size(), 1U);
    EXPECT_EQ(silent[0].status, 503);
    EXPECT_EQ(silent[0].field("Retry-After"), "5");
    EXPECT_EQ(silent[0].field("Connection"), "close");
    EXPECT_EQ(read_responses(world.received[1])[0].status, 503);
    EXPECT_EQ(world.server.metrics().refused_for(HttpError::control_silent).read(), 1U);
    EXPECT_EQ(world.server.metrics().refused_for(HttpError::file_unavailable).read(), 1U);
    // The answers come after all.
    world.reply(world.asked[0], 200, nullptr);
    world.answer_open(world.opened[0]);
    EXPECT_EQ(world.sends.size(), 2U);
    EXPECT_EQ(world.server.metrics().stale_answers.read(), 2U);
}

TEST(HttpServerLimits, ASlotBeyondTheLimitIsClosedAtOnce) {
    HttpWorld world;
    const StreamId last = world.open(15);
    EXPECT_TRUE(world.orders.empty());
    const StreamId beyond = world.open(16);
    ASSERT_EQ(world.orders.size(), 1U);
    EXPECT_EQ(world.orders[0].stream, beyond);
    EXPECT_EQ(closed(world, HttpClose::too_many_connections), 1U);
    EXPECT_EQ(world.server.metrics().connections.read(), 1U);
    world.data(beyond, get("/files/a"));
    world.hang_up(beyond);
    world.data(last, get("/x"));
    EXPECT_EQ(world.sends.size(), 1U);
}

TEST(HttpServerLimits, BodiesAreTakenUpToTheLimitOfTheRole) {
    const HttpLimits limits = HttpWorld::small();
    for (const auto& [role, max] : {std::pair{HttpRole::content, limits.body_bytes_max},
                                    std::pair{HttpRole::admin, limits.admin_body_bytes_max}}) {
        HttpWorld world{role};
        world.texts["/report/T/x"] = "ok";
        const auto post = [&](std::uint64_t size, bool chunked) {
            const std::string body(size, 'b');
            const std::string head = "POST /report/T/x HTTP/1.1\r\nHost: x\r\n";
            return chunked ? head + "Transfer-Encoding: chunked\r\n\r\n" +
                                 [&] {
                                     std::string all;
                                     for (std::size_t at = 0; at < size; at += 4096) {
                                         const std::size_t part =
                                             std::min<std::size_t>(4096, size - at);
                                         char digits[17];
                                         (void)std::snprintf(digits, sizeof digits, "%zx", part);
                                         all += std::string{digits} + "\r\n" +
                                                body.substr(at, part) + "\r\n";
                                     }
                                     return all + "0\r\n\r\n";
                                 }()
                           : head + "Content-Length: " + std::to_string(size) + "\r\n\r\n" + body;
        };
        for (const bool chunked : {false, true}) {
            EXPECT_EQ(world.get(post(max, chunked)).status, 200);
            EXPECT_EQ(world.asked.back().body.size(), max);
            const auto refused = world.get(post(max + 1, chunked));
            EXPECT_EQ(refused.status, 413);
            EXPECT_EQ(refused.field("Connection"), "close");
        }
        EXPECT_EQ(world.server.metrics().refused_for(HttpError::body_too_large).read(), 2U);
    }
}

TEST(HttpServerLimits, AllBodiesTogetherAreBounded) {
    HttpLimits limits = HttpWorld::small();
    limits.bodies_bytes_max = 100;
    HttpWorld world{HttpRole::content, limits};
    world.hold_replies = true;
    const std::string post = "POST /report/T/x HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\n\r\n";
    for (int round = 0; round < 3; ++round) { // what is bounded comes back every time
        const StreamId first = world.open(0);
        const StreamId second = world.open(1);
        const StreamId third = world.open(2);
        world.data(first, post + std::string(59, 'x'));
        world.data(second, post + std::string(41, 'x'));
        world.data(second, "x");
        const auto refused = read_responses(world.received[1]);
        ASSERT_EQ(refused.size(), 1U);
        EXPECT_EQ(refused[0].status, 503);
        EXPECT_EQ(refused[0].field("Retry-After"), "1");
        world.data(third, post + std::string(40, 'x'));
        world.data(first, "x"); // complete: goes to control
        ASSERT_EQ(world.asked.size(), static_cast<std::size_t>(round + 1));
        world.data(third, std::string(19, 'x'));
        for (const StreamId stream : {first, second, third}) {
            world.hang_up(stream);
        }
    }
    EXPECT_EQ(world.server.metrics().refused_for(HttpError::body_memory_exhausted).read(), 3U);
}

TEST(HttpServerLimits, AConnectionIsSmall) {
    EXPECT_LE(sizeof(HttpConnection), 448U);
}

// ---- Staleness.

TEST(HttpServerStale, FactsAboutAStreamThatIsGoneChangeNothing) {
    HttpWorld world;
    world.add_file("files:a", "A");
    const StreamId old = world.open(3);
    world.hang_up(old);
    const StreamId fresh = world.open(3);
    world.data(old, get("/files/a"));
    world.server.on_stream_sent(old, world.now, world.out);
    world.server.on_stream_progress(old, 5, world.now, world.out);
    world.server.on_stream_closed(old, world.now, world.out);
    world.data({99, 1}, get("/files/a"));
    world.data({3, 0}, get("/files/a"));
    world.data({5, 0}, get("/files/a"));
    world.perform();
    EXPECT_TRUE(world.sends.empty());
    EXPECT_EQ(world.server.metrics().stale_streams.read(), 7U);
    world.data(fresh, get("/files/a"));
    EXPECT_EQ(read_responses(world.received[3])[0].body, "A");
}

TEST(HttpServerStale, AnAnswerToARequestThatIsGoneIsDropped) {
    HttpWorld world;
    world.hold_opens = true;
    world.hold_replies = true;
    world.add_file("files:a", "A");
    const StreamId old = world.open();
    world.data(old, get("/boot/old"));
    world.hang_up(old);
    const StreamId fresh = world.open();
    world.data(fresh, get("/boot/new"));
    world.reply(world.asked[0], 200, std::make_shared<TextContent>("old", "text/plain"));
    EXPECT_TRUE(world.sends.empty()) << "one machine's script must not reach another";
    world.reply(world.asked[1], 200, std::make_shared<TextContent>("new", "text/plain"));
    world.reply(world.asked[1], 200, std::make_shared<TextContent>("again", "text/plain"));
    // The next request of the same connection has a ticket of its own.
    world.data(fresh, get("/boot/next"));
    world.reply(world.asked[1], 200, std::make_shared<TextContent>("again", "text/plain"));
    world.server.on_content(world.asked[2].ticket, world.files["files:a"], world.now, world.out);
    world.reply(world.asked[2], 200, std::make_shared<TextContent>("next", "text/plain"));
    const auto got = read_responses(world.received[0]);
    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(got[0].body, "new");
    EXPECT_EQ(got[1].body, "next");
    EXPECT_EQ(world.server.metrics().stale_answers.read(), 4U);
}

TEST(HttpServerStale, ForeignAndImpossibleTicketsAreDropped) {
    HttpWorld world;
    world.hold_replies = true;
    const StreamId stream = world.open();
    world.data(stream, get("/boot/x"));
    Ticket ticket = world.asked[0].ticket;
    ticket.owner = Ticket::Owner::tftp;
    world.server.on_reply({ticket, 200, nullptr, 0}, world.now, world.out);
    for (const SlabHandle handle :
         {SlabHandle{16, 1}, SlabHandle{UINT32_MAX, 1}, SlabHandle{1, 0}, SlabHandle{0, 0}}) {
        world.server.on_reply({{Ticket::Owner::http, handle}, 200, nullptr, 0}, world.now,
                              world.out);
    }
    EXPECT_TRUE(world.out.empty());
    EXPECT_EQ(world.server.metrics().stale_answers.read(), 5U);
}

TEST(HttpServerStale, ASlotThatIsOpenedAgainUnclosedBeginsAnew) {
    HttpWorld world;
    world.hold_opens = true;
    world.add_file("files:a", "A");
    const StreamId old = world.open();
    world.data(old, get("/files/a") + "GET /rest");
    const StreamId fresh = world.open();
    world.answer_open(world.opened[0]);
    EXPECT_TRUE(world.sends.empty());
    world.hold_opens = false;
    world.data(fresh, get("/files/a"));
    EXPECT_EQ(world.server.metrics().connections.read(), 1U);
    EXPECT_EQ(read_responses(world.received[0]).size(), 1U);
}

TEST(HttpServerStale, NothingHappensAfterAnOrderToClose) {
    HttpWorld world;
    const StreamId stream = world.open();
    world.pass(60s + 1ms);
    ASSERT_EQ(world.orders.size(), 1U);
    world.data(stream, get("/files/a"));
    world.server.on_stream_sent(stream, world.now, world.out);
    world.pass(600s);
    EXPECT_EQ(world.orders.size(), 1U);
    EXPECT_TRUE(world.opened.empty());
    world.hang_up(stream);
    EXPECT_EQ(world.server.next_deadline(), Instant::never());
    EXPECT_EQ(closed(world, HttpClose::peer), 0U);
}

// ---- Many at once.

TEST(HttpServerMany, ThousandsOfConnectionsEachGetTheirOwn) {
    HttpLimits limits;
    HttpWorld world{HttpRole::content, limits};
    constexpr std::uint32_t count = 20'000;
    std::vector<StreamId> streams;
    for (std::uint32_t i = 0; i < count; ++i) {
        streams.push_back(world.open(i));
    }
    world.hold_opens = true;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::string name = std::to_string(i);
        world.add_file("files:" + name, name);
        world.data(streams[i], get("/files/" + name));
    }
    ASSERT_EQ(world.opened.size(), count);
    for (std::uint32_t i = count; i > 0; --i) { // in another order than asked
        world.answer_open(world.opened[i - 1]);
    }
    world.perform();
    for (std::uint32_t i = 0; i < count; ++i) {
        ASSERT_TRUE(world.received[i].ends_with("\r\n\r\n" + std::to_string(i)));
    }
    EXPECT_EQ(world.server.metrics().connections.read(), count);
    world.pass(61s);
    EXPECT_EQ(closed(world, HttpClose::idle_timeout), count);
    for (const StreamId stream : streams) {
        world.server.on_stream_closed(stream, world.now, world.out);
    }
    EXPECT_EQ(world.server.metrics().connections.read(), 0U);
}

} // namespace
} // namespace muster::test
