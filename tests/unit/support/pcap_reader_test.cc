// SPDX-License-Identifier: Apache-2.0
#include "tests/support/pcap_reader.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

TEST(PcapReader, EveryCommittedCaptureIsReadToItsEnd) {
    for (const std::string& name : capture_names()) {
        EXPECT_FALSE(read_pcap(capture_path(name)).empty()) << name;
    }
}

TEST(PcapReader, ShowsTheFirstDiscoverOfAnIpxeRom) {
    const auto packets = read_udp_packets(capture_path("bios-ipxerom-http-fast.pcap"));
    ASSERT_FALSE(packets.empty());
    const UdpPacket& discover = packets.front();
    EXPECT_EQ(discover.frame.source, (MacAddress{{0x52, 0x54, 0, 0x79, 0, 0}}));
    EXPECT_EQ(discover.frame.destination, MacAddress::broadcast());
    EXPECT_EQ(discover.source, (Endpoint{Ipv4Address{}, 68}));
    EXPECT_EQ(discover.destination, (Endpoint{Ipv4Address::broadcast(), 67}));
    ASSERT_GT(discover.payload.size(), 240U);
    EXPECT_EQ(discover.payload[0], std::byte{1}) << "op is BOOTREQUEST";
    EXPECT_FALSE(discover.frame.cut);
}

TEST(PcapReader, ShowsIcmpv6AndRefusesWhatIsNoCapture) {
    bool solicited = false;
    for (const Frame& frame : read_pcap(capture_path("bios-ipxerom-http.pcap"))) {
        const auto packet = ip_packet(frame);
        solicited |= packet && packet->protocol == 58 && packet->payload.front() == std::byte{133};
    }
    EXPECT_TRUE(solicited) << "iPXE asks for an IPv6 router";
    EXPECT_THROW(static_cast<void>(read_pcap(capture_path("README.md"))), std::runtime_error);
    EXPECT_THROW(static_cast<void>(read_pcap(capture_path("absent.pcap"))), std::runtime_error);
}

} // namespace
} // namespace muster::test
