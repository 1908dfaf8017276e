// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_request.hh"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace muster {
namespace {

/// The head's size, 0 for "more is needed", or the error's name.
std::string scan_outcome(const Result<std::optional<std::size_t>, HttpError>& scanned) {
    return scanned ? std::to_string(scanned->value_or(0))
                   : std::string{describe(scanned.error()).name};
}

/// Scans at once and in pieces of 1, 2, 3, 7 bytes: the first outcome other than "more" must be
/// the same, and pieces may not know it later than the byte that decides.
std::string scan(std::string_view text, const HttpHeadLimits& limits = {}) {
    HttpHeadScanner at_once;
    const std::string whole = scan_outcome(at_once.scan(as_bytes(text), limits));
    for (const std::size_t step : {1U, 2U, 3U, 7U}) {
        HttpHeadScanner scanner;
        std::string outcome = "0";
        for (std::size_t end = 0; end < text.size() && outcome == "0";) {
            end = std::min(end + step, text.size());
            outcome = scan_outcome(scanner.scan(as_bytes(text.substr(0, end)), limits));
        }
        EXPECT_EQ(outcome, whole) << "in pieces of " << step << ": " << text.substr(0, 80);
    }
    return whole;
}

TEST(HttpHeadScanner, FindsTheEmptyLine) {
    EXPECT_EQ(scan("GET / HTTP/1.0\r\n\r\n"), "18");
    EXPECT_EQ(scan("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET"), "27");
    EXPECT_EQ(scan("GET / HTTP/1.1\r\nHost: x\r\n\r"), "0");
    EXPECT_EQ(scan(""), "0");
}

// RFC 9112 section 2.2: at least one empty line before the request line is to be ignored.
TEST(HttpHeadScanner, SkipsOneEmptyLineAndNoSecond) {
    EXPECT_EQ(scan("\r\nGET / HTTP/1.0\r\n\r\n"), "20");
    EXPECT_EQ(scan("\r\n\r\nGET / HTTP/1.0\r\n\r\n"), "bad_request_line");
    EXPECT_EQ(scan("\r\n"), "0");
}

TEST(HttpHeadScanner, RefusesABareLineFeedAnywhere) {
    const std::string head = "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
    for (std::size_t at = head.find('\r'); at != std::string::npos; at = head.find('\r', at + 1)) {
        std::string bare = head;
        bare.erase(at, 1);
        EXPECT_EQ(scan(bare), "bare_line_feed") << at;
    }
    EXPECT_EQ(scan("\nGET / HTTP/1.1\r\n\r\n"), "bare_line_feed");
}

TEST(HttpHeadScanner, EachLimitIsExact) {
    const HttpHeadLimits limits{.line_bytes_max = 40, .head_bytes_max = 120, .fields_max = 3};
    const auto line = [](std::size_t size) {
        return std::string(size, 'x') + "\r\n";
    };
    EXPECT_EQ(scan(line(40) + "\r\n", limits), "44");
    EXPECT_EQ(scan(line(41) + "\r\n", limits), "request_line_too_long");
    EXPECT_EQ(scan(line(5) + line(40) + "\r\n", limits), "51");
    EXPECT_EQ(scan(line(5) + line(41) + "\r\n", limits), "field_line_too_long");
    EXPECT_EQ(scan(line(38) + line(38) + line(36) + "\r\n", limits), "120");
    EXPECT_EQ(scan(line(38) + line(38) + line(37) + "\r\n", limits), "head_too_large");
    EXPECT_EQ(scan(line(5) + line(5) + line(5) + line(5) + "\r\n", limits), "30");
    EXPECT_EQ(scan(line(5) + line(5) + line(5) + line(5) + line(5) + "\r\n", limits),
              "too_many_fields");
    // Without a line end in sight, too.
    EXPECT_EQ(scan(std::string(41, 'x'), limits), "0");
    EXPECT_EQ(scan(std::string(42, 'x'), limits), "request_line_too_long");
    EXPECT_EQ(scan(line(38) + line(38) + std::string(39, 'x'), limits), "0");
    EXPECT_EQ(scan(line(38) + line(38) + std::string(40, 'x'), limits), "head_too_large");
}

TEST(HttpHeadScanner, DefaultLimitsAreThoseOfTheDesign) {
    EXPECT_EQ(scan("GET /" + std::string(8 * 1024 - 14, 'a') + " HTTP/1.1\r\n\r\n"), "8196");
    EXPECT_EQ(scan("GET /" + std::string(8 * 1024 - 13, 'a') + " HTTP/1.1\r\n\r\n"),
              "request_line_too_long");
    std::string fields = "GET / HTTP/1.1\r\n";
    for (int i = 0; i < 64; ++i) {
        fields += "A: b\r\n";
    }
    EXPECT_EQ(scan(fields + "\r\n"), std::to_string(fields.size() + 2));
    EXPECT_EQ(scan(fields + "A: b\r\n\r\n"), "too_many_fields");
}

// ---- Reading the head.

std::string error_of(std::string_view head) {
    const auto read = read_request_head(as_bytes(head));
    return read ? std::string{"none"} : std::string{describe(read.error()).name};
}
/// A head of HTTP/1.1 with Host and more fields.
std::string with(std::string_view fields) {
    return "GET / HTTP/1.1\r\nHost: x\r\n" + std::string{fields} + "\r\n";
}
HttpRequestHead read_ok(const std::string& head) {
    const auto read = read_request_head(as_bytes(head));
    EXPECT_TRUE(read) << head;
    return read.value_or(HttpRequestHead{});
}

TEST(HttpRequest, ReadsEveryMethod) {
    const std::pair<const char*, HttpMethod> methods[] = {
        {"GET", HttpMethod::get},   {"HEAD", HttpMethod::head},     {"POST", HttpMethod::post},
        {"PUT", HttpMethod::put},   {"DELETE", HttpMethod::del},    {"OPTIONS", HttpMethod::other},
        {"get", HttpMethod::other}, {"M-SEARCH", HttpMethod::other}};
    for (const auto& [name, method] : methods) {
        const std::string head = std::string{name} + " /x HTTP/1.0\r\n\r\n";
        EXPECT_EQ(read_ok(head).method, method) << name;
    }
}

TEST(HttpRequest, RefusesEveryOtherRequestLine) {
    for (const char* line :
         {"GET", "GET /", "GET / ", " GET / HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1",
          "GET / HTTP/1.1 ", "GET /a b HTTP/1.1", "GET\t/\tHTTP/1.1", "G(T / HTTP/1.1",
          "GET / HTTP/1", "GET / HTTP/1.10", "GET / http/1.1", "GET / HTTP/1,1", "GET / HTTP/x.1",
          "GET / HTTPS/1.1", "/ HTTP/1.1", "\x16\x03\x01 / HTTP/1.1"}) {
        EXPECT_EQ(error_of(std::string{line} + "\r\nHost: x\r\n\r\n"), "bad_request_line") << line;
    }
}

TEST(HttpRequest, SpeaksVersionOneAlone) {
    for (const char* version : {"0.9", "2.0", "3.0", "9.9"}) {
        EXPECT_EQ(error_of("PRI * HTTP/" + std::string{version} + "\r\n\r\n"),
                  "version_not_supported");
    }
    // RFC 9110 section 2.5: a higher minor version is read as the highest we know.
    EXPECT_FALSE(read_ok("GET / HTTP/1.2\r\nHost: x\r\n\r\n").http_1_0);
    EXPECT_TRUE(read_ok("GET / HTTP/1.0\r\n\r\n").http_1_0);
}

TEST(HttpRequest, KeepsWhatItLooksAtAndBorrowsIt) {
    const std::string head =
        with("user-AGENT: \t iPXE/1.0 (x) \t\r\nRange:bytes=0-1\r\n"
             "If-Match: \"a\"\r\nIf-None-Match: \"b\"\r\n"
             "If-Modified-Since: c\r\nIf-Unmodified-Since: d\r\n"
             "If-Range: e\r\nAuthorization: Bearer f\r\nX-Other: \xC3\xA4\r\n");
    const HttpRequestHead read = read_ok(head);
    EXPECT_EQ(read.user_agent, "iPXE/1.0 (x)");
    EXPECT_EQ(read.range, "bytes=0-1");
    EXPECT_EQ(read.if_match, "\"a\"");
    EXPECT_EQ(read.if_none_match, "\"b\"");
    EXPECT_EQ(read.if_modified_since, "c");
    EXPECT_EQ(read.if_unmodified_since, "d");
    EXPECT_EQ(read.if_range, "e");
    EXPECT_EQ(read.authorization, "Bearer f");
    EXPECT_EQ(read.target, "/");
    EXPECT_GE(read.user_agent.data(), head.data());
    EXPECT_LT(read.user_agent.data(), head.data() + head.size());
}

TEST(HttpRequest, AnEmptyLineBeforeTheRequestLineIsNoPartOfIt) {
    EXPECT_EQ(read_ok("\r\nHEAD /x HTTP/1.0\r\n\r\n").method, HttpMethod::head);
}

TEST(HttpRequest, RefusesMalformedFields) {
    for (const char* line : {": b", "A", "A b", "A : b", "A\t: b", "A(: b", "\x80: b"}) {
        EXPECT_EQ(error_of(with(std::string{line} + "\r\n")), "bad_field_name") << line;
    }
    for (const char* line : {" A: b", "\tA: b"}) {
        EXPECT_EQ(error_of(with(std::string{line} + "\r\n")), "folded_field") << line;
    }
    EXPECT_EQ(error_of("GET / HTTP/1.1\r\n Host: x\r\n\r\n"), "folded_field");
}

TEST(HttpRequest, RefusesEveryControlCharacterInAValue) {
    for (int c = 0; c <= 255; ++c) {
        const std::string head = with(std::string{"A: b"} + static_cast<char>(c) + "c\r\n");
        const bool control = (c < ' ' && c != '\t') || c == 0x7F;
        EXPECT_EQ(error_of(head), control ? "bad_field_value" : "none") << c;
    }
}

TEST(HttpRequest, WantsOneHostInHttp11) {
    EXPECT_EQ(error_of("GET / HTTP/1.1\r\n\r\n"), "missing_host");
    EXPECT_EQ(error_of("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "none") << "may be empty";
    EXPECT_EQ(error_of(with("Host: x\r\n")), "repeated_field");
    EXPECT_EQ(error_of("GET / HTTP/1.0\r\n\r\n"), "none");
    for (const char* host : {"a b", "a,b", "a/b", "a@b", "a\tb"}) {
        EXPECT_EQ(error_of("GET / HTTP/1.1\r\nHost: " + std::string{host} + "\r\n\r\n"),
                  "bad_field_value")
            << host;
    }
}

TEST(HttpRequest, WhatMayStandOnceStandsOnce) {
    for (const char* name :
         {"Content-Length", "Transfer-Encoding", "Expect", "User-Agent", "Authorization", "Range",
          "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"}) {
        const std::string line = std::string{name} + ": 1\r\n";
        EXPECT_EQ(error_of(with(line + line)), "repeated_field") << name;
    }
    EXPECT_EQ(error_of(with("X: 1\r\nX: 1\r\nConnection: a\r\nConnection: b\r\n")), "none");
}

TEST(HttpRequest, GoesOnByVersionAndConnection) {
    const auto keeps = [](std::string_view version, std::string_view fields) {
        return read_ok("GET / HTTP/" + std::string{version} + "\r\nHost: x\r\n" +
                       std::string{fields} + "\r\n")
            .keep_alive;
    };
    EXPECT_TRUE(keeps("1.1", ""));
    EXPECT_TRUE(keeps("1.1", "Connection: keep-alive\r\n"));
    EXPECT_FALSE(keeps("1.1", "Connection: close\r\n"));
    EXPECT_FALSE(keeps("1.1", "Connection: keep-alive, CLOSE\r\n"));
    EXPECT_FALSE(keeps("1.1", "Connection: close\r\nConnection: keep-alive\r\n"));
    EXPECT_TRUE(keeps("1.1", "Connection: closed\r\n"));
    EXPECT_FALSE(keeps("1.0", ""));
    EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
    EXPECT_FALSE(keeps("1.0", "Connection: keep-alive, close\r\n"));
}

// RFC 9112 section 6: whatever could be framed in two ways is refused.
TEST(HttpRequest, FramesInOneWayOrNotAtAll) {
    EXPECT_EQ(read_ok(with("Content-Length: 42\r\n")).content_length, 42U);
    EXPECT_EQ(read_ok(with("Content-Length: 007\r\n")).content_length, 7U);
    EXPECT_EQ(read_ok(with("Content-Length: 99999999999999999999999\r\n")).content_length,
              UINT64_MAX);
    EXPECT_TRUE(read_ok(with("Transfer-Encoding: Chunked\r\n")).chunked);
    for (const char* value : {"", "-1", "+1", "1,1", "1, 1", "0x1", "1 1", "1.0", "one", "1;"}) {
        EXPECT_EQ(error_of(with("Content-Length: " + std::string{value} + "\r\n")),
                  "bad_content_length")
            << value;
    }
    EXPECT_EQ(error_of(with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")),
              "length_and_chunked");
    EXPECT_EQ(error_of(with("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n")),
              "length_and_chunked");
    EXPECT_EQ(error_of(with("Transfer-Encoding: x\r\nContent-Length: 0\r\n")),
              "length_and_chunked");
    for (const char* value : {"", "gzip", "gzip, chunked", "chunked, chunked", "chunked,",
                              "identity", "x chunked", "chunked;a", "\"chunked\""}) {
        EXPECT_EQ(error_of(with("Transfer-Encoding: " + std::string{value} + "\r\n")),
                  "transfer_coding_not_supported")
            << value;
    }
    EXPECT_EQ(error_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
              "chunked_in_http_1_0");
}

TEST(HttpRequest, Expects100ContinueAlone) {
    EXPECT_TRUE(read_ok(with("Expect: 100-Continue\r\n")).expect_continue);
    EXPECT_EQ(error_of(with("Expect: 200-ok\r\n")), "expectation_not_supported");
    EXPECT_EQ(error_of(with("Expect:\r\n")), "expectation_not_supported");
    // RFC 9110 section 10.1.1: ignored in HTTP/1.0.
    EXPECT_FALSE(read_ok("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expect_continue);
    EXPECT_EQ(error_of("POST / HTTP/1.0\r\nExpect: 200-ok\r\n\r\n"), "none");
}

TEST(HttpRequest, SurvivesEveryByteReplaced) {
    const std::string head = with("Content-Length: 3\r\nConnection: close\r\nRange: bytes=0-\r\n");
    for (std::size_t at = 0; at < head.size(); ++at) {
        for (int c = 0; c <= 255; ++c) {
            std::string changed = head;
            changed[at] = static_cast<char>(c);
            HttpHeadScanner scanner;
            const auto end = scanner.scan(as_bytes(changed), {});
            if (end && *end) {
                (void)read_request_head(as_bytes(changed).first(**end));
            }
        }
    }
}

} // namespace
} // namespace muster
