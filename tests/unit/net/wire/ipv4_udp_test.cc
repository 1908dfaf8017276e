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

// What a card then does: both sums, each over what lies there, complemented.
TEST(Ipv4Udp, WhatAPortIsToComputeIsPrepared) {
    std::vector<std::byte> payload;
    for (std::size_t size = 0; size <= 100; ++size) {
        const Ipv4UdpHeader header{.source = ip("10.0.0.1"),
                                   .destination = ip("239.255.1.1"),
                                   .source_port = 69,
                                   .destination_port = 2000,
                                   .identification = 9};
        std::vector<std::byte> whole(ipv4_udp_header_size + size);
        ASSERT_EQ(write_ipv4_udp(whole, header, payload), whole.size());
        std::vector<std::byte> left = whole;
        write_ipv4_udp_around(left, header, Checksums::by_port);
        ASSERT_NE(left, whole);
        const auto complete = [&](std::size_t at, Bytes summed) {
            const std::uint16_t sum = internet_checksum(summed);
            left[at] = static_cast<std::byte>(sum >> 8U);
            left[at + 1] = static_cast<std::byte>(sum & 0xFFU);
        };
        complete(10, Bytes{left}.first(20));
        complete(26, Bytes{left}.subspan(20));
        EXPECT_EQ(left, whole);
        payload.push_back(static_cast<std::byte>(size * 91));
    }
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

/// A packet of ours with a payload of 11 bytes.
std::vector<std::byte> sample_packet() {
    std::vector<std::byte> out(ipv4_udp_header_size + 11);
    const Ipv4UdpHeader header{.source = ip("10.0.0.1"),
                               .destination = ip("10.0.0.99"),
                               .source_port = 67,
                               .destination_port = 68,
                               .identification = 7};
    EXPECT_EQ(write_ipv4_udp(out, header, text_octets("hello there")), out.size());
    return out;
}

/// Sets the IPv4 header's checksum right after a field of it was changed.
void correct_header(std::vector<std::byte>& packet) {
    packet[10] = packet[11] = std::byte{0};
    const std::size_t size =
        std::min(packet.size(), 4 * (std::to_integer<std::size_t>(packet[0]) & 0x0FU));
    const std::uint16_t sum = internet_checksum(Bytes{packet}.first(size));
    packet[10] = static_cast<std::byte>(sum >> 8U);
    packet[11] = static_cast<std::byte>(sum & 0xFFU);
}

TEST(Ipv4Udp, ReadsWhatItWrites) {
    std::vector<std::byte> packet = sample_packet();
    packet.resize(packet.size() + 7); // Ethernet padding
    const auto read = read_ipv4_udp(packet);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->header.source, ip("10.0.0.1"));
    EXPECT_EQ(read->header.destination, ip("10.0.0.99"));
    EXPECT_EQ(read->header.source_port, 67);
    EXPECT_EQ(read->header.destination_port, 68);
    EXPECT_EQ(read->header.identification, 7);
    EXPECT_EQ(as_text(read->payload), "hello there");
    EXPECT_EQ(read->payload.data(), packet.data() + ipv4_udp_header_size) << "borrowed";
}

TEST(Ipv4Udp, ReadsPacketsOfAKernel) {
    int read = 0;
    for (const Frame& frame : read_pcap(capture_path("uefi-http-uki.pcap"))) {
        const auto expected = udp_packet(frame);
        if (!expected || !expected->source.address.is_v4()) {
            continue;
        }
        const auto packet = read_ipv4_udp(frame.payload);
        // A capture on the sender has checksums that its NIC would have filled in.
        if (!packet && packet.error() == Ipv4UdpError::bad_udp_checksum) {
            continue;
        }
        ASSERT_TRUE(packet) << describe(packet.error());
        EXPECT_EQ(packet->header.source_port, expected->source.port);
        EXPECT_TRUE(std::ranges::equal(packet->payload, expected->payload));
        ++read;
    }
    EXPECT_GT(read, 0);
}

// Any single bit: the checksums are there for this. A flip within the UDP checksum to 0 would mean
// "none", which this packet does not have at hand.
TEST(Ipv4Udp, RefusesEveryFlippedBit) {
    const std::vector<std::byte> good = sample_packet();
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        std::vector<std::byte> packet = good;
        packet[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        EXPECT_FALSE(read_ipv4_udp(packet)) << "bit " << bit;
    }
}

TEST(Ipv4Udp, RefusesEveryTruncation) {
    const std::vector<std::byte> good = sample_packet();
    for (std::size_t size = 0; size < good.size(); ++size) {
        const auto read = read_ipv4_udp(Bytes{good}.first(size));
        ASSERT_FALSE(read) << size;
        EXPECT_EQ(read.error(), Ipv4UdpError::truncated) << size;
    }
}

TEST(Ipv4Udp, NamesWhatItRefuses) {
    const auto error_of = [](std::size_t at, unsigned value) {
        std::vector<std::byte> packet = sample_packet();
        packet[at] = static_cast<std::byte>(value);
        correct_header(packet);
        const auto read = read_ipv4_udp(packet);
        return read ? std::nullopt : std::optional{read.error()};
    };
    EXPECT_EQ(error_of(0, 0x65), Ipv4UdpError::not_ipv4) << "version 6";
    EXPECT_EQ(error_of(0, 0x44), Ipv4UdpError::not_ipv4) << "a header of four words";
    EXPECT_EQ(error_of(0, 0x4F), Ipv4UdpError::truncated) << "options beyond the packet";
    EXPECT_EQ(error_of(6, 0x20), Ipv4UdpError::fragment) << "more fragments";
    EXPECT_EQ(error_of(7, 0x01), Ipv4UdpError::fragment) << "an offset";
    EXPECT_EQ(error_of(6, 0x40), std::nullopt) << "don't fragment";
    EXPECT_EQ(error_of(9, 6), Ipv4UdpError::not_udp) << "TCP";
    EXPECT_EQ(error_of(25, 7), Ipv4UdpError::bad_udp_length);
    EXPECT_EQ(error_of(25, 20), Ipv4UdpError::bad_udp_length) << "beyond the packet";
    std::vector<std::byte> packet = sample_packet();
    packet[10] ^= std::byte{1};
    EXPECT_EQ(read_ipv4_udp(packet).error(), Ipv4UdpError::bad_header_checksum);
    packet = sample_packet();
    packet.back() ^= std::byte{1};
    EXPECT_EQ(read_ipv4_udp(packet).error(), Ipv4UdpError::bad_udp_checksum);
    packet[26] = packet[27] = std::byte{0};
    EXPECT_TRUE(read_ipv4_udp(packet)) << "RFC 768: no checksum";
}

} // namespace
} // namespace muster::test
