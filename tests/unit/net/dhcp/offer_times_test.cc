// SPDX-License-Identifier: Apache-2.0
// How long machines collected offers, as far as fixed memory tells.
#include "net/dhcp/offer_times.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

constexpr Instant start = Instant{} + 1h;

MacAddress mac(std::uint32_t n) {
    return {{0x52, 0x54, 0, static_cast<std::uint8_t>(n >> 16U), static_cast<std::uint8_t>(n >> 8U),
             static_cast<std::uint8_t>(n)}};
}

TEST(OfferTimes, CountsFromTheFirstOfferOfAnExchange) {
    OfferTimes times{64};
    times.offered(mac(1), 7, start);
    times.offered(mac(1), 7, start + 1s); // its DISCOVER came again
    EXPECT_EQ(times.take(mac(1), 7, start + 3s), Duration{3s});
    EXPECT_EQ(times.take(mac(1), 7, start + 4s), Duration{}) << "the REQUEST came again";
}

TEST(OfferTimes, KnowsMachinesAndExchangesApart) {
    OfferTimes times{64};
    times.offered(mac(1), 7, start);
    times.offered(mac(2), 7, start + 1s);
    times.offered(mac(1), 8, start + 2s);
    EXPECT_EQ(times.take(mac(3), 7, start + 3s), Duration{});
    EXPECT_EQ(times.take(mac(1), 8, start + 3s), Duration{1s});
    EXPECT_EQ(times.take(mac(2), 7, start + 3s), Duration{2s});
    EXPECT_EQ(times.take(mac(1), 7, start + 3s), Duration{3s});
}

TEST(OfferTimes, AnOfferThatHasEndedTellsNothing) {
    OfferTimes times{64};
    times.offered(mac(1), 7, start);
    EXPECT_EQ(times.take(mac(1), 7, start + 60s), Duration{});
    times.offered(mac(1), 7, start + 60s);
    EXPECT_EQ(times.take(mac(1), 7, start + 61s), Duration{1s});
}

TEST(OfferTimes, WhereThereIsNoRoomTheOldestAreForgotten) {
    OfferTimes times{4}; // one set
    for (std::uint32_t n = 0; n < 6; ++n) {
        times.offered(mac(n), n, start + n * 1s);
    }
    for (std::uint32_t n = 0; n < 6; ++n) {
        EXPECT_EQ(times.take(mac(n), n, start + 10s), n < 2 ? Duration{} : Duration{(10 - n) * 1s});
    }
}

} // namespace
} // namespace muster::test
