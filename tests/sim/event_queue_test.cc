// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/event_queue.hh"

#include "core/base/prng.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

namespace muster::sim {
namespace {

TEST(EventQueue, HandsOutInTheOrderOfTimeThenOfPosting) {
    EventQueue queue;
    EXPECT_EQ(queue.next(), Instant::never());
    queue.post({5}, Part::datagram, 0, 1);
    queue.post({3}, Part::datagram, 0, 2);
    queue.post({5}, Part::datagram, 0, 3);
    EXPECT_EQ(queue.next(), Instant{3});
    EXPECT_EQ(queue.pop().a, 2U);
    queue.post({5}, Part::datagram, 0, 4);
    EXPECT_EQ(queue.pop().a, 1U);
    EXPECT_EQ(queue.pop().a, 3U);
    EXPECT_EQ(queue.pop().a, 4U);
    EXPECT_EQ(queue.next(), Instant::never());
}

// As a world uses it: what is posted lies at or after what was handed out last, mostly soon, at
// times much later.
TEST(EventQueue, AgreesWithASortedList) {
    Prng random{3};
    EventQueue queue;
    std::vector<std::tuple<std::int64_t, std::uint32_t>> all; // (time, number)
    std::int64_t now = 0;
    std::uint32_t number = 0;
    for (int round = 0; round < 20'000; ++round) {
        for (std::uint64_t posts = random.below(4); posts > 0; --posts) {
            constexpr std::uint64_t spans[] = {1, 1'000, 1'000'000, 1'000'000'000,
                                               3'600'000'000'000};
            const auto later = static_cast<std::int64_t>(random.below(spans[random.below(5)]));
            queue.post({now + later}, Part::stream, 1, number);
            all.emplace_back(now + later, number);
            ++number;
        }
        if (!all.empty() && random.below(3) > 0) {
            const auto first = std::ranges::min_element(all);
            ASSERT_EQ(queue.next().ns, std::get<0>(*first));
            const AgendaEvent event = queue.pop();
            ASSERT_EQ(event.at.ns, std::get<0>(*first));
            ASSERT_EQ(event.a, std::get<1>(*first));
            now = event.at.ns;
            *first = all.back();
            all.pop_back();
        }
        ASSERT_EQ(queue.size(), all.size());
    }
}

} // namespace
} // namespace muster::sim
