// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_range.hh"

#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

/// The range of a field that asks for one.
std::optional<HttpRange> read_http_range(std::string_view field) {
    const auto ranges = read_http_ranges(field);
    return ranges.size() == 1 ? std::optional{ranges.front()} : std::nullopt;
}

TEST(HttpRange, IgnoresWhatIsNoRangeOfBytes) {
    for (const char* field : {"",
                              "bytes",
                              "bytes=",
                              "bytes=-",
                              "bytes=x-",
                              "bytes=-x",
                              "bytes=1",
                              "bytes=1-2-3",
                              "bytes=2-1",
                              "bytes=0 -1",
                              "bytes=0- 1",
                              "bytes =0-1",
                              "octets=0-1",
                              "0-1",
                              "bytes=+1-2",
                              "bytes=0x1-2",
                              "bytes=--1",
                              "bytes=1--2",
                              "bytes=0-1,x-",
                              "bytes=0-1,9-3",
                              "bytes=0-1 3-4",
                              "bytes=0-1;3-4",
                              "bytes=,",
                              "bytes=18446744073709551616-0"}) {
        EXPECT_TRUE(read_http_ranges(field).empty()) << field;
    }
}

TEST(HttpRange, ReadsTheThreeForms) {
    const auto both = read_http_range("bytes=3-9");
    ASSERT_TRUE(both);
    EXPECT_EQ(both->first, 3U);
    EXPECT_EQ(both->last, 9U);
    const auto open = read_http_range("BYTES=3-"); // RFC 9110 section 14.1: units ignore case
    ASSERT_TRUE(open);
    EXPECT_EQ(open->first, 3U);
    EXPECT_FALSE(open->last);
    const auto suffix = read_http_range("bytes=-9");
    ASSERT_TRUE(suffix);
    EXPECT_FALSE(suffix->first);
    EXPECT_EQ(suffix->last, 9U);
}

TEST(HttpRange, HoldsNumbersBeyond64BitsAtTheLargest) {
    EXPECT_EQ(read_http_range("bytes=0-18446744073709551615")->last, UINT64_MAX);
    EXPECT_EQ(read_http_range("bytes=0-18446744073709551616")->last, UINT64_MAX);
    EXPECT_EQ(read_http_range("bytes=0-99999999999999999999999999")->last, UINT64_MAX);
    EXPECT_EQ(read_http_range("bytes=99999999999999999999999999-")->first, UINT64_MAX);
}

// RFC 9110 section 5.6.1: empty elements and blanks around elements are read over.
TEST(HttpRange, ReadsSeveralRangesInTheirOrder) {
    const auto ranges = read_http_ranges("bytes=5-9, 0-1 ,,-3,12-");
    ASSERT_EQ(ranges.size(), 4U);
    EXPECT_EQ(ranges[0].first, 5U);
    EXPECT_EQ(ranges[1].last, 1U);
    EXPECT_FALSE(ranges[2].first);
    EXPECT_FALSE(ranges[3].last);
}

TEST(HttpRange, TooManyRangesAreNone) {
    std::string field = "bytes=0-0";
    for (std::size_t i = 1; i < http_ranges_max; ++i) {
        field += ",0-0";
    }
    EXPECT_EQ(read_http_ranges(field).size(), http_ranges_max);
    EXPECT_TRUE(read_http_ranges(field + ",0-0").empty());
}

