// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_condition.hh"

#include "net/wire/http_date.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

constexpr UnixTime modified{784'111'777'500}; // half a second past a whole one
const HttpValidators file{.etag = "\"a,b\"", .modified = modified};
const HttpValidators bare{.etag = "", .modified = {}};

std::string date(std::int64_t seconds_later) {
    return std::string{write_http_date({modified.ms + seconds_later * 1000})->view()};
}

using enum ConditionVerdict;

ConditionVerdict if_match(std::string value) {
    return weigh_conditions({.if_match = std::move(value)}, file);
}
ConditionVerdict if_none_match(std::string value) {
    return weigh_conditions({.if_none_match = std::move(value)}, file);
}

TEST(HttpCondition, NothingAskedNothingWeighed) {
    EXPECT_EQ(weigh_conditions({}, file), proceed);
    EXPECT_EQ(weigh_conditions({}, bare), proceed);
}

// RFC 9110 section 13.1.1: strong comparison, so a weak tag never matches.
TEST(HttpCondition, IfMatchComparesStrongly) {
    for (const char* value :
         {"\"a,b\"", "*", " * ", "\"x\", \"a,b\"", ",, \"a,b\" ,", "W/\"a,b\", \"a,b\""}) {
        EXPECT_EQ(if_match(value), proceed) << value;
    }
    for (const char* value : {"\"x\"", "W/\"a,b\"", "a,b", "\"a,b", "\"A,B\"", "\"a\",\"b\"",
                              "w/\"a,b\"", "junk \"a,b\""}) {
        EXPECT_EQ(if_match(value), failed) << value;
    }
}

// RFC 9110 section 13.1.2: weak comparison.
TEST(HttpCondition, IfNoneMatchComparesWeakly) {
    for (const char* value : {"\"a,b\"", "*", "W/\"a,b\"", "\"x\",W/\"a,b\""}) {
        EXPECT_EQ(if_none_match(value), not_modified) << value;
    }
    for (const char* value : {"\"x\"", "W/\"x\"", "a,b", "\"a,b", "**"}) {
        EXPECT_EQ(if_none_match(value), proceed) << value;
    }
}

TEST(HttpCondition, DatesCompareInWholeSeconds) {
    for (std::int64_t later = -2; later <= 2; ++later) {
        EXPECT_EQ(weigh_conditions({.if_modified_since = date(later)}, file),
                  later < 0 ? proceed : not_modified)
            << later;
        EXPECT_EQ(weigh_conditions({.if_unmodified_since = date(later)}, file),
                  later < 0 ? failed : proceed)
            << later;
    }
}

TEST(HttpCondition, ADateThatDoesNotReadIsVoid) {
    for (const char* text : {"yesterday", "", "0", "-1", "Sun Nov  6 08:49:37 1994"}) {
        EXPECT_EQ(weigh_conditions({.if_modified_since = text}, file), proceed) << text;
        EXPECT_EQ(weigh_conditions({.if_unmodified_since = text}, file), proceed) << text;
    }
}

TEST(HttpCondition, AContentWithoutDateHasNoDateConditions) {
    EXPECT_EQ(weigh_conditions({.if_modified_since = date(0)}, bare), proceed);
    EXPECT_EQ(weigh_conditions({.if_unmodified_since = date(-9)}, bare), proceed);
}

// RFC 9110 section 13.2.2: a tag outranks the date beside it, and If-Match comes first.
TEST(HttpCondition, TagsOutrankDatesAndMatchComesBeforeNoneMatch) {
    EXPECT_EQ(weigh_conditions({.if_match = "\"a,b\"", .if_unmodified_since = date(-9)}, file),
              proceed);
    EXPECT_EQ(weigh_conditions({.if_match = "\"x\"", .if_unmodified_since = date(9)}, file),
              failed);
    EXPECT_EQ(weigh_conditions({.if_none_match = "\"x\"", .if_modified_since = date(9)}, file),
              proceed);
    EXPECT_EQ(weigh_conditions({.if_none_match = "\"a,b\"", .if_modified_since = date(-9)}, file),
              not_modified);
    EXPECT_EQ(weigh_conditions({.if_match = "\"x\"", .if_none_match = "\"a,b\""}, file), failed);
    EXPECT_EQ(weigh_conditions({.if_match = "\"a,b\"", .if_none_match = "\"a,b\""}, file),
              not_modified);
}

TEST(HttpCondition, IfRangeWantsExactlyThisVersion) {
    const UnixTime long_after = modified + 60s;
    EXPECT_TRUE(range_applies("", file, long_after));
    EXPECT_TRUE(range_applies("\"a,b\"", file, long_after));
    EXPECT_FALSE(range_applies("W/\"a,b\"", file, long_after));
    EXPECT_FALSE(range_applies("\"x\"", file, long_after));
    EXPECT_FALSE(range_applies("*", file, long_after));
    EXPECT_FALSE(range_applies("junk", file, long_after));
    for (std::int64_t later = -2; later <= 2; ++later) {
        EXPECT_EQ(range_applies(date(later), file, long_after), later == 0) << later;
    }
    EXPECT_FALSE(range_applies("\"\"", bare, long_after));
    EXPECT_FALSE(range_applies(date(0), bare, long_after));
}

// RFC 9110 section 8.8.2.2: within its own second, a date does not tell two versions apart.
TEST(HttpCondition, AnIfRangeDateOfThisSecondDoesNotCount) {
    EXPECT_FALSE(range_applies(date(0), file, modified));
    EXPECT_TRUE(range_applies(date(0), file, modified + 1s));
}

} // namespace
} // namespace muster
