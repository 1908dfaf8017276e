// SPDX-License-Identifier: Apache-2.0
// The cache's policy on virtual time: who is asked, who waits, what stays.
#include "core/mirror/mirror_engine.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster::test {
namespace {

constexpr std::string_view package = "/debian/pool/a.deb";
constexpr std::string_view index_file = "/debian/dists/x/InRelease";
constexpr std::string_view late_date = "Thu, 01 Jan 2026 00:00:00 GMT";

class MirrorEngineTest : public testing::Test {
protected:
    MirrorEngineTest() { use(MirrorLimits{}); }

    void use(MirrorLimits limits) {
        engine.emplace(limits);
        engine->set_mirrors({{.path = "/debian",
                              .upstream = "http://deb.example/debian",
                              .revalidate = 1min,
                              .ca = "/ca.pem"}});
    }
    void pass(Duration time) {
        now.steady = now.steady + time;
        now.wall = now.wall + time;
        engine->expire(now, out);
    }
    void ask(std::string_view target = package) {
        engine->on_ask({0, Ticket{Ticket::Owner::http, {++asked, 1}}}, std::string{target}, now,
                       out);
    }
    static UpstreamAnswer answer(std::uint64_t size, std::string etag = "\"v1\"") {
        UpstreamAnswer head;
        head.status = 200;
        head.content_length = size;
        head.etag = std::move(etag);
        return head;
    }
    static UpstreamAnswer status(std::uint16_t code) {
        UpstreamAnswer head;
        head.status = code;
        return head;
    }
    FetchId fetch() const { return out.requests.back().fetch; }
    /// The last request is answered and all of it comes.
    ObjectId serve(std::uint64_t size, std::string etag = "\"v1\"") {
        const FetchId id = fetch();
        const auto order = engine->on_answer(id, answer(size, std::move(etag)), now, out);
        EXPECT_EQ(order.kind, BodyOrder::Kind::store);
        engine->on_stored(id, size, out);
        engine->on_end(id, UpstreamEnd::complete, "", now, out);
        return order.object;
    }
    void fail(UpstreamEnd end = UpstreamEnd::broken) {
        engine->on_end(fetch(), end, "why", now, out);
    }
    std::size_t granted() const {
        return static_cast<std::size_t>(std::ranges::count_if(
            out.replies, [](const auto& reply) { return reply.grant.has_value(); }));
    }
    std::uint64_t count(MirrorResult result) const { return engine->metrics().read(result); }

