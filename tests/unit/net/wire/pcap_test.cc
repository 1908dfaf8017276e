// SPDX-License-Identifier: Apache-2.0
#include "net/wire/pcap.hh"

#include "net/wire/ipv4_udp.hh"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace muster {
namespace {

std::uint32_t word(std::string_view file, std::size_t at) {
    std::uint32_t value = 0;
    std::memcpy(&value, file.data() + at, sizeof value); // both are of the lowest byte first
    return value;
}

const Endpoint here{Ipv4Address{{10, 66, 0, 1}}, 67};
const Endpoint there{Ipv4Address{{10, 66, 0, 21}}, 68};

TEST(Pcap, TheHeaderSaysRawIpAndMicroseconds) {
    std::string file;
    append_pcap_header(file);
    ASSERT_EQ(file.size(), 24U);
    EXPECT_EQ(word(file, 0), 0xA1B2C3D4U);
    EXPECT_EQ(word(file, 4), 2U | 4U << 16U);
    EXPECT_EQ(word(file, 16), 65'535U);
    EXPECT_EQ(word(file, 20), 101U);
}

TEST(Pcap, ADatagramOfIpv4CanBeReadAgain) {
    std::string file;
    append_pcap_udp(file, {1'700'000'000'123}, here, there, as_bytes("offer"));
    EXPECT_EQ(word(file, 0), 1'700'000'000U);
    EXPECT_EQ(word(file, 4), 123'000U);
    EXPECT_EQ(word(file, 8), file.size() - 16);
    EXPECT_EQ(word(file, 12), file.size() - 16);
    const auto packet = read_ipv4_udp(as_bytes(file).subspan(16));
    ASSERT_TRUE(packet) << describe(packet.error());
    EXPECT_EQ(as_text(packet->payload), "offer");
    EXPECT_EQ(packet->header.source, *here.address.v4());
    EXPECT_EQ(packet->header.destination, *there.address.v4());
    EXPECT_EQ(packet->header.source_port, 67);
    EXPECT_EQ(packet->header.destination_port, 68);
}

TEST(Pcap, AnAddressThatIsNotKnownIsThatOfNobody) {
    std::string file;
    append_pcap_udp(file, {}, {IpAddress{}, 67}, there, as_bytes("x"));
    const auto packet = read_ipv4_udp(as_bytes(file).subspan(16));
    ASSERT_TRUE(packet);
    EXPECT_TRUE(packet->header.source.is_unspecified());
}

TEST(Pcap, ADatagramOfIpv6HasItsChecksum) {
    Ipv6Address from{};
    from.octets[0] = 0xFE;
    from.octets[1] = 0x80;
    from.octets[15] = 1;
    Ipv6Address to = from;
    to.octets[15] = 2;
    std::string file;
    append_pcap_udp(file, {}, {from, 547}, {to, 546}, as_bytes("odd"));
    const Bytes packet = as_bytes(file).subspan(16);
    ASSERT_EQ(packet.size(), 40U + 8U + 3U);
    EXPECT_EQ(packet[0], std::byte{0x60});
    EXPECT_EQ(packet[6], std::byte{17});
    // Over the pseudo header (RFC 8200 section 8.1) and the datagram with its checksum: none is
    // left.
    std::vector<std::byte> summed(packet.begin() + 8, packet.begin() + 40);
    summed.insert(summed.end(), {std::byte{0}, std::byte{11}, std::byte{0}, std::byte{17}});
    summed.insert(summed.end(), packet.begin() + 40, packet.end());
    EXPECT_EQ(internet_checksum(summed), 0);
}

TEST(Pcap, WhatFitsNoPacketIsCut) {
    std::string file;
    append_pcap_udp(file, {}, here, there, as_bytes(std::string(70'000, 'x')));
    EXPECT_LE(word(file, 8), 65'535U);
    EXPECT_EQ(word(file, 8), file.size() - 16);
    EXPECT_TRUE(read_ipv4_udp(as_bytes(file).subspan(16)));
}

} // namespace
} // namespace muster
