// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_target.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

std::string path_of(std::string_view target) {
    const auto read = read_http_target(target);
    return read ? read->path : "error: " + std::string{describe(read.error()).name};
}

TEST(HttpTarget, SplitsPathAndQuery) {
    const std::string target = "/boot/ipxe?mac=52:54&x=%20?";
    const auto read = read_http_target(target);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->path, "/boot/ipxe");
    EXPECT_EQ(read->query, "mac=52:54&x=%20?") << "raw";
    EXPECT_EQ(read->query.data(), target.data() + 11) << "borrowed";
    EXPECT_EQ(read_http_target("/a?")->query, "");
    EXPECT_EQ(path_of("/a?"), "/a");
}

TEST(HttpTarget, TakesTheAbsoluteForm) {
    EXPECT_EQ(path_of("http://10.0.0.1/files/a"), "/files/a");
    EXPECT_EQ(path_of("http://[fd00::1]:8080/files/a?b"), "/files/a");
    EXPECT_EQ(path_of("HTTPS://host/a"), "/a");
    EXPECT_EQ(path_of("http://host"), "/");
    EXPECT_EQ(path_of("http://host?a"), "/");
    EXPECT_EQ(read_http_target("http://host?a")->query, "a");
    EXPECT_EQ(path_of("http://host/http://other/"), "/http://other/");
}

TEST(HttpTarget, RefusesEveryOtherForm) {
    for (const char* target : {"", "*", "a", "host:80", "?a", "http:", "http://", "http:///a",
                               "http://?a", "ftp://host/a", "\\a", "/a#b", "/#"}) {
        EXPECT_EQ(path_of(target), "error: bad_target") << target;
    }
}

TEST(HttpTarget, RefusesEveryControlCharacterAndBlank) {
    for (int c = 0; c <= 255; ++c) {
        const std::string target = std::string{"/a"} + static_cast<char>(c) + "b?c";
        const bool fine = c > ' ' && c != 0x7F && c != '#' && c != '%' && c != '?';
        EXPECT_EQ(read_http_target(target).has_value(), fine || c == '?') << c;
        const std::string query = std::string{"/a?b"} + static_cast<char>(c);
        EXPECT_EQ(read_http_target(query).has_value(), c > ' ' && c != 0x7F && c != '#') << c;
    }
}

TEST(HttpTarget, DecodesEveryByteButNul) {
    constexpr std::string_view lower = "0123456789abcdef";
    constexpr std::string_view upper = "0123456789ABCDEF";
    for (unsigned c = 0; c <= 255; ++c) {
        for (const auto digits : {lower, upper}) {
            const std::string target = std::string{"/%"} + digits[c / 16] + digits[c % 16] + "z";
            const std::string wanted = std::string{"/"} + static_cast<char>(c) + "z";
            EXPECT_EQ(path_of(target), c == 0 ? "error: nul_in_path" : wanted);
        }
    }
}

TEST(HttpTarget, DecodesOnce) {
    EXPECT_EQ(path_of("/%2561"), "/%61");
    EXPECT_EQ(path_of("/%252e%252e/"), "/%2e%2e/") << "a name, not a way up";
}

TEST(HttpTarget, RefusesBrokenEscapes) {
    for (const char* target : {"/%", "/%4", "/%zz", "/%4g", "/%g4", "/a%2", "/%%41", "/% 41"}) {
        EXPECT_FALSE(read_http_target(target)) << target;
    }
    EXPECT_EQ(path_of("/%4?1"), "error: bad_escape") << "an escape does not reach into the query";
    EXPECT_EQ(path_of("/a?%zz"), "/a") << "the query is control's";
}

} // namespace
} // namespace muster
