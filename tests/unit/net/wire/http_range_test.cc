// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_range.hh"

#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

TEST(HttpRange, IgnoresWhatIsNoSingleRangeOfBytes) {
    for (const char* field : {"",
                              "bytes",
                              "bytes=",
                              "bytes=-",
                              "bytes=x-",
                              "bytes=-x",
                              "bytes=1",
                              "bytes=1-2-3",
                              "bytes=2-1",
                              "bytes=0-1,3-4",
                              "bytes=0-1,",
                              "bytes=,0-1",
                              "bytes= 0-1",
                              "bytes=0 -1",
                              "bytes=0- 1",
                              "bytes =0-1",
                              "octets=0-1",
                              "0-1",
                              "bytes=+1-2",
                              "bytes=0x1-2",
                              "bytes=--1",
                              "bytes=1--2",
                              "bytes=18446744073709551616-0"}) {
        EXPECT_FALSE(read_http_range(field)) << field;
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
