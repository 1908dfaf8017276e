// SPDX-License-Identifier: Apache-2.0
// HTTP fetches as scripts of what a server does, with explicit times.
#include "net/client/http_client.hh"

#include "tests/unit/net/client/client_world.hh"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace muster::test {
namespace {

using Kind = ClientNote::Kind;
using Order = ClientStreamOrder::Kind;

constexpr Endpoint server{tftp_server_address, 80};
constexpr HttpClientModel plain{};
constexpr HttpClientModel ipxe{.user_agent = "iPXE/1.0.0+git-20190125.36a4c85-5.1",
                               .field_order = "cuherb"};
constexpr HttpClientModel edk2{.user_agent = "UefiHttpBoot/1.0",
                               .says_connection = false,
                               .head_first = true,
                               .retry_after = false,
                               .header_timeout = 5s,
                               .resumes = 5,
                               .extra_fields = "Accept: */*\r\n",
                               .field_order = "heurb"};
constexpr HttpClientModel grub{.user_agent = "GRUB 2.06-13+deb12u2",
                               .keep_alive = false,
                               .says_connection = false,
                               .receive_window = 8192,
                               .field_order = "hur"};
constexpr HttpClientModel wget{.user_agent = "Wget", .keep_alive = false};

std::string ok(std::string_view body, std::string_view fields = "") {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string{fields} + "\r\n" + std::string{body};
}

class Http {
public:
    explicit Http(const HttpClientModel& model) : world(model) {}

    void begin(HttpFetch fetch) {
        fetch.local = client_address;
        if (fetch.server == Endpoint{}) {
            fetch.server = server;
        }
        world.with(
            [&](HttpClient& it, ClientContext& context) { it.begin(std::move(fetch), context); });
    }
    void get(std::string target, const Bytes* expected = nullptr, std::size_t keep_max = 1000) {
        begin({.target = std::move(target), .expected = expected, .keep_max = keep_max});
    }
    /// The connection that was asked for is open.
    void open() {
        ASSERT_EQ(world.connects.size(), 1U);
        stream = world.connects.front().stream;
        world.connects.pop_front();
        world.fleet.on_stream_open(stream, world.now, world.out);
        world.gather();
    }
    /// The next request, as text; empty: none was sent.
    std::string request() {
        if (world.orders.empty() || world.orders.front().first.kind != Order::send) {
            return {};
        }
        EXPECT_EQ(world.orders.front().first.stream, stream);
        std::string text = world.orders.front().second;
        world.orders.pop_front();
        return text;
    }
    std::string open_and_request() {
        open();
        return request();
    }
    void data(std::string_view bytes) {
        world.fleet.on_stream_data(stream, as_bytes(bytes), world.now, world.out);
        world.gather();
    }
    void closed() {
        world.fleet.on_stream_closed(stream, world.now, world.out);
        world.gather();
    }
    /// True: the client closed its connection.
    bool closes() {
        if (world.orders.empty() || world.orders.front().first.kind != Order::close) {
            return false;
        }
        world.orders.pop_front();
        return true;
    }
    [[nodiscard]] const HttpClient& client() { return world.engine(); }
    [[nodiscard]] ClientOutcome outcome() { return world.engine().outcome(); }

