// SPDX-License-Identifier: Apache-2.0
#include "core/control/failure_limit.hh"

#include "core/addr/subnet.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

constexpr UnixTime begin{1'700'000'000'000};
const IpAddress one = Ipv4Address{{10, 0, 0, 1}};
const IpAddress other = Ipv4Address{{10, 0, 0, 2}};

void fail(FailureLimit& limit, const IpAddress& client, unsigned times, UnixTime at = begin) {
    for (unsigned i = 0; i < times; ++i) {
        limit.note(client, at);
    }
}

TEST(FailureLimitTest, ManyFailuresOfAnAddressMakeItWaitForTheEndOfTheSpan) {
    FailureLimit limit;
    fail(limit, one, token_failures_max - 1);
    EXPECT_EQ(limit.wait(one, begin), Duration{});
    fail(limit, one, 1, begin + 20s);
    EXPECT_EQ(limit.wait(one, begin + 20s), token_failures_span - 20s);
    EXPECT_EQ(limit.wait(other, begin + 20s), Duration{});
    EXPECT_EQ(limit.wait(one, begin + token_failures_span), Duration{});
}

TEST(FailureLimitTest, ANewSpanCountsFromNothing) {
    FailureLimit limit;
    fail(limit, one, token_failures_max - 1);
    fail(limit, one, 1, begin + token_failures_span);
    EXPECT_EQ(limit.wait(one, begin + token_failures_span), Duration{});
}

TEST(FailureLimitTest, AClockThatIsSetBackLocksNobodyOut) {
    FailureLimit limit;
    fail(limit, one, token_failures_max);
    EXPECT_EQ(limit.wait(one, begin + -1h), Duration{});
    fail(limit, one, token_failures_max, begin + -1h);
    EXPECT_EQ(limit.wait(one, begin + -1h), token_failures_span);
}

TEST(FailureLimitTest, TheAddressesOfOneNetworkOfIpv6AreOneClient) {
    FailureLimit limit;
    fail(limit, read_ipv6_address("fd00:79::1").value(), token_failures_max);
    EXPECT_GT(limit.wait(read_ipv6_address("fd00:79::2:1").value(), begin), Duration{});
    EXPECT_EQ(limit.wait(read_ipv6_address("fd00:79:0:1::1").value(), begin), Duration{});
}

TEST(FailureLimitTest, RemembersSoManyAndForgetsTheOldest) {
    FailureLimit limit;
    fail(limit, one, token_failures_max);
    for (std::uint32_t i = 0; i < 3 * failing_clients_max; ++i) {
        fail(limit, from_number(0x0B000000 + i), token_failures_max, begin + 1s);
        ASSERT_LE(limit.clients(), failing_clients_max);
    }
    EXPECT_EQ(limit.wait(one, begin + 1s), Duration{}) << "it was the oldest";
    EXPECT_GT(limit.wait(from_number(0x0B000000 + 3 * failing_clients_max - 1), begin + 1s),
              Duration{});
    fail(limit, one, 1, begin + 1s + token_failures_span);
    EXPECT_EQ(limit.clients(), 1U) << "what is over goes first";
}

} // namespace
} // namespace muster
