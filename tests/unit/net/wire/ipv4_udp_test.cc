// SPDX-License-Identifier: Apache-2.0
#include "net/wire/ipv4_udp.hh"

#include "tests/support/dhcp_rig.hh"
#include "tests/support/pcap_reader.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster::test {
namespace {

// The example of RFC 1071 section 3: 0001 f203 f4f5 f6f7 sums to ddf2.
TEST(Ipv4Udp, ChecksumsAsRfc1071Does) {
    const auto data = octets({0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7});
    EXPECT_EQ(internet_checksum(data), static_cast<std::uint16_t>(~0xDDF2));
    EXPECT_EQ(internet_checksum(octets({0x12})), static_cast<std::uint16_t>(~0x1200))
        << "an odd octet is padded";
    EXPECT_EQ(internet_checksum({}), 0xFFFF);
}

// Other people's packets: what dnsmasq sent through a kernel, byte for byte where ours may agree.
TEST(Ipv4Udp, WritesWhatAKernelWrites) {
    int compared = 0;
    for (const Frame& frame : read_pcap(capture_path("uefi-http-uki.pcap"))) {
        const auto packet = udp_packet(frame);
        if (!packet || packet->source.port != 67 || !packet->source.address.is_v4()) {
            continue;
        }
        std::vector<std::byte> out(1500);
        const std::size_t size =
            write_ipv4_udp(out,
                           {.source = packet->source.address.v4().value(),
                            .destination = packet->destination.address.v4().value(),
                            .source_port = packet->source.port,
                            .destination_port = packet->destination.port,
                            .identification = static_cast<std::uint16_t>(
                                std::to_integer<unsigned>(frame.payload[4]) << 8U |
                                std::to_integer<unsigned>(frame.payload[5]))},
                           packet->payload);
        ASSERT_EQ(size, frame.payload.size());
        EXPECT_TRUE(
            std::ranges::equal(Bytes{out}.subspan(12, 14), Bytes{frame.payload}.subspan(12, 14)))
            << "addresses, ports, length";
        EXPECT_TRUE(std::ranges::equal(Bytes{out}.subspan(28, size - 28),
                                       Bytes{frame.payload}.subspan(28)));
        EXPECT_EQ(internet_checksum(Bytes{out}.first(20)), 0) << "sums to zero with its checksum";
        ++compared;
    }
    EXPECT_GT(compared, 0);
}

TEST(Ipv4Udp, EveryPayloadSizeVerifies) {
    std::vector<std::byte> payload;
    for (std::size_t size = 0; size <= 300; ++size) {
        std::vector<std::byte> out(ipv4_udp_header_size + size);
        const Ipv4UdpHeader header{.source = ip("10.0.0.1"),
                                   .destination = ip("10.0.0.99"),
                                   .source_port = 67,
                                   .destination_port = 68,
                                   .identification = 7};
        ASSERT_EQ(write_ipv4_udp(out, header, payload), out.size());
        Reply reply;
        EXPECT_EQ(open_packet(out, reply), payload); // throws on a wrong checksum
        EXPECT_EQ(reply.source, (Endpoint{ip("10.0.0.1"), 67}));
        EXPECT_EQ(reply.destination, (Endpoint{ip("10.0.0.99"), 68}));
        out.pop_back();
        EXPECT_EQ(write_ipv4_udp(out, header, payload), 0U) << "no room";
        payload.push_back(static_cast<std::byte>(size * 37));
    }
    std::vector<std::byte> out(70'000);
    EXPECT_EQ(write_ipv4_udp(out, {}, Bytes{std::vector<std::byte>(65'508)}), 0U);
    EXPECT_EQ(write_ipv4_udp(out, {}, Bytes{std::vector<std::byte>(65'507)}), 65'535U);
}

// RFC 768: 0 would mean "no checksum", so it is sent as all ones.
TEST(Ipv4Udp, AZeroChecksumIsSentAsAllOnes) {
    std::vector<std::byte> out(30);
    for (unsigned word = 0; word <= 0xFFFF; ++word) {
        const auto payload = octets({word >> 8U, word & 0xFFU});
        ASSERT_EQ(
            write_ipv4_udp(out, {.source = ip("10.0.0.1"), .destination = ip("10.0.0.2")}, payload),
            30U);
        ASSERT_FALSE(out[26] == std::byte{0} && out[27] == std::byte{0}) << word;
    }
}

} // namespace
} // namespace muster::test
