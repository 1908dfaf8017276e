// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_date.hh"

#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

constexpr std::string_view rfc_example = "Sun, 06 Nov 1994 08:49:37 GMT"; // RFC 9110 section 5.6.7
constexpr UnixTime rfc_moment{784'111'777'000};

TEST(HttpDate, WritesAndReadsTheExampleOfTheRfc) {
    EXPECT_EQ(write_http_date(rfc_moment)->view(), rfc_example);
    EXPECT_EQ(read_http_date(rfc_example), rfc_moment);
}

TEST(HttpDate, ReadsWhatItWritesOnEveryDayOfFourCenturies) {
    constexpr std::int64_t day_ms = 86'400'000;
    for (std::int64_t day = 0; day < 146'097; ++day) {
        const UnixTime at{day * day_ms + (day * 7919'000) % day_ms};
        const auto written = write_http_date(at);
        ASSERT_TRUE(written) << day;
        ASSERT_EQ(read_http_date(written->view()), at) << written->view();
    }
}

TEST(HttpDate, RoundsDownToSeconds) {
    EXPECT_EQ(write_http_date({rfc_moment.ms + 999})->view(), rfc_example);
}

TEST(HttpDate, WritesFrom1970To9999AndNothingElse) {
    EXPECT_EQ(write_http_date({0})->view(), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(write_http_date({253'402'300'799'999})->view(), "Fri, 31 Dec 9999 23:59:59 GMT");
    EXPECT_FALSE(write_http_date({253'402'300'800'000}));
    EXPECT_FALSE(write_http_date({-1}));
    EXPECT_FALSE(write_http_date({INT64_MIN}));
    EXPECT_FALSE(write_http_date({INT64_MAX}));
}

TEST(HttpDate, RefusesEveryCharacterReplacedByAnother) {
    for (std::size_t at = 0; at < rfc_example.size(); ++at) {
        for (const char wrong : {'x', '-', '\0', ' ', '/', ':'}) {
            std::string text{rfc_example};
            if (text[at] == wrong) {
                continue;
            }
            text[at] = wrong;
            EXPECT_FALSE(read_http_date(text)) << text;
        }
    }
}

TEST(HttpDate, RefusesEveryOtherLength) {
    const std::string text = std::string{rfc_example} + " ";
    for (std::size_t size = 0; size <= text.size(); ++size) {
        EXPECT_EQ(read_http_date(text.substr(0, size)).has_value(), size == rfc_example.size());
    }
}

TEST(HttpDate, RefusesDaysAndTimesThatDoNotExist) {
    for (const char* text : {"Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
                             "Wed, 31 Nov 1994 08:49:37 GMT", "Wed, 29 Feb 2023 08:49:37 GMT",
                             "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
                             "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
                             "Sun, 06 ovD 1994 08:49:37 GMT", "Wed, 31 Dec 1969 23:59:59 GMT",
                             "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
        EXPECT_FALSE(read_http_date(text)) << text;
    }
    EXPECT_TRUE(read_http_date("Sat, 31 Dec 2016 23:59:60 GMT")) << "there was such a second";
    EXPECT_TRUE(read_http_date("Thu, 29 Feb 2024 08:49:37 GMT"));
}

} // namespace
} // namespace muster
