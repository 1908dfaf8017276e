// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/negotiation.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster {
namespace {

TEST(TftpNegotiation, GrantsOnlyWhatWasAskedFor) {
    for (unsigned bits = 0; bits < 16; ++bits) {
        TftpOptions asked;
        if ((bits & 1U) != 0) {
            asked.blksize = 512;
        }
        if ((bits & 2U) != 0) {
            asked.tsize = 0;
        }
        if ((bits & 4U) != 0) {
            asked.timeout = 5;
        }
        if ((bits & 8U) != 0) {
            asked.windowsize = 4;
        }
        const TftpOptions granted = grant_options(asked, 99, false, {});
        EXPECT_EQ(granted.blksize, asked.blksize);
        EXPECT_EQ(granted.tsize.has_value(), asked.tsize.has_value());
        EXPECT_EQ(granted.tsize.value_or(99), 99U);
        EXPECT_EQ(granted.timeout, asked.timeout);
        EXPECT_EQ(granted.windowsize, asked.windowsize);
        EXPECT_EQ(granted.empty(), bits == 0);
    }
}

TEST(TftpNegotiation, NumbersAreCappedAndNeverAboveWhatWasAsked) {
    TftpLimits limits;
    for (const int cap : {8, 27, 28, 512, 1468, 8192, 65'464}) {
        limits.blksize_max = static_cast<std::uint16_t>(cap);
        for (int asked = tftp_blksize_min; asked <= tftp_blksize_max; asked += 13) {
            TftpOptions options;
            options.blksize = static_cast<std::uint16_t>(asked);
            EXPECT_EQ(grant_options(options, 0, false, limits).blksize, std::min(asked, cap));
            EXPECT_EQ(grant_options(options, 0, true, limits).blksize,
                      std::min(asked, std::max(cap - 20, 8)));
        }
    }
    for (const int cap : {1, 4, 64, 65'535}) {
        limits.windowsize_max = static_cast<std::uint16_t>(cap);
        for (int asked = 1; asked <= UINT16_MAX; asked += 7) {
            TftpOptions options;
            options.windowsize = static_cast<std::uint16_t>(asked);
            EXPECT_EQ(grant_options(options, 0, false, limits).windowsize, std::min(asked, cap));
        }
    }
}

// Up to Ethernet's size nothing leaves in fragments; above, the site has asked for them.
TEST(TftpNegotiation, BlocksFitTheMtuUnlessFragmentsAreAskedFor) {
    TftpOptions asked;
    asked.blksize = 65'464;
    for (int mtu = mtu_min; mtu <= UINT16_MAX; ++mtu) {
        TftpLimits limits;
        const auto given = static_cast<std::uint16_t>(mtu);
        EXPECT_EQ(grant_options(asked, 0, false, limits, given).blksize, std::min(mtu - 32, 1468));
        EXPECT_EQ(grant_options(asked, 0, true, limits, given).blksize, std::min(mtu - 52, 1448));
        limits.blksize_max = 16'384;
        EXPECT_EQ(grant_options(asked, 0, false, limits, given).blksize, 16'384);
    }
    EXPECT_EQ(grant_options(asked, 0, false, {}, 0).blksize, 1468) << "an MTU that cannot be";
}

TEST(TftpNegotiation, EveryTimeoutIsEchoedEqual) {
    for (int seconds = 1; seconds <= UINT8_MAX; ++seconds) {
        TftpOptions options;
        options.timeout = static_cast<std::uint8_t>(seconds);
        EXPECT_EQ(grant_options(options, 0, false, {}).timeout, seconds);
    }
}

} // namespace
} // namespace muster
