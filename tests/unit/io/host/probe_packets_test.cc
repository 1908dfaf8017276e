// SPDX-License-Identifier: Apache-2.0
#include "io/host/probe_packets.hh"

#include <gtest/gtest.h>

#include <vector>

namespace muster {
namespace {

const ConflictProbe probe{
    .address = {{10, 66, 0, 9}}, .interface = 3, .link_source = {{2, 0, 0, 0, 0, 1}}};

std::vector<std::byte> bytes(std::initializer_list<unsigned> octets) {
    std::vector<std::byte> made;
    for (const unsigned octet : octets) {
        made.push_back(static_cast<std::byte>(octet));
    }
    return made;
}

TEST(ProbePackets, AnArpProbeHasNoSenderAddress) {
    const auto packet = write_conflict_arp(probe);
    EXPECT_EQ((std::vector<std::byte>{packet.begin(), packet.end()}),
              bytes({0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0,  0,  0, 1,
                     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 66, 0, 9}));
    EXPECT_EQ(read_conflict_arp(packet), std::nullopt) << "a question is no answer";
}

bool same(const std::optional<ConflictAnswer>& answer, const Ipv4Address& address) {
    return answer && answer->address == address;
}

TEST(ProbePackets, AnArpReplyNamesItsSender) {
    auto reply = bytes(
        {0, 1, 8, 0, 6, 4, 0, 2, 6, 5, 4, 3, 2, 1, 10, 66, 0, 9, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0});
    const auto answer = read_conflict_arp(reply);
    ASSERT_TRUE(same(answer, probe.address));
    EXPECT_EQ(answer->mac, (MacAddress{{6, 5, 4, 3, 2, 1}}));
    for (std::size_t size = 0; size < 18; ++size) {
        EXPECT_EQ(read_conflict_arp(Bytes{reply}.first(size)).has_value(), false) << size;
    }
    for (std::size_t at = 0; at < 8; ++at) {
        auto other = reply;
        other[at] ^= std::byte{0x10};
        EXPECT_FALSE(read_conflict_arp(other).has_value()) << "octet " << at;
    }
}

std::uint32_t ones_sum(Bytes packet) {
    std::uint32_t sum = 0;
    for (ByteReader words{packet}; !words.empty();) {
        sum += words.u16().value();
    }
    return (sum & 0xFFFFU) + (sum >> 16U);
}

TEST(ProbePackets, AnEchoRequestHasARightChecksumWhateverItsMark) {
    for (std::uint32_t mark = 0; mark <= 0xFFFF; ++mark) {
        const auto packet = write_conflict_echo(static_cast<std::uint16_t>(mark));
        ASSERT_EQ(ones_sum(packet), 0xFFFFU) << mark;
    }
}

TEST(ProbePackets, AnEchoReplyCountsWithOurMarkOnly) {
    auto packet = bytes({0x45, 0, 0, 36, 0, 0, 0,    0,    64,   1,    0, 0, 10, 66, 0, 9, 10, 66,
                         0,    1, 0, 0,  0, 0, 0x6D, 0x75, 0x6D, 0x75, 0, 0, 0,  0,  0, 0, 0,  0});
    ASSERT_TRUE(same(read_conflict_echo(packet, 0x6D75), probe.address));
    EXPECT_FALSE(read_conflict_echo(packet, 0x6D75)->mac);
    EXPECT_FALSE(read_conflict_echo(packet, 0x6D76));
    for (std::size_t size = 0; size < 28; ++size) {
        EXPECT_FALSE(read_conflict_echo(Bytes{packet}.first(size), 0x6D75)) << size;
    }
    packet[20] = std::byte{8};
    EXPECT_FALSE(read_conflict_echo(packet, 0x6D75)) << "a request";
    packet[20] = std::byte{0};
    for (const unsigned words :
         {0U, 4U, 15U}) { // too short for a header, or longer than the packet
        packet[0] = static_cast<std::byte>(0x40U + words);
        EXPECT_FALSE(read_conflict_echo(packet, 0x6D75)) << words;
    }
}

} // namespace
} // namespace muster
