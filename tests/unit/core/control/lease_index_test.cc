// SPDX-License-Identifier: Apache-2.0
#include "core/control/lease_index.hh"

#include "core/addr/subnet.hh"

#include <gtest/gtest.h>

#include <vector>

namespace muster {
namespace {

LeaseRecord record(std::uint32_t address, std::string_view hostname = {}) {
    LeaseRecord made{.address = from_number(address),
                     .mac = {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(address)}},
                     .state = LeaseRecord::State::released,
                     .expires = UnixTime{1'000 + address},
                     .hostname = {}};
    std::copy(hostname.begin(), hostname.end(), made.hostname.begin());
    return made;
}

TEST(LeaseIndex, GivesBackWhatWasPutWhateverTheOrder) {
    LeaseIndex index;
    EXPECT_TRUE(index.empty());
    for (const std::uint32_t n : {50U, 10U, 90U, 70U, 20U, 91U}) {
        index.put(record(n, n == 70 ? std::string(63, 'x') : n == 20 ? "n20" : ""));
    }
    EXPECT_EQ(index.size(), 6U);
    for (const std::uint32_t n : {10U, 50U, 90U, 91U}) {
        EXPECT_EQ(index.find(from_number(n)), record(n));
    }
    EXPECT_EQ(index.find(from_number(70)), record(70, std::string(63, 'x')));
    EXPECT_EQ(index.find(from_number(20)), record(20, "n20"));
    EXPECT_EQ(index.find(from_number(11)), std::nullopt);
    EXPECT_TRUE(index.contains(from_number(90)));
    EXPECT_FALSE(index.contains(from_number(89)));
}

TEST(LeaseIndex, ALaterRecordReplacesTheWholeOfAnEarlierOne) {
    LeaseIndex index;
    index.put(record(7, "old"));
    LeaseRecord later = record(7);
    later.state = LeaseRecord::State::bound;
    later.mac = {{9, 9, 9, 9, 9, 9}};
    index.put(later);
    EXPECT_EQ(index.size(), 1U);
    EXPECT_EQ(index.find(from_number(7)), later);
}

TEST(LeaseIndex, ListsInOrderFromAnyPlaceAsLongAsItIsWanted) {
    LeaseIndex index;
    for (std::uint32_t n = 300; n > 0; --n) {
        index.put(record(n));
    }
    std::vector<std::uint32_t> seen;
    index.each_after(from_number(250), [&](const LeaseRecord& lease) {
        seen.push_back(to_number(lease.address));
        return seen.size() < 5;
    });
    EXPECT_EQ(seen, (std::vector<std::uint32_t>{251, 252, 253, 254, 255}));
    seen.clear();
    index.each_after(from_number(298), [&](const LeaseRecord& lease) {
        seen.push_back(to_number(lease.address));
        return true;
    });
    EXPECT_EQ(seen, (std::vector<std::uint32_t>{299, 300}));
}

} // namespace
} // namespace muster
