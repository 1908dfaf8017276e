// SPDX-License-Identifier: Apache-2.0
// Every refusal with an input that causes it, and inputs made to do harm.
#include "tests/unit/net/http/http_fixture.hh"

#include <functional>
#include <random>

namespace muster::test {
namespace {

std::string with(std::string_view fields, std::string_view body = {}) {
    return "POST /report/T/x HTTP/1.1\r\nHost: x\r\n" + std::string{fields} + "\r\n" +
           std::string{body};
}
std::string get(std::string_view path, std::string_view fields = {}) {
    return "GET " + std::string{path} + " HTTP/1.1\r\nHost: x\r\n" + std::string{fields} + "\r\n";
}

struct Cause {
    HttpError error;
    std::string input;
    std::function<void(HttpWorld&)> prepare = [](HttpWorld&) {
    };
};

std::vector<Cause> causes() {
    using enum HttpError;
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    std::string many;
    for (int i = 0; i < 65; ++i) {
        many += "A: b\r\n";
    }
    std::string large;
    for (int i = 0; i < 5; ++i) {
        large += "A: " + std::string(4000, 'x') + "\r\n";
    }
    return {
        {bare_line_feed, "GET / HTTP/1.1\nHost: x\n\n"},
        {bad_request_line, "GET /\r\n\r\n"},
        {request_line_too_long, "GET /" + std::string(8192, 'x')},
        {version_not_supported, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        {bad_target, get("files/a")},
        {bad_escape, get("/files/%2")},
        {nul_in_path, get("/files/a%00b")},
        {field_line_too_long, get("/", "A: " + std::string(8192, 'x'))},
        {head_too_large, get("/", large)},
        {too_many_fields, get("/", many)},
        {bad_field_name, get("/", "A : b\r\n")},
        {bad_field_value, get("/", "A: b\x01\r\n")},
        {folded_field, get("/", "A: b\r\n c\r\n")},
        {repeated_field, get("/", "Content-Length: 0\r\nContent-Length: 0\r\n")},
        {missing_host, "GET / HTTP/1.1\r\n\r\n"},
        {bad_content_length, with("Content-Length: 1x\r\n")},
        {length_and_chunked, with("Content-Length: 5\r\n" + chunked)},
        {chunked_in_http_1_0, "POST / HTTP/1.0\r\n" + chunked + "\r\n"},
        {transfer_coding_not_supported, with("Transfer-Encoding: gzip, chunked\r\n")},
        {expectation_not_supported, with("Expect: the-unexpected\r\n")},
        {bad_chunk, with(chunked, "x\r\n")},
        {trailer_too_large, with(chunked, "0\r\n" + std::string(5000, 'x'))},
        {body_too_large, with("Content-Length: 65537\r\n")},
        {body_memory_exhausted, with("Content-Length: 1001\r\n", std::string(1001, 'x'))},
        {method_not_allowed, "DELETE /files/a HTTP/1.1\r\nHost: x\r\n\r\n"},
        {path_unknown, get("/nothing/here")},
        {path_leaves_tree, get("/files/../site.yaml")},
        {file_not_found, get("/files/missing")},
        {file_forbidden, get("/files/secret"),
         [](HttpWorld& world) {
             world.open_error = OpenError::forbidden;
         }},
        {file_unavailable, get("/files/a"),
         [](HttpWorld& world) {
             world.open_error = OpenError::unavailable;
         }},
        {upstream_failed, get("/files/a"),
         [](HttpWorld& world) {
             world.open_error = OpenError::bad_gateway;
         }},
        {upstream_timeout, get("/files/a"),
         [](HttpWorld& world) {
             world.open_error = OpenError::gateway_timeout;
         }},
        {precondition_failed, get("/files/a", "If-Match: \"other\"\r\n")},
        {range_not_satisfiable, get("/files/a", "Range: bytes=99-\r\n")},
        {too_many_listeners, get("/boot/ipxe"),
         [](HttpWorld& world) {
             world.feed_path = "/boot/ipxe";
         }},
        {control_busy, get("/boot/ipxe"),
         [](HttpWorld& world) {
             world.out.control_room = 0;
         }},
        {control_silent, get("/boot/ipxe"),
         [](HttpWorld& world) {
             world.hold_replies = true;
         }},
    };
}

TEST(HttpServerRefusal, EachHasAnInputThatCausesItAndIsCounted) {
    const auto all = causes();
    ASSERT_EQ(all.size(), http_error_count) << "a new refusal needs its input here";
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Cause& cause = all[i];
        const HttpErrorText& reason = describe(cause.error);
        EXPECT_EQ(static_cast<std::size_t>(cause.error), i) << "in the order of the list";
        HttpLimits limits = HttpWorld::small();
        limits.bodies_bytes_max = 1000;
        limits.listeners_max = 0;
        HttpWorld world{HttpRole::content, limits};
        world.add_file("files:a", "AAAA");
        world.texts["/boot/ipxe"] = "#!ipxe\n";
        cause.prepare(world);
        const StreamId stream = world.open();
        world.data(stream, cause.input);
        world.pass(25s);
        const auto got = read_responses(world.received[0]);
        ASSERT_EQ(got.size(), 1U) << reason.name;
        EXPECT_EQ(got[0].status, reason.status) << reason.name;
        EXPECT_EQ(got[0].body, std::string{reason.text} + "\n");
        EXPECT_EQ(got[0].field("Content-Type"), "text/plain; charset=utf-8");
        EXPECT_EQ(world.server.metrics().refused_for(cause.error).read(), 1U) << reason.name;
        std::uint64_t sum = 0;
        for (const Counter& counter : world.server.metrics().refused) {
            sum += counter.read();
        }
        EXPECT_EQ(sum, 1U) << reason.name << ": one reason each";
        if (reason.status == 503) {
            EXPECT_TRUE(got[0].has("Retry-After")) << reason.name << ": iPXE fails without";
        }
        if (reason.status == 400) {
            EXPECT_EQ(got[0].field("Connection"), "close") << reason.name;
        }
    }
}

TEST(HttpServerRefusal, NothingOfAMalformedStreamIsReadFurther) {
    for (const Cause& cause : causes()) {
        if (cause.error > HttpError::trailer_too_large) {
            break; // well-formed from here on
        }
        HttpWorld world;
        world.add_file("files:a", "SMUGGLED");
        const StreamId stream = world.open();
        world.data(stream, cause.input + get("/files/a") + get("/files/a"));
        world.data(stream, "\r\n\r\n" + get("/files/a"));
        EXPECT_EQ(world.received[0].find("SMUGGLED"), std::string::npos)
            << describe(cause.error).name;
        EXPECT_TRUE(world.opened.empty()) << describe(cause.error).name;
        EXPECT_TRUE(world.shut[0]) << describe(cause.error).name;
    }
}

// Requests that two parsers may cut differently (RFC 9112 section 11.2).
TEST(HttpServerHostile, RequestsAreNotSmuggled) {
    const std::string inner = get("/files/a");
    const std::string zero = "0\r\n\r\n" + inner;
    const std::string forms[] = {
        with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", zero),
        with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", zero),
        with("Transfer-Encoding : chunked\r\n", zero),
        with("Transfer-Encoding: xchunked\r\n", zero),
        with("Transfer-Encoding: chunked, identity\r\n", zero),
        with("Transfer-Encoding: identity, chunked\r\n", zero),
        with("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", zero),
        with("Transfer-Encoding:\x0B"
             "chunked\r\n",
             zero),
        with("Transfer-Encoding: chunked\r\n", "0\n\n" + inner),
        with(" Transfer-Encoding: chunked\r\n", zero),
        with("X: y\r\n Content-Length: 9999\r\n", inner),
        with("X: y\nContent-Length: 0\r\n", inner),
        with("X: y\rContent-Length: 0\r\n", inner),
        with("Content-Length: 0\r\nContent-Length: 44\r\n", inner),
        with("Content-Length: 0, 44\r\n", inner),
        with("Content-Length: +0\r\n", inner),
        with("Content-Length: 0x0\r\n", inner),
        with("Content\x00-Length: 0\r\n", inner),
        "POST /report/T/x HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + inner,
        "GET /files/a HTTP/1.1\r\nHost: x\r\n\rGET /files/a HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    for (const std::string& form : forms) {
        HttpWorld world;
        world.add_file("files:a", "SMUGGLED");
        const std::string back = world.exchange(form);
        EXPECT_EQ(read_responses(back).size(), 1U) << form;
        EXPECT_EQ(back.find("SMUGGLED"), std::string::npos) << form;
        EXPECT_TRUE(world.sends.at(0).close_after) << form;
    }
}

TEST(HttpServerHostile, NoPathLeavesTheTree) {
    for (const char* path :
         {"/files/../site.yaml", "/files/%2e%2e/site.yaml", "/files/.%2E/site.yaml",
          "/files/%2e%2e%2fsite.yaml", "/files/a/../../site.yaml", "/..", "/../..//etc/passwd",
          "/loaders/../files/x", "/boot/../x", "http://x/files/../y", "/files/a/%2E%2E/b"}) {
        HttpWorld world;
        const auto got = world.get(get(path));
        EXPECT_EQ(got.status, 403) << path;
        EXPECT_TRUE(world.opened.empty()) << path;
        EXPECT_TRUE(world.asked.empty()) << path;
    }
    HttpWorld admin{HttpRole::admin};
    EXPECT_EQ(admin.get(get("/api/%2e%2e/x")).status, 403);
    EXPECT_TRUE(admin.asked.empty());
}

TEST(HttpServerHostile, PathsThatOnlyLookBadAreNames) {
    for (const auto& [path, name] :
         {std::pair{"/files/...", "..."}, std::pair{"/files/a..b", "a..b"},
          std::pair{"/files/%252e%252e/x", "%2e%2e/x"}, std::pair{"/files/..%5c..", "..\\.."},
          std::pair{"/files/%2Fetc/passwd", "etc/passwd"}}) {
        HttpWorld world;
        (void)world.get(get(path));
        ASSERT_EQ(world.opened.size(), 1U) << path;
        EXPECT_EQ(world.opened[0].path, name);
        EXPECT_EQ(world.opened[0].root, ContentRoot::files);
    }
}

TEST(HttpServerHostile, EveryMethodButTheNamedOnesIs405WithAllow) {
    HttpWorld world;
    const auto ask = [&](std::string_view method, std::string_view target) {
        return world.get(std::string{method} + " " + std::string{target} +
                         " HTTP/1.1\r\nHost: x\r\n\r\n");
    };
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"}) {
        EXPECT_EQ(ask(method, "/files/a").status, 405) << method;
        EXPECT_EQ(ask(method, "/files/a").field("Allow"), "GET, HEAD") << method;
    }
    EXPECT_EQ(ask("PUT", "/report/T/x").field("Allow"), "GET, HEAD, POST");
    EXPECT_EQ(ask("OPTIONS", "*").status, 405);
    EXPECT_EQ(ask("CONNECT", "10.0.0.1:22").status, 405);
    EXPECT_TRUE(world.asked.empty());
}

TEST(HttpServerHostile, NothingThatAClientSendsStandsInAHead) {
    HttpWorld world;
    const auto got = world.get(get("/files/%0d%0aX-Evil:%20yes", "X-Echo: evil\r\n"));
    EXPECT_EQ(got.status, 404);
    EXPECT_EQ(got.head.find("vil"), std::string::npos);
    EXPECT_EQ(got.body, "no such file\n");
}

TEST(HttpServerHostile, AControlsReplyWithAnEndlessTypeStillEndsItsHead) {
    HttpWorld world;
    world.hold_replies = true;
    const StreamId stream = world.open();
    world.data(stream, get("/boot/x"));
    world.reply(world.asked[0], 200, std::make_shared<TextContent>("S", std::string(5000, 't')));
    const auto got = read_responses(world.received[0]);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].body, "S");
    EXPECT_FALSE(got[0].has("Content-Type"));
}