    Now now{Instant{1'000'000'000}, UnixTime{1'800'000'000'000}};
    std::optional<MirrorEngine> engine;
    MirrorEffects out;
    std::uint32_t asked = 0;
};

TEST_F(MirrorEngineTest, ManyWhoAskForOneFileMakeOneRequest) {
    for (int i = 0; i < 500; ++i) {
        ask();
    }
    ASSERT_EQ(out.requests.size(), 1U);
    EXPECT_EQ(out.requests[0].url, "http://deb.example/debian/pool/a.deb");
    EXPECT_EQ(out.requests[0].ca, "/ca.pem");
    EXPECT_TRUE(out.replies.empty());
    const auto order = engine->on_answer(fetch(), answer(100), now, out);
    EXPECT_TRUE(order.create);
    EXPECT_EQ(granted(), 500U) << "the length is known: they need not wait for the end";
    EXPECT_EQ(out.replies[7].grant->size, 100U);
    ask();
    EXPECT_EQ(granted(), 501U) << "as it arrives";
    engine->on_stored(fetch(), 100, out);
    engine->on_end(fetch(), UpstreamEnd::complete, "", now, out);
    ASSERT_EQ(out.commits.size(), 1U);
    EXPECT_EQ(out.commits[0].object, order.object);
    ask();
    EXPECT_EQ(out.requests.size(), 1U);
    EXPECT_EQ(count(MirrorResult::fetched), 1U);
    EXPECT_EQ(count(MirrorResult::joined), 500U);
    EXPECT_EQ(count(MirrorResult::hit), 1U);
}

TEST_F(MirrorEngineTest, WithoutALengthTheyWaitForTheEnd) {
    ask();
    UpstreamAnswer head = answer(0);
    head.content_length.reset();
    const auto order = engine->on_answer(fetch(), head, now, out);
    EXPECT_FALSE(order.limit);
    ask();
    engine->on_stored(fetch(), 70, out);
    EXPECT_TRUE(out.replies.empty());
    engine->on_end(fetch(), UpstreamEnd::complete, "", now, out);
    ASSERT_EQ(granted(), 2U);
    EXPECT_EQ(out.replies[0].grant->size, 70U);
    EXPECT_EQ(out.commits[0].record.size, 70U);
}

TEST_F(MirrorEngineTest, PackagesAreAskedForOnceAndIndexesAgain) {
    ask();
    serve(10);
    ask(index_file);
    const ObjectId index = serve(20);
    pass(24h);
    ask();
    EXPECT_EQ(out.requests.size(), 2U);
    ask(index_file);
    ASSERT_EQ(out.requests.size(), 3U);
    EXPECT_EQ(out.requests[2].if_none_match, "\"v1\"");
    EXPECT_TRUE(out.requests[2].if_range.empty());
    out.replies.clear();
    (void)engine->on_answer(fetch(), status(304), now, out);
    engine->on_end(fetch(), UpstreamEnd::complete, "", now, out);
    ASSERT_EQ(granted(), 1U);
    EXPECT_EQ(out.replies[0].grant->object, index);
    EXPECT_EQ(out.replies[0].grant->checked, now.wall);
    EXPECT_FALSE(out.replies[0].grant->stale);
    EXPECT_EQ(out.checks.size(), 1U);
    pass(59s);
    ask(index_file);
    EXPECT_EQ(out.requests.size(), 3U) << "fresh again for a minute";
    pass(1s);
    ask(index_file);
    EXPECT_EQ(out.requests.size(), 4U);
}

TEST_F(MirrorEngineTest, ANewVersionTakesTheOldOnesPlace) {
    ask(index_file);
    const ObjectId first = serve(20);
    pass(2min);
    ask(index_file);
    const ObjectId second = serve(30, "\"v2\"");
    EXPECT_NE(first, second);
    EXPECT_EQ(out.removals, std::vector{first});
    EXPECT_EQ(engine->object_count(), 1U);
    ask(index_file);
    EXPECT_EQ(out.replies.back().grant->object, second);
}

TEST_F(MirrorEngineTest, WithoutItsUpstreamAnIndexIsGivenStaleAndAPackageAsEver) {
    ask();
    serve(10);
    ask(index_file);
    serve(20);
    const UnixTime checked = now.wall;
    pass(2min);
    ask(index_file);
    out.replies.clear();
    fail(UpstreamEnd::unreachable);
    pass(1s);
    fail(UpstreamEnd::unreachable);
    ASSERT_EQ(granted(), 1U);
    EXPECT_TRUE(out.replies[0].grant->stale);
    EXPECT_EQ(out.replies[0].grant->checked, checked);
    EXPECT_TRUE(out.notes.back().warning);
    const std::size_t requests = out.requests.size();
    ask(index_file);
    EXPECT_EQ(granted(), 2U) << "at once: the upstream is left alone for a while";
    EXPECT_EQ(out.requests.size(), requests);
    ask();
    EXPECT_EQ(granted(), 3U);
    EXPECT_FALSE(out.replies[2].grant->stale);
    EXPECT_EQ(count(MirrorResult::stale), 2U);
    pass(10s);
    ask(index_file);
    EXPECT_EQ(out.requests.size(), requests + 1);
}

TEST_F(MirrorEngineTest, ASilentUpstreamHoldsNobodyUpWhereThereIsAnOldVersion) {
    ask(index_file);
    serve(20);
    pass(2min);
    ask(index_file);
    out.replies.clear();
    EXPECT_EQ(engine->next_deadline(), now.steady + 3s);
    pass(2999ms);
    EXPECT_EQ(granted(), 0U);
    pass(1ms);
    ASSERT_EQ(granted(), 1U);
    EXPECT_TRUE(out.replies[0].grant->stale);
    // It answers after all.
    (void)engine->on_answer(fetch(), status(304), now, out);
    engine->on_end(fetch(), UpstreamEnd::complete, "", now, out);
    ask(index_file);
    EXPECT_FALSE(out.replies.back().grant->stale);
}

TEST_F(MirrorEngineTest, NotFoundIsPassedOnAndRememberedForSeconds) {
    ask();
    ask();
    (void)engine->on_answer(fetch(), status(404), now, out);
    engine->on_end(fetch(), UpstreamEnd::complete, "", now, out);
    ASSERT_EQ(out.replies.size(), 2U);
    EXPECT_EQ(out.replies[0].grant.error(), OpenError::not_found);
    ask();
    EXPECT_EQ(out.requests.size(), 1U);
    EXPECT_EQ(out.replies.size(), 3U);
    pass(5s);
    ask();
    EXPECT_EQ(out.requests.size(), 2U);
}

TEST_F(MirrorEngineTest, WhoAsksBetweenAnAnswerAndTheEndOfItsTransferIsAnswered) {
    ask();
    (void)engine->on_answer(fetch(), status(404), now, out);
    ask();
    EXPECT_EQ(out.replies.size(), 2U) << "from memory";
    pass(5s);
    const FetchId old = fetch();
    ask(); // the transfer of the 404 still has not ended
    EXPECT_EQ(out.requests.size(), 2U);
    engine->on_end(old, UpstreamEnd::complete, "", now, out);
    ask();
    EXPECT_EQ(out.requests.size(), 2U) << "joins the second";
    serve(10);
    EXPECT_EQ(granted(), 2U);
}

TEST_F(MirrorEngineTest, AFileThatIsGoneUpstreamIsGone) {
    ask(index_file);
    const ObjectId id = serve(20);
    pass(2min);
    ask(index_file);
    (void)engine->on_answer(fetch(), status(410), now, out);
    engine->on_end(fetch(), UpstreamEnd::complete, "", now, out);
    EXPECT_EQ(out.removals, std::vector{id});
    EXPECT_EQ(out.replies.back().grant.error(), OpenError::not_found);
    EXPECT_EQ(engine->bytes_used(), 0U);
}

TEST_F(MirrorEngineTest, ErrorsAreTriedAgainWithGrowingPausesThenTold) {
    ask();
    std::vector<Duration> pauses;
    for (unsigned i = 0; i < MirrorLimits{}.attempts_max; ++i) {
        EXPECT_EQ(out.requests.size(), i + 1);
        (void)engine->on_answer(fetch(), status(503), now, out);
        fail(UpstreamEnd::complete);
        if (engine->next_deadline() != Instant::never()) {
            pauses.push_back(engine->next_deadline() - now.steady);
            pass(pauses.back());
        }
    }
    EXPECT_EQ(pauses, (std::vector<Duration>{250ms, 500ms, 1s, 2s}));
    ASSERT_EQ(out.replies.size(), 1U);
    EXPECT_EQ(out.replies[0].grant.error(), OpenError::bad_gateway);
    ask();
    EXPECT_EQ(out.requests.size(), 5U) << "not again within the second";
    pass(1s);
    ask();
    EXPECT_EQ(out.requests.size(), 6U);
    fail(UpstreamEnd::timeout);
    for (int i = 0; i < 4; ++i) {
        pass(4s);
        fail(UpstreamEnd::timeout);
    }
    EXPECT_EQ(out.replies.back().grant.error(), OpenError::gateway_timeout);
}

TEST_F(MirrorEngineTest, WhatCannotPassIsToldAtOnce) {
    ask();
    fail(UpstreamEnd::untrusted);
    EXPECT_EQ(out.replies.at(0).grant.error(), OpenError::bad_gateway);
    ask("/debian/forbidden");
    (void)engine->on_answer(fetch(), status(403), now, out);
    fail(UpstreamEnd::complete);
    EXPECT_EQ(out.replies.at(1).grant.error(), OpenError::forbidden);
    ask("/debian/odd");
    (void)engine->on_answer(fetch(), status(400), now, out);
    fail(UpstreamEnd::complete);
    EXPECT_EQ(out.replies.at(2).grant.error(), OpenError::bad_gateway);
    ask("/debian/mad");
    UpstreamAnswer mad = answer(5);
    mad.malformed = true;
    (void)engine->on_answer(fetch(), mad, now, out);
    fail(UpstreamEnd::complete);
    EXPECT_EQ(out.replies.at(3).grant.error(), OpenError::bad_gateway);
    ask("/elsewhere/x");
    EXPECT_EQ(out.replies.at(4).grant.error(), OpenError::not_found) << "no open proxy";
    EXPECT_EQ(out.requests.size(), 4U);
}

TEST_F(MirrorEngineTest, ABrokenTransferIsContinuedAndNobodyNotices) {
    ask();
    const auto order = engine->on_answer(fetch(), answer(100), now, out);
    engine->on_stored(fetch(), 40, out);
    fail();
    EXPECT_TRUE(out.endings.empty());
    pass(250ms);
    ASSERT_EQ(out.requests.size(), 2U);
    EXPECT_EQ(out.requests[1].from, 40U);
    EXPECT_EQ(out.requests[1].if_range, "\"v1\"");
    UpstreamAnswer rest = answer(60);
    rest.status = 206;
    rest.range = UpstreamRange{40, 99, 100};
    const auto more = engine->on_answer(fetch(), rest, now, out);
    EXPECT_EQ(more.object, order.object);
    EXPECT_FALSE(more.create);
    EXPECT_EQ(more.have, 40U);
    EXPECT_EQ(more.limit, 60U);
    engine->on_stored(fetch(), 60, out);
    engine->on_end(fetch(), UpstreamEnd::complete, "", now, out);
    ASSERT_EQ(out.commits.size(), 1U);
    EXPECT_EQ(out.commits[0].record.size, 100U);
    EXPECT_TRUE(out.endings.empty());
}

TEST_F(MirrorEngineTest, AnUpstreamWithoutRangesSendsAllAndTheBeginningIsLeftOut) {
    ask();
    UpstreamAnswer dated = answer(100, "");
    dated.last_modified = late_date;
    dated.modified = now.wall + -1h;
    dated.answered = now.wall;
    (void)engine->on_answer(fetch(), dated, now, out);
    engine->on_stored(fetch(), 40, out);
    fail();
    pass(250ms);
    EXPECT_EQ(out.requests[1].if_range, late_date);
    const auto order = engine->on_answer(fetch(), dated, now, out);
    EXPECT_EQ(order.skip, 40U);
    EXPECT_EQ(order.limit, 100U);
    EXPECT_TRUE(out.removals.empty());
}

TEST_F(MirrorEngineTest, AnotherVersionEndsWhoReadsTheOldOne) {
    ask();
    const auto first = engine->on_answer(fetch(), answer(100), now, out);
    engine->on_stored(fetch(), 40, out);
    fail();
    pass(250ms);
    const auto second = engine->on_answer(fetch(), answer(100, "\"v2\""), now, out);
    EXPECT_NE(second.object, first.object);
    EXPECT_TRUE(second.create);
    EXPECT_EQ(second.skip, 0U);
    EXPECT_EQ(out.endings, std::vector{first.object});
    EXPECT_EQ(out.removals, std::vector{first.object});
}

TEST_F(MirrorEngineTest, PartsThatDoNotFitAreNotPutTogether) {
    for (const UpstreamRange& range : {UpstreamRange{41, 99, 100}, UpstreamRange{40, 98, 100},
                                       UpstreamRange{40, 99, 101}, UpstreamRange{0, 99, 100}}) {
        use(MirrorLimits{});
        out.clear();
        ask();
        (void)engine->on_answer(fetch(), answer(100), now, out);
        engine->on_stored(fetch(), 40, out);
        fail();
        pass(250ms);
        UpstreamAnswer rest = answer(60);
        rest.status = 206;
        rest.range = range;
        EXPECT_EQ(engine->on_answer(fetch(), rest, now, out).kind, BodyOrder::Kind::ignore);
        EXPECT_EQ(out.endings.size(), 1U);
    }
}

TEST_F(MirrorEngineTest, WithoutAStrongValidatorABrokenTransferIsTheEndForItsReaders) {
    for (const char* const tag : {"", "W/\"v1\""}) {
        use(MirrorLimits{});
        out.clear();
        ask();
        const auto order = engine->on_answer(fetch(), answer(100, tag), now, out);
        engine->on_stored(fetch(), 40, out);
        fail();
        EXPECT_EQ(out.endings, std::vector{order.object});
        EXPECT_EQ(out.removals, std::vector{order.object});
        EXPECT_EQ(engine->next_deadline(), Instant::never());
        EXPECT_EQ(engine->bytes_used(), 0U);
        ask();
        EXPECT_EQ(out.requests.size(), 2U);
        EXPECT_EQ(out.requests[1].from, 0U);
    }
}

TEST_F(MirrorEngineTest, ShortAnswersAreNotTakenForWhole) {
    ask();
    (void)engine->on_answer(fetch(), answer(100), now, out);
    engine->on_stored(fetch(), 99, out);
    fail(UpstreamEnd::complete);
    EXPECT_TRUE(out.commits.empty());
}

TEST_F(MirrorEngineTest, WhatWasGivenUpIsContinuedForTheNextWhoAsks) {
    MirrorLimits limits;
    limits.attempts_max = 1;
    use(limits);
    ask();
    const auto order = engine->on_answer(fetch(), answer(100), now, out);
    engine->on_stored(fetch(), 40, out);
    fail();
    EXPECT_EQ(out.endings, std::vector{order.object});
    EXPECT_EQ(out.parks, std::vector{order.object});
    EXPECT_TRUE(out.removals.empty());
    EXPECT_GT(engine->bytes_used(), 0U);
    pass(1s);
    ask();
    EXPECT_EQ(out.requests.back().from, 40U);
    UpstreamAnswer rest = answer(60);
    rest.status = 206;
    rest.range = UpstreamRange{40, 99, 100};
    EXPECT_EQ(engine->on_answer(fetch(), rest, now, out).object, order.object);
    EXPECT_EQ(out.replies.back().grant->object, order.object);
}

TEST_F(MirrorEngineTest, ARunContinuesWhatTheLastOneLeft) {
    ObjectRecord whole{.url = "http://deb.example/debian/pool/a.deb",
                       .etag = "\"v1\"",
                       .last_modified = {},
                       .content_type = {},
                       .modified = {},
                       .fetched = {},
                       .size = 10,
                       .dated_well = false,
                       .boot = {}};
    engine->restore(ObjectId{5}, whole, now.wall, out);
    engine->restore(ObjectId{9}, whole, now.wall, out);
    engine->restore(ObjectId{7}, whole, now.wall, out);
    EXPECT_EQ(out.removals, (std::vector{ObjectId{5}, ObjectId{7}})) << "the newest stays";
    ask();
    EXPECT_EQ(out.replies.at(0).grant->object, ObjectId{9});
    EXPECT_TRUE(out.requests.empty());

    ObjectRecord part = whole;
    part.url = "http://deb.example/debian/pool/b.deb";
    part.size = 100;
    EXPECT_TRUE(engine->restore_part(ObjectId{20}, part, 60));
    part.url += "x";
    EXPECT_FALSE(engine->restore_part(ObjectId{21}, part, 101)) << "longer than it can be";
    part.etag = "W/\"v1\"";
    EXPECT_FALSE(engine->restore_part(ObjectId{22}, part, 50)) << "no strong validator";
    ask("/debian/pool/b.deb");
    ASSERT_EQ(out.requests.size(), 1U);
    EXPECT_EQ(out.requests[0].from, 60U);
    EXPECT_EQ(out.replies.size(), 1U) << "only the upstream knows whether it is still this one";
    fail(UpstreamEnd::unreachable); // not yet there: the part stays
    pass(1s);
    EXPECT_EQ(out.requests.back().from, 60U);
    ask("/debian/pool/c.deb");
    const auto order = engine->on_answer(fetch(), answer(5), now, out);
    EXPECT_GT(static_cast<std::uint64_t>(order.object), 22U) << "no number is given twice";
}

TEST_F(MirrorEngineTest, TheBoundHoldsAndTheLeastUsedGoes) {
    MirrorLimits limits;
    limits.bytes_max = 10 * 8192;
    use(limits);
    std::vector<ObjectId> ids;
    for (int i = 0; i < 10; ++i) {
        ask("/debian/" + std::to_string(i) + ".deb");
        ids.push_back(serve(4096));
    }
    EXPECT_EQ(engine->bytes_used(), limits.bytes_max);
    ask("/debian/0.deb"); // used again: the next to go is 1
    ask("/debian/10.deb");
    serve(4096);
    EXPECT_EQ(out.removals, std::vector{ids[1]});
    EXPECT_EQ(engine->bytes_used(), limits.bytes_max);
    EXPECT_EQ(engine->metrics().evicted.read(), 1U);
    ask("/debian/big.deb");
    (void)engine->on_answer(fetch(), answer(40'000), now, out);
    EXPECT_LE(engine->bytes_used(), limits.bytes_max) << "room is made before it comes";
}

TEST_F(MirrorEngineTest, WhatIsLargerThanTheCacheIsGivenAndNotKept) {
    MirrorLimits limits;
    limits.bytes_max = 100'000;
    use(limits);
    ask("/debian/small.deb");
    serve(4096);
    ask();
    const ObjectId big = serve(1'000'000);
    EXPECT_EQ(granted(), 2U);
    EXPECT_EQ(out.removals, std::vector{big});
    EXPECT_EQ(out.endings, std::vector{big});
    EXPECT_EQ(out.commits.size(), 1U);
    EXPECT_EQ(engine->object_count(), 1U) << "nobody was driven out for it";
    EXPECT_EQ(engine->bytes_used(), 8192U);
}

TEST_F(MirrorEngineTest, WithoutALengthTheBoundHoldsToo) {
    MirrorLimits limits;
    limits.bytes_max = 8 << 20;
    use(limits);
    ask("/debian/small.deb");
    const ObjectId small = serve(4 << 20);
    ask();
    UpstreamAnswer head = answer(0);
    head.content_length.reset();
    (void)engine->on_answer(fetch(), head, now, out);
    for (int i = 0; i < 6; ++i) {
        engine->on_stored(fetch(), 1 << 20, out);
        EXPECT_LE(engine->bytes_used(), limits.bytes_max);
    }
    engine->on_end(fetch(), UpstreamEnd::complete, "", now, out);
    EXPECT_EQ(out.removals, std::vector{small});
    EXPECT_EQ(engine->bytes_used(), ObjectLru::room_of(6 << 20));
}

TEST_F(MirrorEngineTest, AVersionThatIsEvictedWhileItIsLookedAtIsAskedForWhole) {
    MirrorLimits limits;
    limits.bytes_max = 20'000;
    use(limits);
    ask(index_file);
    serve(4096);
    pass(2min);
    ask(index_file);
    const FetchId looking = fetch();
    ask();
    serve(12'000); // drives the index out
    (void)engine->on_answer(looking, status(304), now, out);
    engine->on_end(looking, UpstreamEnd::complete, "", now, out);
    pass(1s);
    EXPECT_TRUE(out.requests.back().if_none_match.empty());
    out.replies.clear();
    serve(4096);
    EXPECT_EQ(granted(), 1U);
}

TEST_F(MirrorEngineTest, MoreFetchesThanMayRunWaitTheirTurn) {
    MirrorLimits limits;
    limits.fetches_max = 2;
    use(limits);
    for (int i = 0; i < 5; ++i) {
        ask("/debian/" + std::to_string(i) + ".deb");
    }
    EXPECT_EQ(out.requests.size(), 2U);
    serve(10);
    EXPECT_EQ(out.requests.size(), 3U);
    fail();
    EXPECT_EQ(out.requests.size(), 4U) << "one that rests holds no place";
}

TEST_F(MirrorEngineTest, TooManyWhoWaitAreTurnedAway) {
    MirrorLimits limits;
    limits.waiting_max = 2;
    use(limits);
    ask();
    ask();
    ask();
    ask("/debian/b.deb");
    ASSERT_EQ(out.replies.size(), 2U);
    EXPECT_EQ(out.replies[0].grant.error(), OpenError::unavailable);
    EXPECT_EQ(count(MirrorResult::busy), 2U);
    serve(10);
    ask("/debian/b.deb");
    EXPECT_EQ(out.requests.size(), 2U);
}

TEST_F(MirrorEngineTest, WhatTheDiskDoesNotTakeIsNotKept) {
    ask();
    (void)engine->on_answer(fetch(), answer(100), now, out);
    out.replies.clear();
    fail(UpstreamEnd::no_room);
    EXPECT_EQ(out.endings.size(), 1U);
    EXPECT_EQ(out.removals.size(), 1U);
    EXPECT_EQ(engine->bytes_used(), 0U);
    pass(1s);
    ask();
    const ObjectId id = serve(100);
    engine->on_committed(id, false, now, out);
    EXPECT_EQ(engine->object_count(), 0U);
    EXPECT_EQ(engine->metrics().store_failures.read(), 2U);
}

} // namespace
} // namespace muster::test