// All pairs and triples of ranges of a small content: the union is exactly what was asked for, no
// byte stands twice, and parts that stay apart keep the order of the request.
TEST(HttpRange, SelectsTheUnionOfWhatWasAskedEachByteOnce) {
    constexpr std::uint64_t size = 5;
    std::vector<HttpRange> all;
    for (std::uint64_t first = 0; first <= size; ++first) {
        for (std::uint64_t last = first; last <= size; ++last) {
            all.push_back({first, last});
        }
    }
    all.push_back({std::nullopt, 2});
    for (const HttpRange& a : all) {
        for (const HttpRange& b : all) {
            for (const HttpRange& c : all) {
                std::string wanted(size, '.');
                for (const HttpRange& range : {a, b, c}) {
                    const auto part = select_range(range, size);
                    for (std::uint64_t i = 0; part && i < part->size; ++i) {
                        wanted[part->offset + i] = 'x';
                    }
                }
                std::string got(size, '.');
                const auto parts = select_ranges({a, b, c}, size);
                for (const ByteRange& part : parts) {
                    for (std::uint64_t i = 0; i < part.size; ++i) {
                        ASSERT_EQ(got.at(part.offset + i), '.') << "a byte stands twice";
                        got[part.offset + i] = 'x';
                    }
                }
                ASSERT_EQ(got, wanted);
                for (std::size_t i = 1; i < parts.size(); ++i) {
                    ASSERT_TRUE(parts[i - 1].offset + parts[i - 1].size < parts[i].offset ||
                                parts[i].offset + parts[i].size < parts[i - 1].offset)
                        << "parts that touch are one";
                }
            }
        }
    }
    EXPECT_EQ(select_ranges({{7, 8}, {0, 1}, {4, 4}}, 10),
              (std::vector<ByteRange>{{7, 2}, {0, 2}, {4, 1}}));
    EXPECT_EQ(select_ranges({{7, 8}, {0, 1}, {2, 6}}, 10), (std::vector<ByteRange>{{0, 9}}));
    EXPECT_TRUE(select_ranges({{10, 11}, {12, std::nullopt}}, 10).empty());
    EXPECT_EQ(select_ranges({{0, UINT64_MAX}, {std::nullopt, UINT64_MAX}}, UINT64_MAX),
              (std::vector<ByteRange>{{0, UINT64_MAX}}));
}

// Every first, last and suffix around every small size, against a count by hand.
TEST(HttpRange, SelectsExactlyTheBytesAskedFor) {
    for (std::uint64_t size = 0; size <= 6; ++size) {
        for (std::uint64_t first = 0; first <= 8; ++first) {
            for (std::uint64_t last = first; last <= 9; ++last) {
                std::uint64_t count = 0;
                for (std::uint64_t at = 0; at < size; ++at) {
                    count += at >= first && at <= last ? 1U : 0U;
                }
                const auto part = select_range({first, last}, size);
                if (count == 0) {
                    EXPECT_FALSE(part) << first << "-" << last << "/" << size;
                } else {
                    EXPECT_EQ(part, (ByteRange{first, count}))
                        << first << "-" << last << "/" << size;
                }
            }
            const auto rest = select_range({first, std::nullopt}, size);
            EXPECT_EQ(rest.has_value(), first < size);
            if (rest) {
                EXPECT_EQ(*rest, (ByteRange{first, size - first}));
            }
        }
        for (std::uint64_t suffix = 1; suffix <= 8; ++suffix) {
            const std::uint64_t count = std::min(suffix, size);
            EXPECT_EQ(select_range({std::nullopt, suffix}, size), (ByteRange{size - count, count}));
        }
        EXPECT_FALSE(select_range({std::nullopt, 0}, size));
    }
}

TEST(HttpRange, DoesNotWrapAtTheLargestNumbers) {
    EXPECT_EQ(select_range({0, UINT64_MAX}, UINT64_MAX), (ByteRange{0, UINT64_MAX}));
    EXPECT_EQ(select_range({UINT64_MAX - 1, UINT64_MAX}, UINT64_MAX),
              (ByteRange{UINT64_MAX - 1, 1}));
    EXPECT_FALSE(select_range({UINT64_MAX, UINT64_MAX}, UINT64_MAX));
    EXPECT_EQ(select_range({std::nullopt, UINT64_MAX}, 5), (ByteRange{0, 5}));
}

} // namespace
} // namespace muster
