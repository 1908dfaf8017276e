// SPDX-License-Identifier: Apache-2.0
#include "core/node/token.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(Token, IsThirtyTwoDigitsAndReadBack) {
    for (unsigned n = 1; n < 256; ++n) {
        Token token;
        token.octets[n % 16] = static_cast<std::uint8_t>(n);
        EXPECT_EQ(to_text(token).size(), 32U);
        EXPECT_EQ(read_token(to_text(token)), token);
    }
}

TEST(Token, NothingElseIsOne) {
    const std::string good(32, 'a');
    EXPECT_TRUE(read_token(good).has_value());
    for (std::size_t size = 0; size < 64; ++size) {
        EXPECT_EQ(read_token(std::string(size, 'a')).has_value(), size == 32);
    }
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const char bad : {'A', 'g', ' ', '\0', '-'}) {
            std::string text = good;
            text[at] = bad;
            EXPECT_FALSE(read_token(text).has_value());
        }
    }
    EXPECT_FALSE(read_token(std::string(32, '0')).has_value()) << "the empty token is none";
}

} // namespace
} // namespace muster