    ClientWorld<HttpClient> world;
    ClientStreamId stream;
};

// The heads are those of captures, tests/data/captures.
TEST(HttpClient, WritesTheHeadsOfItsModels) {
    Http a{ipxe};
    a.get("/boot.ipxe");
    EXPECT_EQ(a.open_and_request(),
              "GET /boot.ipxe HTTP/1.1\r\nConnection: keep-alive\r\n"
              "User-Agent: iPXE/1.0.0+git-20190125.36a4c85-5.1\r\nHost: 10.79.0.1\r\n\r\n");
    Http b{edk2};
    b.get("/grubhttp.efi");
    EXPECT_EQ(b.open_and_request(), "HEAD /grubhttp.efi HTTP/1.1\r\nHost: 10.79.0.1\r\n"
                                    "Accept: */*\r\nUser-Agent: UefiHttpBoot/1.0\r\n\r\n");
    Http c{grub};
    c.get("/grub/grub.cfg");
    EXPECT_EQ(c.world.connects.at(0).receive_window, 8192U);
    EXPECT_EQ(c.open_and_request(), "GET /grub/grub.cfg HTTP/1.1\r\nHost: 10.79.0.1\r\n"
                                    "User-Agent: GRUB 2.06-13+deb12u2\r\n\r\n");
    Http d{wget};
    d.begin({.method = HttpFetch::Method::post,
             .server = {tftp_server_address, 8079},
             .target = "/phone",
             .body = "a=b"});
    EXPECT_EQ(d.open_and_request(),
              "POST /phone HTTP/1.1\r\nHost: 10.79.0.1:8079\r\nUser-Agent: Wget\r\n"
              "Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
              "Content-Length: 3\r\n\r\na=b");
}

TEST(HttpClient, FetchesOnOneConnection) {
    Http http{plain};
    const std::string file = file_of(100);
    const Bytes expected = as_bytes(file);
    http.get("/a", &expected);
    http.world.pass(1ms);
    EXPECT_TRUE(http.open_and_request().starts_with("GET /a HTTP/1.1\r\n"));
    http.world.pass(2ms);
    http.data(ok(file));
    EXPECT_EQ(http.outcome(), ClientOutcome::done);
    EXPECT_EQ(http.client().status(), 200);
    EXPECT_EQ(http.client().bytes(), 100U);
    EXPECT_EQ(http.client().body(), file);
    EXPECT_EQ(http.client().deadline(), Instant::never());
    ASSERT_EQ(http.world.notes.size(), 1U);
    EXPECT_EQ(http.world.notes[0].kind, Kind::request);
    EXPECT_EQ(http.world.notes[0].status, 200);
    EXPECT_EQ(http.world.notes[0].bytes, 100U);
    EXPECT_EQ(http.world.notes[0].duration, 3ms);

    http.get("/b");
    EXPECT_TRUE(http.world.connects.empty()) << "the connection is kept";
    EXPECT_TRUE(http.request().starts_with("GET /b HTTP/1.1\r\n"));
    http.data(ok("", "Connection: close\r\n"));
    EXPECT_EQ(http.outcome(), ClientOutcome::done);
    EXPECT_TRUE(http.closes()) << "the server would not go on";
    http.get("/c");
    EXPECT_EQ(http.world.connects.size(), 1U);
}

TEST(HttpClient, AClientThatDoesNotKeepConnectionsClosesThem) {
    Http http{grub};
    http.get("/a");
    http.open_and_request();
    http.data(ok("x"));
    EXPECT_EQ(http.outcome(), ClientOutcome::done);
    EXPECT_TRUE(http.closes());
}

TEST(HttpClient, AnotherServerGetsAnotherConnection) {
    Http http{plain};
    http.get("/a");
    http.open_and_request();
    http.data(ok("x"));
    http.begin({.server = {tftp_server_address, 8080}, .target = "/b"});
    EXPECT_TRUE(http.closes());
    EXPECT_EQ(http.world.connects.size(), 1U);
}

// Every way to cut an answer gives the same result.
TEST(HttpClient, ReadsAnswersInPieces) {
    const std::string body = "hello, world";
    const std::vector<std::string> answers{
        "HTTP/1.1 100 Continue\r\n\r\n" + ok(body, "ETag: \"v1\"\r\n"),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;x\r\nhello\r\n7\r\n, world\r\n"
        "0\r\nA: b\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length:12 \n\nhello, world",
    };
    for (const std::string& answer : answers) {
        for (std::size_t cut = 0; cut <= answer.size(); ++cut) {
            Http http{plain};
            http.get("/a");
            http.open_and_request();
            http.data(answer.substr(0, cut));
            http.data(answer.substr(cut));
            ASSERT_EQ(http.outcome(), ClientOutcome::done) << cut;
            ASSERT_EQ(http.client().body(), body) << cut;
        }
        Http http{plain};
        http.get("/a");
        http.open_and_request();
        for (const char c : answer) {
            http.data({&c, 1});
        }
        ASSERT_EQ(http.outcome(), ClientOutcome::done);
        ASSERT_EQ(http.client().body(), body);
    }
}

TEST(HttpClient, ABodyWithoutALengthEndsWithItsConnection) {
    Http http{plain};
    http.get("/a");
    http.open_and_request();
    http.data("HTTP/1.0 200 OK\r\n\r\nhello, ");
    http.data("world");
    EXPECT_TRUE(http.client().busy());
    http.closed();
    EXPECT_EQ(http.outcome(), ClientOutcome::done);
    EXPECT_EQ(http.client().body(), "hello, world");
    EXPECT_EQ(http.client().bytes(), 12U);
}

TEST(HttpClient, SomeAnswersHaveNoBody) {
    Http http{plain};
    http.begin({.method = HttpFetch::Method::head, .target = "/a"});
    EXPECT_TRUE(http.open_and_request().starts_with("HEAD /a "));
    http.data("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    EXPECT_EQ(http.outcome(), ClientOutcome::done);
    http.get("/b");
    http.data("HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_EQ(http.outcome(), ClientOutcome::done);
    http.get("/c");
    http.data("HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n");
    EXPECT_EQ(http.outcome(), ClientOutcome::refused);
    http.get("/d");
    EXPECT_TRUE(http.world.connects.empty()) << "all on one connection";
}

TEST(HttpClient, AnErrorIsReadToItsEndAndRefuses) {
    Http http{plain};
    const std::string file = "x";
    const Bytes expected = as_bytes(file);
    http.get("/a", &expected);
    http.open_and_request();
    http.data("HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\n\r\nno such ");
    EXPECT_EQ(http.outcome(), ClientOutcome::refused);
    EXPECT_EQ(http.client().status(), 404);
    EXPECT_EQ(http.client().why(), "status 404");
    EXPECT_EQ(http.client().bytes(), 0U);
    ASSERT_EQ(http.world.notes.size(), 1U);
    EXPECT_EQ(http.world.notes[0].status, 404);
    EXPECT_FALSE(http.world.notes[0].ok);
}

TEST(HttpClient, LooksAtTheHeadFirstWhereItsModelDoes) {
    Http http{edk2};
    http.get("/f.efi");
    EXPECT_TRUE(http.open_and_request().starts_with("HEAD /f.efi HTTP/1.1\r\n"));
    http.data("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    EXPECT_TRUE(http.client().busy());
    EXPECT_TRUE(http.request().starts_with("GET /f.efi HTTP/1.1\r\n"));
    http.data(ok("abc"));
    EXPECT_EQ(http.outcome(), ClientOutcome::done);
    EXPECT_EQ(http.world.count(Kind::request), 2U);

    http.get("/f.efi");
    http.request();
    http.data("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_EQ(http.outcome(), ClientOutcome::broken) << "it needs a Content-Length";
    http.get("/f.efi");
    http.request();
    http.data("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n");
    EXPECT_EQ(http.outcome(), ClientOutcome::refused);
    http.get("/f.efi");
    http.request();
    http.data("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    http.data(ok("abcd"));
    EXPECT_EQ(http.outcome(), ClientOutcome::broken) << "more than HEAD said";
}

TEST(HttpClient, ComesAgainWhenTheServerSays) {
    Http http{plain};
    http.get("/a");
    const std::string request = http.open_and_request();
    http.data(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy");
    EXPECT_TRUE(http.client().busy());
    http.world.pass(6999ms);
    EXPECT_EQ(http.request(), "");
    http.world.pass(1ms);
    EXPECT_EQ(http.request(), request);
    EXPECT_EQ(http.world.waited(ClientWait::told_to_wait), 7s);
    http.data("HTTP/1.1 429 Too Many Requests\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n");
    http.closed();
    http.world.pass(5s);
    EXPECT_EQ(http.open_and_request(), request) << "on a new connection";
    http.data(ok("here"));
    EXPECT_EQ(http.outcome(), ClientOutcome::done);
    EXPECT_EQ(http.client().body(), "here");
    EXPECT_EQ(http.world.count(Kind::request), 3U);

    http.get("/a");
    http.request();
    http.data("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(http.outcome(), ClientOutcome::refused) << "without Retry-After";
    Http firmware{edk2};
    firmware.get("/a");
    firmware.open_and_request();
    firmware.data("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(firmware.outcome(), ClientOutcome::refused);
}

TEST(HttpClient, AKeptConnectionThatWasClosedIsReplacedOnce) {
    Http http{plain};
    http.get("/a");
    http.open_and_request();
    http.data(ok("x"));
    http.get("/b");
    EXPECT_NE(http.request(), "");
    http.closed();
    EXPECT_TRUE(http.client().busy());
    EXPECT_TRUE(http.open_and_request().starts_with("GET /b "));
    http.closed();
    EXPECT_EQ(http.outcome(), ClientOutcome::broken);
    EXPECT_EQ(http.world.count(Kind::retransmission), 1U);

    http.get("/c");
    http.open_and_request();
    http.data(ok("x"));
    http.closed();
    http.get("/d");
    http.open();
    EXPECT_NE(http.request(), "");
    EXPECT_TRUE(http.client().busy()) << "closed between two fetches";
}

TEST(HttpClient, APostNeverGoesOnAKeptConnection) {
    Http http{plain};
    http.get("/a");
    http.open_and_request();
    http.data(ok("x"));
    http.begin({.method = HttpFetch::Method::post, .target = "/report", .body = "done"});
    EXPECT_TRUE(http.closes());
    EXPECT_TRUE(http.open_and_request().starts_with("POST /report "));
    http.closed();
    EXPECT_EQ(http.outcome(), ClientOutcome::broken);
}

TEST(HttpClient, AsksForARange) {
    Http http{plain};
    const std::string part = "cde";
    const Bytes expected = as_bytes(part);
    const HttpFetch fetch{.target = "/a", .range_begin = 2, .range_end = 5, .expected = &expected};
    http.begin(fetch);
    EXPECT_NE(http.open_and_request().find("\r\nRange: bytes=2-4\r\n"), std::string::npos);
    http.data("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/10\r\n"
              "Content-Length: 3\r\n\r\ncde");
    EXPECT_EQ(http.outcome(), ClientOutcome::done);
    for (const char* wrong :
         {"bytes 1-3/10", "bytes 2-5/10", "bytes */10", "bytes 4-2/10", "2-4"}) {
        http.begin(fetch);
        if (!http.world.connects.empty()) {
            http.open();
        }
        http.request();
        http.data("HTTP/1.1 206 Partial Content\r\nContent-Range: " + std::string{wrong} +
                  "\r\nContent-Length: 3\r\n\r\ncde");
        EXPECT_EQ(http.outcome(), ClientOutcome::broken) << wrong;
        EXPECT_TRUE(http.closes());
    }
    http.get("/a");
    http.open_and_request();
    http.data("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-2/10\r\n"
              "Content-Length: 3\r\n\r\nabc");
    EXPECT_EQ(http.outcome(), ClientOutcome::broken) << "nobody asked for a part";
}

TEST(HttpClient, ResumesABrokenBodyWhereItBroke) {
    Http http{edk2};
    const std::string file = file_of(1000);
    const Bytes expected = as_bytes(file);
    http.get("/f", &expected, 2000);
    http.open_and_request();
    http.data("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    http.request();
    http.data("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 1000\r\n\r\n" +
              file.substr(0, 300));
    http.closed();
    EXPECT_TRUE(http.client().busy());
    http.world.pass(1999ms);
    EXPECT_TRUE(http.world.connects.empty());
    http.world.pass(1ms);
    const std::string again = http.open_and_request();
    EXPECT_TRUE(again.starts_with("GET /f HTTP/1.1\r\n"));
    EXPECT_NE(again.find("\r\nRange: bytes=300-999\r\nIf-Match: \"v1\"\r\n"), std::string::npos);
    http.data("HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes 300-999/1000"
              "\r\nContent-Length: 700\r\n\r\n" +
              file.substr(300, 100));
    http.world.pass(120s);
    EXPECT_TRUE(http.closes()) << "nothing for two minutes";
    http.world.pass(2s);
    EXPECT_NE(http.open_and_request().find("\r\nRange: bytes=400-999\r\n"), std::string::npos);
    http.data(ok(file));
    EXPECT_EQ(http.outcome(), ClientOutcome::done) << "a server may send all of it again";
    EXPECT_EQ(http.client().body(), file);
    EXPECT_EQ(http.world.count(Kind::retransmission), 2U);
}

TEST(HttpClient, ResumesOnlySoOften) {
    Http http{edk2};
    http.get("/f");
    http.open_and_request();
    http.data("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    for (int i = 0; i < 5; ++i) {
        http.data("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        http.closed();
        http.world.pass(2s);
        http.open();
        http.world.orders.clear();
    }
    http.data("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    http.closed();
    EXPECT_EQ(http.outcome(), ClientOutcome::broken);
}

TEST(HttpClient, GivesUpWhenNothingComes) {
    Http unreachable{plain};
    unreachable.get("/a");
    unreachable.world.pass(60s);
    EXPECT_EQ(unreachable.outcome(), ClientOutcome::silent);
    EXPECT_TRUE(unreachable.closes());
    EXPECT_EQ(unreachable.world.waited(ClientWait::http_no_answer), 60s);

    Http refused{plain};
    refused.get("/a");
    refused.stream = refused.world.connects.at(0).stream;
    refused.closed();
    EXPECT_EQ(refused.outcome(), ClientOutcome::silent);
    EXPECT_EQ(refused.client().why(), "no connection");

    Http silent{plain};
    silent.get("/a");
    silent.open_and_request();
    silent.world.pass(29s);
    silent.data("HTTP/1.1 200 OK\r\nA-head: in pieces\r\n");
    EXPECT_TRUE(silent.client().busy());
    silent.world.pass(1s);
    EXPECT_EQ(silent.outcome(), ClientOutcome::silent) << "30 s are for the whole head";
    EXPECT_TRUE(silent.closes());

    Http stalled{plain};
    stalled.get("/a");
    stalled.open_and_request();
    stalled.data("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    stalled.world.pass(119s);
    stalled.data("d");
    stalled.world.pass(119s);
    EXPECT_TRUE(stalled.client().busy());
    stalled.world.pass(1s);
    EXPECT_EQ(stalled.outcome(), ClientOutcome::silent);
}

TEST(HttpClient, ShortSilencesAreNoWaits) {
    Http http{plain};
    http.get("/a");
    http.world.pass(199ms);
    http.open_and_request();
    http.world.pass(200ms);
    http.data(ok("x"));
    EXPECT_EQ(http.world.waited(ClientWait::http_no_answer), 200ms);
}

TEST(HttpClient, SaysWhereABodyDiffers) {
    const std::string file = file_of(100);
    const Bytes expected = as_bytes(file);
    std::string wrong = file;
    wrong[70] = static_cast<char>(wrong[70] ^ 1);
    for (const auto& [body, why] :
         {std::pair{wrong, "differs at byte 70"}, std::pair{file.substr(0, 60), "ends at byte 60"},
          std::pair{file + "x", "differs at byte 100"}}) {
        Http http{plain};
        http.get("/a", &expected);
        http.open_and_request();
        const std::string answer = ok(body);
        http.data(answer.substr(0, 90));
        http.data(answer.substr(90));
        EXPECT_EQ(http.outcome(), ClientOutcome::broken);
        EXPECT_EQ(http.client().why(), why);
    }
}

TEST(HttpClient, LeavesToTheDriverWhatNobodyLooksAt) {
    Http http{plain};
    http.get("/a", nullptr, 10);
    http.open_and_request();
    http.data("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc");
    EXPECT_TRUE(http.world.orders.empty()) << "the first ten bytes are kept";
    http.data(std::string(997, 'x'));
    ASSERT_EQ(http.world.orders.size(), 1U);
    EXPECT_EQ(http.world.orders[0].first.kind, Order::discard);
    EXPECT_EQ(http.world.orders[0].first.size, 999'000U);
    http.world.fleet.on_stream_discarded(http.stream, 500'000, http.world.now, http.world.out);
    http.data(std::string(99'000, 'x')); // some of it may come all the same
    http.world.fleet.on_stream_discarded(http.stream, 400'000, http.world.now, http.world.out);
    http.world.gather();
    EXPECT_EQ(http.outcome(), ClientOutcome::done);
    EXPECT_EQ(http.client().bytes(), 1'000'000U);
    EXPECT_EQ(http.world.orders.size(), 1U) << "one order a body";
    EXPECT_EQ(http.client().body(), "abcxxxxxxx");

    http.world.orders.clear();
    const std::string file(200'000, 'x');
    const Bytes expected = as_bytes(file);
    http.get("/b", &expected, 0);
    http.request();
    http.data("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
    EXPECT_TRUE(http.world.orders.empty()) << "these are compared";
}

TEST(HttpClient, AnAnswerThatIsOutOfStepCostsItsConnection) {
    Http http{plain};
    http.get("/a");
    http.open_and_request();
    http.data(ok("x") + "HTTP/1.1 ");
    EXPECT_EQ(http.outcome(), ClientOutcome::done);
    EXPECT_TRUE(http.closes());
    http.get("/b");
    http.open_and_request();
    http.data(ok("x"));
    http.data("surprise");
    EXPECT_TRUE(http.closes());
    http.get("/c");
    EXPECT_EQ(http.world.connects.size(), 1U);
}

TEST(HttpClient, RefusesWhatIsMalformed) {
    for (const std::string& bad :
         {std::string{"HTTP/2 200 OK\r\n\r\n"}, std::string{"ICY 200 OK\r\n\r\n"},
          std::string{"HTTP/1.1 99 OK\r\n\r\n"}, std::string{"HTTP/1.1 600 OK\r\n\r\n"},
          std::string{"HTTP/1.1 2000 OK\r\n\r\n"}, std::string{"\r\n\r\n"},
          std::string{"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"},
          std::string{"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"},
          std::string{"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n"},
          std::string{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
          std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
          std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"},
          "HTTP/1.1 200 OK\r\nA: " + std::string(20'000, 'x')}) {
        Http http{plain};
        http.get("/a");
        http.open_and_request();
        http.data(bad);
        EXPECT_EQ(http.outcome(), ClientOutcome::broken) << bad.substr(0, 80);
        EXPECT_FALSE(http.client().why().empty());
        EXPECT_TRUE(http.closes());
    }
}

TEST(HttpClient, CloseGivesUp) {
    Http http{plain};
    http.get("/a");
    http.open_and_request();
    http.world.with([](HttpClient& it, ClientContext& context) { it.close(context); });
    EXPECT_FALSE(http.client().busy());
    EXPECT_TRUE(http.closes());
    EXPECT_EQ(http.client().deadline(), Instant::never());
}

TEST(HttpClient, AFleetWithoutConnectionsLeftIsSilence) {
    Http http{plain};
    http.world.with([](HttpClient& /*it*/, ClientContext& context) {
        for (int i = 0; i < 4; ++i) {
            (void)context.connect({}, server);
        }
    });
    http.get("/a");
    EXPECT_EQ(http.outcome(), ClientOutcome::silent);
}

} // namespace
} // namespace muster::test
