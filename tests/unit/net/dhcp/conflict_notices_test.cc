// SPDX-License-Identifier: Apache-2.0
// Which conflicts are told, and which are only counted.
#include "net/dhcp/conflict_notices.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

constexpr Instant start = Instant{} + 1h;

ConflictAnswer conflict(std::uint8_t address, std::uint8_t mac = 1) {
    return {.address = {{10, 0, 0, address}}, .mac = MacAddress{{2, 0, 0, 0, 0, mac}}};
}

bool told(ConflictNotices& notices, const ConflictAnswer& answer, Instant now) {
    const bool wanted = notices.take(answer, now);
    if (wanted) {
        notices.told(answer, now);
    }
    return wanted;
}

TEST(ConflictNotices, EachIsToldOnceADay) {
    ConflictNotices notices;
    EXPECT_TRUE(told(notices, conflict(1), start));
    EXPECT_FALSE(told(notices, conflict(1), start + 10min));
    EXPECT_FALSE(told(notices, conflict(1), start + 24h - 1s));
    EXPECT_EQ(notices.untold(), 0U) << "it was told";
    EXPECT_TRUE(told(notices, conflict(1, 2), start + 20min)) << "another machine is news";
    EXPECT_TRUE(told(notices, {.address = {{10, 0, 0, 1}}}, start + 20min))
        << "or nobody knows who";
    EXPECT_TRUE(told(notices, conflict(1), start + 24h));
}

TEST(ConflictNotices, SoManyInATimeAndTheNextOneTellsOfTheOthers) {
    ConflictNotices notices;
    for (std::uint8_t i = 0; i < 100; ++i) {
        EXPECT_EQ(told(notices, conflict(i), start), i < ConflictNotices::per_interval) << int{i};
    }
    EXPECT_EQ(notices.untold(), 100 - ConflictNotices::per_interval);
    EXPECT_FALSE(notices.take(conflict(100), start + 59s));
    EXPECT_TRUE(notices.take(conflict(99), start + 1min)) << "it was not told";
    EXPECT_EQ(notices.untold(), 101 - ConflictNotices::per_interval);
    notices.told(conflict(99), start + 1min);
    EXPECT_EQ(notices.untold(), 0U);
}

TEST(ConflictNotices, OneThatCouldNotBeToldIsWantedAgain) {
    ConflictNotices notices;
    EXPECT_TRUE(notices.take(conflict(1), start));
    EXPECT_TRUE(notices.take(conflict(1), start + 1s));
}

} // namespace
} // namespace muster::test