// Bytes drawn from the grammar's own alphabet: whatever they say, the server answers in whole
// responses, never sends two things at once, and lets go of everything in the end.
TEST(HttpServerHostile, NoiseNeverBreaksIt) {
    constexpr std::string_view words[] = {"GET ",
                                          "POST ",
                                          "/",
                                          "files/a",
                                          "boot/ipxe",
                                          " HTTP/1.1",
                                          " HTTP/1.0",
                                          "\r\n",
                                          "\r",
                                          "\n",
                                          "Host: x\r\n",
                                          "Content-Length: ",
                                          "3",
                                          "Transfer-Encoding: chunked\r\n",
                                          "\r\n\r\n",
                                          "abc",
                                          "0\r\n\r\n",
                                          ":",
                                          " ",
                                          "%",
                                          "%41",
                                          "Expect: 100-continue\r\n",
                                          "Range: bytes=",
                                          "-",
                                          "1"};
    std::mt19937 random{1}; // NOLINT(cert-msc51-cpp): a fixed seed is the point
    for (int round = 0; round < 3000; ++round) {
        HttpWorld world;
        world.add_file("files:a", "AAAA");
        world.texts["/boot/ipxe"] = "#!ipxe\n";
        world.hold_sends = round % 2 == 0;
        const StreamId stream = world.open();
        for (unsigned i = 0; i < 40; ++i) {
            world.data(stream, words[random() % std::size(words)]);
            if (world.hold_sends && random() % 3 == 0) {
                world.finish_send(stream);
            }
        }
        world.run_until(world.now.steady + 300s);
        EXPECT_EQ(world.server.next_deadline(), Instant::never());
        EXPECT_EQ(world.orders_of(StreamOrder::Kind::close), 1U);
        world.hang_up(stream);
        EXPECT_EQ(world.server.metrics().connections.read(), 0U);
    }
}

} // namespace
} // namespace muster::test
