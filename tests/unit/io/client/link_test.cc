// SPDX-License-Identifier: Apache-2.0
#include "io/client/link.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(Link, TheLoopbackIsUpAndHasAnAddress) {
    const auto link = find_client_link("lo");
    ASSERT_TRUE(link) << link.error().text();
    EXPECT_EQ(link->address, (Ipv4Address{{127, 0, 0, 1}}));
    EXPECT_NE(link->index, 0U);
}

TEST(Link, NamesTheInterfaceThatIsNotThere) {
    for (const char* name : {"no-such-if0", "", "a-name-that-no-interface-can-have"}) {
        const auto link = find_client_link(name);
        ASSERT_FALSE(link);
        EXPECT_EQ(link.error().code, ENODEV);
        EXPECT_NE(link.error().text().find(name), std::string::npos);
    }
}

TEST(Link, TheKernelSaysWhichInterfaceLeadsThere) {
    EXPECT_EQ(interface_towards(Ipv4Address{{127, 0, 0, 1}}), "lo");
}

// As Linux writes it; the numbers are those of a little-endian machine, like all that we run on.
constexpr const char* routes =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\tFE00000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    "eth1\t0000010A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";

TEST(Link, TheLongestPrefixTellsTheNextHop) {
    const Ipv4Address near{{10, 0, 0, 1}};
    const Ipv4Address far{{192, 0, 2, 9}};
    const Ipv4Address gateway{{10, 0, 0, 254}};
    EXPECT_EQ(next_hop_of(routes, "eth0", near), near);
    EXPECT_EQ(next_hop_of(routes, "eth0", far), gateway);
    EXPECT_EQ(next_hop_of(routes, "eth1", far), far) << "no route there: as if on the link";
    EXPECT_EQ(next_hop_of("", "eth0", far), far);
    EXPECT_EQ(next_hop_of("Iface\nrubbish", "eth0", far), far);
}

} // namespace
} // namespace muster
