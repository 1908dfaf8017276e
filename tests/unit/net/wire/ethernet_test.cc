// SPDX-License-Identifier: Apache-2.0
#include "net/wire/ethernet.hh"

#include "net/wire/arp.hh"
#include "net/wire/icmp_echo.hh"
#include "net/wire/igmp.hh"
#include "net/wire/ipv4_udp.hh"

#include "tests/support/dhcp_rig.hh"
#include "tests/support/pcap_reader.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster::test {
namespace {

std::vector<std::byte> join(std::vector<std::byte> first, Bytes second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

const std::vector<std::byte> addresses = octets({2, 0, 0, 0, 0, 7, 0x52, 0x54, 0, 0, 0, 9});

TEST(Ethernet, ReadsAndWritesPlainAndTaggedFrames) {
    for (const std::uint16_t vlan : std::initializer_list<std::uint16_t>{0, 1, 4094}) {
        const EthernetHeader header{.destination = {{2, 0, 0, 0, 0, 7}},
                                    .source = {{0x52, 0x54, 0, 0, 0, 9}},
                                    .vlan = vlan,
                                    .type = ethertype_ipv4};
        std::vector<std::byte> frame(header.size());
        ByteWriter writer{frame};
        write_ethernet(writer, header);
        EXPECT_FALSE(writer.overflow());
        EXPECT_EQ(writer.size(), header.size());
        frame.push_back(std::byte{0xAB});
        const auto read = read_ethernet(frame);
        ASSERT_TRUE(read) << vlan;
        EXPECT_EQ(read->header.destination, header.destination);
        EXPECT_EQ(read->header.source, header.source);
        EXPECT_EQ(read->header.vlan, vlan);
        EXPECT_EQ(read->header.type, ethertype_ipv4);
        EXPECT_EQ(read->payload.size(), 1U);
        for (std::size_t size = 0; size < header.size(); ++size) {
            EXPECT_EQ(read_ethernet(Bytes{frame}.first(size)).error(),
                      EthernetError::truncated_frame);
        }
    }
}

TEST(Ethernet, APriorityTagIsNoVlan) {
    const auto frame = join(addresses, octets({0x81, 0, 0xE0, 0, 0x08, 0x06}));
    const auto read = read_ethernet(frame);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->header.vlan, 0);
    EXPECT_EQ(read->header.type, ethertype_arp);
}

TEST(Ethernet, RefusesTagsWithinTags) {
    EXPECT_EQ(read_ethernet(join(addresses, octets({0x81, 0, 0, 5, 0x81, 0, 0, 6, 8, 0}))).error(),
              EthernetError::nested_vlan);
    EXPECT_EQ(read_ethernet(join(addresses, octets({0x88, 0xA8, 0, 5, 0x81, 0, 0, 6}))).error(),
              EthernetError::nested_vlan);
}

// RFC 1112 section 6.4: the low 23 bits.
TEST(Ethernet, GroupsHaveLinkAddresses) {
    EXPECT_EQ(multicast_mac(ip("239.255.69.1")), (MacAddress{{1, 0, 0x5E, 0x7F, 69, 1}}));
    EXPECT_EQ(multicast_mac(ip("224.128.0.1")), (MacAddress{{1, 0, 0x5E, 0, 0, 1}}));
    EXPECT_TRUE(is_multicast(ip("224.0.0.0")));
    EXPECT_TRUE(is_multicast(ip("239.255.255.255")));
    EXPECT_FALSE(is_multicast(ip("223.255.255.255")));
    EXPECT_FALSE(is_multicast(ip("240.0.0.0")));
    EXPECT_TRUE(is_group_address(MacAddress::broadcast()));
    EXPECT_FALSE(is_group_address({{0x52, 0x54, 0, 0, 0, 1}}));
}

// What ROMs, firmware and kernels sent, read and written again byte for byte.
TEST(Arp, ReadsAndWritesEveryArpOfTheCaptures) {
    unsigned requests = 0;
    unsigned replies = 0;
    for (const std::string& name : capture_names()) {
        for (const Frame& frame : read_pcap(capture_path(name))) {
            if (frame.ethertype != ethertype_arp) {
                continue;
            }
            const auto read = read_arp(frame.payload);
            ASSERT_TRUE(read) << name;
            EXPECT_EQ(read->sender_mac, frame.source) << name;
            (read->operation == ArpMessage::Operation::reply ? replies : requests) += 1;
            std::vector<std::byte> written(arp_message_size);
            ByteWriter writer{written};
            write_arp(writer, *read);
            EXPECT_FALSE(writer.overflow());
            EXPECT_TRUE(std::ranges::equal(written, Bytes{frame.payload}.first(arp_message_size)));
        }
    }
    EXPECT_GT(requests, 10U);
    EXPECT_GT(replies, 10U);
}

TEST(Arp, RefusesWhatIsNotEthernetAndIpv4) {
    const auto good = octets(
        {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 7, 10, 79, 0, 1, 0, 0, 0, 0, 0, 0, 10, 79, 0, 9});
    ASSERT_TRUE(read_arp(good));
    EXPECT_EQ(read_arp(good)->target, ip("10.79.0.9"));
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_EQ(read_arp(Bytes{good}.first(size)).error(), ArpError::truncated_arp);
    }
    for (const std::size_t at : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U}) {
        auto bad = good;
        bad[at] ^= std::byte{0x08};
        EXPECT_EQ(read_arp(bad).error(), ArpError::foreign_arp) << at;
    }
    auto none = good;
    none[7] = std::byte{0};
    EXPECT_EQ(read_arp(none).error(), ArpError::foreign_arp);
}

