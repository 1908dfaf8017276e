// SPDX-License-Identifier: Apache-2.0
// Whole windows leave by their head: byte for byte what leaves block by block.
#include "core/base/ones_complement.hh"

#include "tests/support/frame_rig.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

struct Case {
    const char* name;
    std::uint16_t vlan = 0;
    Checksums checksums = Checksums::written;
    const char* destination = "10.79.0.9";
};

class DataHeadTest : public testing::TestWithParam<Case> {
protected:
    static FrameHostOptions options() {
        FrameHostOptions options = frame_host_options();
        options.vlan = GetParam().vlan;
        options.checksums = GetParam().checksums;
        options.gateway = ip("10.79.0.9");
        return options;
    }
    /// Of a host that knows its neighbour.
    struct Host : FrameRig {
        Host() : FrameRig(options()) {
            (void)receive(arp_frame(host_mac,
                                    {ArpMessage::Operation::request,
                                     machine_mac(9),
                                     ip("10.79.0.9"),
                                     {},
                                     ip("10.79.0.1")},
                                    GetParam().vlan));
            (void)own_frames();
        }
    };
    static TxBlocks blocks() {
        TxBlocks blocks;
        blocks.socket = 1;
        blocks.destination = {ip(GetParam().destination), 2000};
        blocks.source = ip("10.79.0.1");
        return blocks;
    }
};

TEST_P(DataHeadTest, IsWhatEachBlockHasAlone) {
    Host window;
    Host alone;
    const auto head = window.host.head_of(blocks(), window.now);
    ASSERT_TRUE(head);
    EXPECT_EQ(head->checksums(), GetParam().checksums);
    std::vector<std::byte> data;
    for (std::uint64_t block = 0xFFF0; data.size() <= 1468; ++block) {
        std::vector<std::byte> one(window.host.frame_room(), std::byte{0xEE});
        std::vector<std::byte> other(window.host.frame_room(), std::byte{0xEE});
        one.resize(window.host.write_block(one, *head, block, data, ones_complement_sum(data)));
        other.resize(alone.host.write_block(other, blocks(), block, data, alone.now));
        ASSERT_EQ(one, other) << data.size();
        if (GetParam().checksums == Checksums::written) {
            const auto link = read_ethernet(one);
            EXPECT_TRUE(link && read_ipv4_udp(link->payload)) << data.size();
        }
        const std::size_t more = data.size() < 70 ? 1 : 37;
        for (std::size_t i = 0; i < more; ++i) {
            data.push_back(static_cast<std::byte>(data.size() * 151 + block));
        }
    }
    EXPECT_EQ(window.host.metrics().sent.read(), alone.host.metrics().sent.read());
}

TEST_P(DataHeadTest, WhatIsTooLargeIsCounted) {
    Host rig;
    const auto head = rig.host.head_of(blocks(), rig.now);
    ASSERT_TRUE(head);
    std::vector<std::byte> room(rig.host.frame_room());
    const std::vector<std::byte> data(1469);
    EXPECT_EQ(rig.host.write_block(room, *head, 1, data, 0), 0U);
    EXPECT_EQ(rig.tx_drops(FrameTxDrop::too_large), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Ways, DataHeadTest,
    testing::Values(Case{"plain"}, Case{"tagged", 79}, Case{"by_port", 0, Checksums::by_port},
                    Case{"by_gateway", 0, Checksums::written, "10.80.0.5"},
                    Case{"multicast", 79, Checksums::written, "239.255.1.2"},
                    Case{"broadcast", 0, Checksums::written, "255.255.255.255"}),
    [](const auto& one) { return one.param.name; });

TEST(DataHead, IsNotThereWhereABlockHasToWaitOrIsRefused) {
    FrameRig rig;
    TxBlocks blocks;
    blocks.destination = {ip("10.79.0.9"), 2000};
    EXPECT_FALSE(rig.host.head_of(blocks, rig.now)) << "nobody knows its link address";
    blocks.destination = {read_ipv6_address("fe80::1").value(), 2000};
    EXPECT_FALSE(rig.host.head_of(blocks, rig.now));
    blocks.destination = {ip("239.255.1.2"), 2000};
    blocks.socket = 9;
    EXPECT_FALSE(rig.host.head_of(blocks, rig.now)) << "there is no such port";
    EXPECT_TRUE(rig.own_frames().empty()) << "asking is what write_block() does";
}

} // namespace
} // namespace muster::test
