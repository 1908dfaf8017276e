// SPDX-License-Identifier: Apache-2.0
#include "core/base/ones_complement.hh"

#include "core/base/prng.hh"

#include <gtest/gtest.h>

#include <vector>

namespace muster {
namespace {

/// Word by word, as RFC 1071 section 1 says it.
std::uint32_t sum_by_words(Bytes bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        const auto high = std::to_integer<std::uint32_t>(bytes[i]);
        const auto low = i + 1 < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i + 1]) : 0;
        sum += high << 8U | low;
        sum = (sum & 0xFFFFU) + (sum >> 16U);
    }
    return sum;
}

TEST(OnesComplement, TheExampleOfTheRfc) { // RFC 1071 section 3
    constexpr std::array<std::uint8_t, 8> example{0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7};
    EXPECT_EQ(ones_complement_sum(std::as_bytes(std::span{example})), 0xDDF2U);
    EXPECT_EQ(ones_complement_sum({}), 0U);
}

TEST(OnesComplement, EveryLengthAtEveryAlignment) {
    Prng prng{7};
    std::vector<std::byte> bytes(200);
    for (std::byte& one : bytes) {
        one = static_cast<std::byte>(prng.next());
    }
    for (std::size_t from = 0; from < 8; ++from) {
        for (std::size_t size = 0; from + size <= bytes.size(); ++size) {
            const Bytes part = Bytes{bytes}.subspan(from, size);
            ASSERT_EQ(ones_complement_sum(part), sum_by_words(part)) << from << " " << size;
        }
    }
}

TEST(OnesComplement, NothingIsLostWhereAllBitsAreSet) {
    const std::vector<std::byte> bytes(65'535, std::byte{0xFF});
    EXPECT_EQ(ones_complement_sum(bytes), sum_by_words(bytes));
}

} // namespace
} // namespace muster
