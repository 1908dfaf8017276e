// SPDX-License-Identifier: Apache-2.0
#include "core/control/url_query.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

UrlQuery query_of(std::string_view text) {
    UrlQuery query;
    query.read(text);
    return query;
}

TEST(UrlQuery, DecodesNamesAndValues) {
    const UrlQuery query = query_of("a=1&b=x+y%21&%63=%C3%A4&empty=&alone&a=2");
    EXPECT_EQ(query.value("a"), "1") << "the first counts";
    EXPECT_EQ(query.value("b"), "x y!");
    EXPECT_EQ(query.value("c"), "ä");
    ASSERT_NE(query.find("empty"), nullptr);
    EXPECT_EQ(*query.find("empty"), "");
    ASSERT_NE(query.find("alone"), nullptr);
    EXPECT_EQ(query.find("z"), nullptr);
}

TEST(UrlQuery, ABrokenEscapeStandsForItself) {
    EXPECT_EQ(query_of("a=100%").value("a"), "100%");
    EXPECT_EQ(query_of("a=%4").value("a"), "%4");
    EXPECT_EQ(query_of("a=%zz").value("a"), "%zz");
    EXPECT_EQ(query_of("a=%41").value("a"), "A");
}

TEST(UrlQuery, IsBounded) {
    std::string text;
    for (int i = 0; i < 1'000; ++i) {
        text += "a=b&";
    }
    EXPECT_EQ(query_of(text).pairs().size(), query_pairs_max);
}

TEST(UrlQuery, OddSeparatorsAreNoPairs) {
    EXPECT_TRUE(query_of("").pairs().empty());
    EXPECT_TRUE(query_of("&&&").pairs().empty());
    EXPECT_EQ(query_of("=x").pairs().size(), 1U);
}

TEST(ReadCount, TakesWholeNumbersOnly) {
    EXPECT_EQ(read_count("0"), 0U);
    EXPECT_EQ(read_count("18446744073709551615"), UINT64_MAX);
    for (const char* const bad : {"", "-1", "+1", "1x", " 1", "18446744073709551616"}) {
        EXPECT_EQ(read_count(bad), std::nullopt) << bad;
    }
}

TEST(CleanLine, KeepsUtf8AndReplacesTheRest) {
    EXPECT_EQ(clean_line("grün ✓ 🙂", 100), "grün ✓ 🙂");
    EXPECT_EQ(clean_line(std::string_view{"a\0b\n\x1b\x7f", 6}, 100), "a?b???");
    EXPECT_EQ(clean_line("\xC3", 100), "?");
    EXPECT_EQ(clean_line("\xC0\x80", 100), "??") << "overlong";
    EXPECT_EQ(clean_line("\xED\xA0\x80", 100), "???") << "a surrogate";
    EXPECT_EQ(clean_line("\xF4\x90\x80\x80", 100), "????") << "beyond U+10FFFF";
}

TEST(CleanLine, IsCutAtACharactersEndForEveryLength) {
    const std::string text = "aä✓🙂";
    for (std::size_t size = 0; size <= text.size(); ++size) {
        const std::string cut = clean_line(text, size);
        EXPECT_LE(cut.size(), size);
        EXPECT_TRUE(text.starts_with(cut));
        EXPECT_EQ(clean_line(cut, 100), cut) << "still whole characters";
    }
}

// Every byte alone, and behind a lead byte: nothing invalid survives.
TEST(CleanLine, WhatComesOutIsStable) {
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second) {
            const std::string text{static_cast<char>(first), static_cast<char>(second)};
            const std::string clean = clean_line(text, 10);
            EXPECT_EQ(clean_line(clean, 10), clean);
        }
    }
}

} // namespace
} // namespace muster
