// SPDX-License-Identifier: Apache-2.0
// What control is told of transfers, and what clients are told when there is no room for them.
#include "tests/unit/net/http/http_fixture.hh"

namespace muster::test {
namespace {

using Phase = TransferSample::Phase;

std::string get(std::string_view path, std::string_view user_agent = "curl/8.0",
                std::string_view fields = {}) {
    return "GET " + std::string{path} +
           " HTTP/1.1\r\nHost: x\r\nUser-Agent: " + std::string{user_agent} + "\r\n" +
           std::string{fields} + "\r\n";
}

class HttpServerTransfer : public testing::Test {
protected:
    HttpServerTransfer() {
        world.hold_sends = true;
        world.add_file("files:debian12/linux", std::string(1'000'000, 'k'));
        world.add_file("loaders:ipxe.efi", "MZ");
    }
    /// The driver has come to this byte of the content; it reports what was added.
    void progress(std::uint64_t content_bytes) {
        const std::uint64_t at = world.sends.back().head_size + content_bytes;
        world.server.on_stream_progress(stream, at - reported, world.now, world.out);
        reported = at;
        world.perform();
    }
    HttpWorld world;
    StreamId stream = world.open();
    std::uint64_t reported = 0;
};

TEST_F(HttpServerTransfer, IsToldFromStartToEnd) {
    world.data(stream, get("/files//debian12/./linux?x"));
    ASSERT_EQ(world.samples.size(), 1U);
    EXPECT_EQ(world.samples[0].phase, Phase::started);
    EXPECT_EQ(world.samples[0].path, "/files/debian12/linux");
    EXPECT_EQ(world.samples[0].client, world.client.address);
    EXPECT_EQ(world.samples[0].size, 1'000'000U);
    EXPECT_EQ(world.samples[0].sent, 0U);
    EXPECT_EQ(world.samples[0].offset, 0U);

    world.pass(249ms);
    progress(100'000);
    EXPECT_EQ(world.samples.size(), 1U) << "not before 250 ms";
    world.pass(1ms);
    progress(200'000);
    ASSERT_EQ(world.samples.size(), 2U);
    EXPECT_EQ(world.samples[1].phase, Phase::running);
    EXPECT_EQ(world.samples[1].sent, 200'000U);
    progress(300'000);
    world.pass(249ms);
    progress(400'000);
    EXPECT_EQ(world.samples.size(), 2U) << "at most every 250 ms";
    world.pass(1ms);
    progress(450'000);
    ASSERT_EQ(world.samples.size(), 3U);
    EXPECT_EQ(world.samples[2].sent, 250'000U) << "since the last sample";
    world.finish_send(stream);
    ASSERT_EQ(world.samples.size(), 4U);
    EXPECT_EQ(world.samples[3].phase, Phase::completed);
    EXPECT_EQ(world.samples[3].sent, 550'000U);
}

TEST_F(HttpServerTransfer, TheHeadIsNotCountedAsContent) {
    world.data(stream, get("/files/debian12/linux"));
    world.pass(1s);
    progress(0);
    EXPECT_EQ(world.samples.size(), 1U) << "nothing of the file has gone yet";
    progress(1);
    ASSERT_EQ(world.samples.size(), 2U);
    EXPECT_EQ(world.samples[1].sent, 1U);
}

TEST_F(HttpServerTransfer, ARangeTellsWhereItStarts) {
    world.data(stream, get("/files/debian12/linux", "GRUB 2.06", "Range: bytes=999000-\r\n"));
    world.finish_send(stream);
    ASSERT_EQ(world.samples.size(), 2U);
    EXPECT_EQ(world.samples[0].offset, 999'000U);
    EXPECT_EQ(world.samples[0].size, 1'000'000U) << "of the whole content";
    EXPECT_EQ(world.samples[1].sent, 1000U);
}

TEST_F(HttpServerTransfer, AnAbortIsToldWithWhatHadGone) {
    world.data(stream, get("/files/debian12/linux"));
    progress(123);
    world.hang_up(stream);
    ASSERT_EQ(world.samples.size(), 2U);
    EXPECT_EQ(world.samples[1].phase, Phase::aborted);
    EXPECT_EQ(world.samples[1].sent, 123U);
}

TEST_F(HttpServerTransfer, ProgressNeverExceedsWhatWasSent) {
    world.data(stream, get("/files/debian12/linux"));
    progress(500);
    progress(9'000'000'000); // impossible
    world.finish_send(stream);
    std::uint64_t sum = 0;
    for (const TransferSample& sample : world.samples) {
        sum += sample.sent;
    }
    EXPECT_EQ(sum, 1'000'000U);
    EXPECT_EQ(world.server.metrics().sent_bytes.read(), 1'000'000U + world.sends[0].head_size);
}

TEST_F(HttpServerTransfer, OnlyGetOfAFileIsOne) {
    world.texts["/boot/ipxe"] = "x";
    const auto etag = "If-None-Match: \"v1\"\r\n";
    world.hold_sends = false;
    world.data(stream, "HEAD /files/debian12/linux HTTP/1.1\r\nHost: x\r\n\r\n");
    world.data(stream, get("/files/debian12/linux", "x", etag));
    world.data(stream, get("/files/debian12/linux", "x", "If-Match: \"v2\"\r\n"));
    world.data(stream, get("/files/debian12/linux", "x", "Range: bytes=1000000-\r\n"));
    world.data(stream, get("/files/none"));
    world.data(stream, get("/boot/ipxe"));
    EXPECT_EQ(world.sends.size(), 6U);
    EXPECT_TRUE(world.samples.empty());
    world.data(stream, get("//ipxe.efi"));
    ASSERT_EQ(world.samples.size(), 1U) << "of what is sent at one go only the end is told";
    EXPECT_EQ(world.samples[0].path, "/loaders/ipxe.efi");
    EXPECT_EQ(world.samples[0].phase, Phase::completed);
    EXPECT_EQ(world.samples[0].sent, world.samples[0].size);
}

TEST_F(HttpServerTransfer, SamplesGiveWayWhenControlIsFull) {
    world.data(stream, get("/files/debian12/linux"));
    world.pass(250ms);
    world.out.control_room = 0;
    progress(1000);
    EXPECT_EQ(world.samples.size(), 1U);
    EXPECT_EQ(world.server.metrics().samples_dropped.read(), 1U);
    world.out.control_room = SIZE_MAX;
    world.pass(250ms);
    progress(2000);
    ASSERT_EQ(world.samples.size(), 2U);
    EXPECT_EQ(world.samples[1].sent, 2000U) << "nothing is lost but the moment";
}

// ---- No room: which client is told what (PROTOCOLS.md sections 4 and 8).

constexpr const char* patient[] = {"iPXE/1.0.0+git", "curl/8.0", "Mozilla/5.0", ""};
constexpr const char* loaders[] = {"GRUB 2.06-13+deb12u2", "UefiHttpBoot/1.0", "Syslinux/6.04"};
constexpr const char* installers[] = {"Wget", "Wget/1.21.3", "debian-installer"};

TEST(HttpServerHold, ClientsThatComeBackAreToldWhenAtOnce) {
    for (const char* agent : patient) {
        HttpWorld world;
        world.out.control_room = 0;
        const auto got = world.get(get("/boot/ipxe", agent));
        EXPECT_EQ(got.status, 503) << agent;
        EXPECT_EQ(got.field("Retry-After"), "1") << agent;
        EXPECT_FALSE(got.has("Connection")) << "the next try may use it";
        world.open_error = OpenError::unavailable;
        const auto file = world.get(get("/files/a", agent));
        EXPECT_EQ(file.status, 503) << agent;
        EXPECT_EQ(file.field("Retry-After"), "2") << agent;
    }
}

TEST(HttpServerHold, TheOthersWaitAndAreAnsweredOnceThereIsRoom) {
    for (const auto& agents : {std::span{loaders}, std::span{installers}}) {
        for (const char* agent : agents) {
            HttpWorld world;
            world.texts["/boot/ipxe"] = "script";
            world.out.control_room = 0;
            const StreamId stream = world.open();
            world.data(stream, get("/boot/ipxe", agent));
            for (int i = 0; i < 100; ++i) {
                world.pass(5ms);
            }
            EXPECT_TRUE(world.sends.empty()) << agent;
            world.out.control_room = SIZE_MAX;
            world.pass(5ms);
            EXPECT_EQ(world.asked.size(), 1U) << agent;
            const auto got = read_responses(world.received[0]);
            ASSERT_EQ(got.size(), 1U) << agent;
            EXPECT_EQ(got[0].body, "script") << agent;
            EXPECT_EQ(world.server.metrics().held_requests.read(), 1U);
        }
    }
}

TEST(HttpServerHold, AHeldPostKeepsItsBody) {
    HttpWorld world;
    world.texts["/report/T/installed"] = "ok";
    world.out.control_room = 0;
    const StreamId stream = world.open();
    world.data(stream, "POST /report/T/installed HTTP/1.1\r\nHost: x\r\nUser-Agent: Wget\r\n"
                       "Content-Length: 3\r\n\r\na=b");
    world.pass(1s);
    world.out.control_room = 1;
    world.pass(5ms);
    ASSERT_EQ(world.asked.size(), 1U);
    EXPECT_EQ(world.asked[0].body, "a=b");
}

TEST(HttpServerHold, WaitingEndsAfterFourSecondsWith404ForLoadersAnd503ForInstallers) {
    const auto after_waiting = [](const char* agent, const char* path, bool files) {
        HttpWorld world;
        world.out.control_room = files ? SIZE_MAX : 0;
        world.open_error = OpenError::unavailable;
        const StreamId stream = world.open();
        world.data(stream, get(path, agent));
        world.run_until(Instant{} + 3990ms);
        EXPECT_TRUE(world.sends.empty()) << agent << ": UEFI firmware waits 5 s";
        world.run_until(Instant{} + 4010ms);
        const auto got = read_responses(world.received[0]);
        EXPECT_EQ(got.size(), 1U) << agent;
        const HttpError why = files ? HttpError::file_unavailable : HttpError::control_busy;
        EXPECT_EQ(world.server.metrics().refused_for(why).read(), 1U);
        return got.empty() ? Response{} : got[0];
    };
    for (const auto& [path, files] :
         {std::pair{"/boot/ipxe", false}, std::pair{"/files/a", true}}) {
        for (const char* agent : loaders) {
            EXPECT_EQ(after_waiting(agent, path, files).status, 404) << agent;
        }
        for (const char* agent : installers) {
            EXPECT_EQ(after_waiting(agent, path, files).status, 503) << agent;
        }
    }
}

TEST(HttpServerHold, AHeldOpenIsTriedAgainTenTimesASecond) {
    HttpWorld world;
    world.open_error = OpenError::unavailable;
    world.add_file("files:a", "A");
    const StreamId stream = world.open();
    world.data(stream, get("/files/a", "GRUB 2.06"));
    world.run_until(Instant{} + 1050ms);
    EXPECT_EQ(world.opened.size(), 11U);
    world.open_error.reset();
    world.run_until(Instant{} + 1150ms);
    EXPECT_EQ(read_responses(world.received[0])[0].body, "A");
    // The next request of the connection has its own four seconds.
    world.open_error = OpenError::unavailable;
    world.data(stream, get("/files/a", "GRUB 2.06"));
    world.run_until(world.now.steady + 3900ms);
    EXPECT_EQ(read_responses(world.received[0]).size(), 1U);
}

TEST(HttpServerHold, AControlThatSays503IsTranslatedForLoaders) {
    const auto told = [](const char* agent) {
        HttpWorld world;
        world.hold_replies = true;
        const StreamId stream = world.open();
        world.data(stream, get("/boot/ipxe", agent));
        world.reply(world.asked[0], 503, nullptr, 30);
        const auto got = read_responses(world.received[0]);
        EXPECT_EQ(got.size(), 1U);
        return got.empty() ? Response{} : got[0];
    };
    EXPECT_EQ(told("iPXE/1.0").status, 503);
    EXPECT_EQ(told("iPXE/1.0").field("Retry-After"), "30");
    for (const char* agent : loaders) {
        EXPECT_EQ(told(agent).status, 404) << agent;
        EXPECT_FALSE(told(agent).has("Retry-After")) << agent;
    }
}

TEST(HttpServerHold, AClientThatLeavesWhileHeldLeavesNothingBehind) {
    HttpWorld world;
    world.out.control_room = 0;
    const StreamId stream = world.open();
    world.data(stream, get("/boot/ipxe", "Wget"));
    world.hang_up(stream);
    world.out.control_room = SIZE_MAX;
    world.pass(10s);
    EXPECT_TRUE(world.asked.empty());
    EXPECT_EQ(world.server.next_deadline(), Instant::never());
}

// ---- Metrics.

TEST(HttpServerMetrics, AScrapeShowsReasonsUnderTheirNames) {
    HttpWorld world;
    world.add_file("files:a", "A");
    world.hold_sends = false;
    (void)world.get(get("/files/a"));
    (void)world.get(get("/files/%zz"));
    Exposition exposition;
    world.server.report(exposition);
    const std::string text = exposition.text();
    for (const char* line :
         {"muster_http_requests_total{role=\"content\",method=\"GET\"} 2\n",
          "muster_http_responses_total{role=\"content\",status=\"200\"} 1\n",
          "muster_http_responses_total{role=\"content\",status=\"400\"} 1\n",
          "muster_http_refused_total{role=\"content\",reason=\"bad_escape\"} 1\n",
          "muster_http_refused_total{role=\"content\",reason=\"control_silent\"} 0\n",
          "muster_http_connections_opened_total{role=\"content\"} 2\n",
          "muster_http_connections_closed_total{role=\"content\",reason=\"peer\"} 1\n",
          "muster_http_connections_closed_total{role=\"content\",reason=\"answered\"} 1\n",
          "muster_http_connections{role=\"content\"} 0\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << text;
    }
}

} // namespace
} // namespace muster::test