TEST(IcmpEcho, ReadsWhatItWrites) {
    const auto data = text_octets("0123456789 and an odd length");
    for (const bool reply : {false, true}) {
        std::vector<std::byte> message(8 + data.size());
        ASSERT_EQ(write_icmp_echo(message, {reply, 0x1234, 7, data}), message.size());
        const auto read = read_icmp_echo(message);
        ASSERT_TRUE(read);
        EXPECT_EQ(read->reply, reply);
        EXPECT_EQ(read->identifier, 0x1234);
        EXPECT_EQ(read->sequence, 7);
        EXPECT_TRUE(std::ranges::equal(read->data, data));
        EXPECT_EQ(write_icmp_echo(MutableBytes{message}.first(7), {reply, 1, 2, {}}), 0U);
        for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
            auto damaged = message;
            damaged[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
            EXPECT_FALSE(read_icmp_echo(damaged)) << bit;
        }
        EXPECT_FALSE(read_icmp_echo(Bytes{message}.first(7)));
    }
}

// The request of RFC 792, its sum worked out by hand: 0800 + 6d75 + 6d75 = e2ea.
TEST(IcmpEcho, TheChecksumIsWhatItShouldBe) {
    std::vector<std::byte> message(8);
    ASSERT_EQ(write_icmp_echo(message, {false, 0x6D75, 0x6D75, {}}), 8U);
    EXPECT_EQ(message, octets({8, 0, 0x1D, 0x15, 0x6D, 0x75, 0x6D, 0x75}));
}

// RFC 2236 section 2: type 11, response time in tenths of a second. 1164 + 0 + 0 = 1164.
TEST(Igmp, WritesAGeneralQuery) {
    std::vector<std::byte> message(igmp_message_size);
    ASSERT_EQ(write_igmp_query(message, 10s), message.size());
    EXPECT_EQ(message, octets({0x11, 100, 0xEE, 0x9B, 0, 0, 0, 0}));
    const auto read = read_igmp(message);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->kind, IgmpMessage::Kind::query);
    EXPECT_TRUE(read->group.is_unspecified());
    EXPECT_EQ(write_igmp_query(MutableBytes{message}.first(7), 10s), 0U);
}

TEST(Igmp, ReadsEveryVersion) {
    using Kind = IgmpMessage::Kind;
    for (const auto& [type, kind] : {std::pair{0x11U, Kind::query},
                                     {0x12U, Kind::report},
                                     {0x16U, Kind::report},
                                     {0x17U, Kind::leave},
                                     {0x22U, Kind::report}}) {
        auto message = octets({type, 0, 0, 0, 239, 255, 69, 1});
        const std::uint16_t sum = internet_checksum(message);
        message[2] = static_cast<std::byte>(sum >> 8U);
        message[3] = static_cast<std::byte>(sum & 0xFFU);
        const auto read = read_igmp(message);
        ASSERT_TRUE(read) << type;
        EXPECT_EQ(read->kind, kind) << type;
        EXPECT_EQ(read->group.is_unspecified(), type == 0x22U) << type;
        message[7] ^= std::byte{1};
        EXPECT_FALSE(read_igmp(message)) << "damaged";
        EXPECT_FALSE(read_igmp(Bytes{message}.first(7)));
    }
}

TEST(Ipv4, ReadsWhatItWritesWithOptionsAndEveryProtocol) {
    const auto options = octets({0x94, 4, 0, 0});
    const auto payload = text_octets("payload");
    const Ipv4Packet packet{.source = ip("10.0.0.1"),
                            .destination = ip("224.0.0.1"),
                            .protocol = ip_protocol_igmp,
                            .time_to_live = 1,
                            .identification = 77,
                            .options = options,
                            .payload = payload};
    std::vector<std::byte> bytes(100);
    const std::size_t size = write_ipv4(bytes, packet);
    ASSERT_EQ(size, 24 + payload.size());
    const auto read = read_ipv4(bytes); // longer: Ethernet padding
    ASSERT_TRUE(read);
    EXPECT_EQ(read->source, packet.source);
    EXPECT_EQ(read->destination, packet.destination);
    EXPECT_EQ(read->protocol, ip_protocol_igmp);
    EXPECT_EQ(read->time_to_live, 1);
    EXPECT_EQ(read->identification, 77);
    EXPECT_TRUE(std::ranges::equal(read->options, options));
    EXPECT_TRUE(std::ranges::equal(read->payload, payload));
    EXPECT_EQ(write_ipv4(MutableBytes{bytes}.first(size - 1), packet), 0U);
    Ipv4Packet odd = packet;
    odd.options = Bytes{options}.first(3);
    EXPECT_EQ(write_ipv4(bytes, odd), 0U) << "no whole words";
    const auto many = std::vector(44, std::byte{1});
    odd.options = many;
    EXPECT_EQ(write_ipv4(bytes, odd), 0U) << "more than a header takes";
}

TEST(Ipv4, ATrustedUdpChecksumIsNotLookedAt) {
    std::vector<std::byte> bytes(ipv4_udp_header_size + 4);
    ASSERT_EQ(write_ipv4_udp(bytes, {.source = ip("10.0.0.1"), .destination = ip("10.0.0.2")},
                             octets({1, 2, 3, 4})),
              bytes.size());
    bytes.back() ^= std::byte{1};
    const auto packet = read_ipv4(bytes);
    ASSERT_TRUE(packet);
    EXPECT_EQ(read_udp(*packet).error(), Ipv4UdpError::bad_udp_checksum);
    EXPECT_TRUE(read_udp(*packet, UdpChecksum::trust));
}

} // namespace
} // namespace muster::test
