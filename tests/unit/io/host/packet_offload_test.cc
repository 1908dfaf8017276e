// SPDX-License-Identifier: Apache-2.0
#include "io/host/packet_offload.hh"

#include <gtest/gtest.h>
#include <sched.h>

#include <cstdlib>
#include <thread>

namespace muster {
namespace {

/// In a network namespace of its own, which goes with the thread.
template <class Look>
void in_namespace(const std::string& commands, Look look) {
    std::thread{[&] {
        ASSERT_EQ(unshare(CLONE_NEWNET), 0) << "needs root";
        ASSERT_EQ(std::system(commands.c_str()), 0) << commands; // NOLINT: of a test
        look();
    }}.join();
}

TEST(SendsSinglePackets, NotWhereAnotherProgramGetsThemUncut) {
    in_namespace("ip link add va type veth peer name vb && ip link set lo up", [] {
        EXPECT_FALSE(sends_single_packets("va"));
        EXPECT_FALSE(sends_single_packets("lo"));
    });
}

TEST(SendsSinglePackets, WhereTheKernelCutsThem) {
    const char* const source = std::getenv("MUSTER_SOURCE");
    ASSERT_NE(source, nullptr);
    in_namespace("ip link add va type veth peer name vb && python3 " + std::string{source} +
                     "/bench/peers/offload.py va tx-udp-segmentation off",
                 [] {
                     EXPECT_TRUE(sends_single_packets("va"));
                     EXPECT_FALSE(sends_single_packets("vb"));
                 });
}

TEST(SendsSinglePackets, NotWhereItCannotBeKnown) {
    EXPECT_FALSE(sends_single_packets("nosuch0"));
    EXPECT_FALSE(sends_single_packets("a-name-longer-than-any-interface-has"));
    EXPECT_FALSE(sends_single_packets(""));
}

} // namespace
} // namespace muster
