// SPDX-License-Identifier: Apache-2.0
#include "io/client/frame.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace muster {
namespace {

const MacAddress machine{{0x52, 0x54, 0, 1, 2, 3}};
const MacAddress server{{0x52, 0x54, 0, 9, 9, 9}};

ClientTx udp_datagram() {
    return {.source = {Ipv4Address{{10, 0, 0, 7}}, 68},
            .destination = {Ipv4Address{{10, 0, 0, 1}}, 67},
            .mac = machine};
}

std::vector<std::byte> frame_of(const ClientTx& datagram, Bytes payload) {
    std::vector<std::byte> frame(2000);
    frame.resize(write_frame(frame, server, datagram, payload));
    return frame;
}

TEST(Frame, ReadsBackWhatItWrote) {
    for (std::size_t size = 0; size <= 700; ++size) { // odd and even sizes, all remainders of 8
        std::vector<std::byte> payload(size);
        for (std::size_t i = 0; i < size; ++i) {
            payload[i] = static_cast<std::byte>(i * 31 + 200);
        }
        const auto frame = frame_of(udp_datagram(), payload);
        const auto read = read_frame(frame, true);
        ASSERT_TRUE(read) << size;
        EXPECT_EQ(read->destination, server);
        EXPECT_EQ(read->source, machine);
        EXPECT_EQ(read->datagram.source, udp_datagram().source);
        EXPECT_EQ(read->datagram.destination, udp_datagram().destination);
        EXPECT_TRUE(std::ranges::equal(read->datagram.payload, payload));
    }
}

TEST(Frame, ChecksumsAreThoseOfTheRfcs) {
    // RFC 1071 section 3 has the sum; a whole packet by hand: 192.168.0.1:1 to 192.168.0.199:2.
    ClientTx datagram{.source = {Ipv4Address{{192, 168, 0, 1}}, 0x1000},
                      .destination = {Ipv4Address{{192, 168, 0, 199}}, 0x2000},
                      .mac = machine};
    const auto frame = frame_of(datagram, as_bytes("hi"));
    const auto at = [&](std::size_t offset) {
        return std::to_integer<unsigned>(frame[14 + offset]) << 8U |
               std::to_integer<unsigned>(frame[15 + offset]);
    };
    // Header: 4500 001e 0000 0000 4011 xxxx c0a8 0001 c0a8 00c7
    EXPECT_EQ(at(10),
              0xFFFFU - (0x4500 + 0x1E + 0x4011 + 0xC0A8 + 0x0001 + 0xC0A8 + 0xC7) % 0xFFFF);
    // Pseudo header c0a8 0001 c0a8 00c7 0011 000a, UDP 1000 2000 000a, 6869.
    EXPECT_EQ(at(26), 0xFFFFU - (0xC0A8 + 0x0001 + 0xC0A8 + 0xC7 + 0x11 + 0xA + 0x1000 + 0x2000 +
                                 0xA + 0x6869) %
                                    0xFFFF);
}

TEST(Frame, EveryBrokenOctetIsSeenOrHarmless) {
    const auto good = frame_of(udp_datagram(), as_bytes("payload of a datagram"));
    for (std::size_t i = 0; i < good.size(); ++i) {
        auto bad = good;
        bad[i] ^= std::byte{0x10};
        const auto read = read_frame(bad, true);
        if (i < 12) {
            EXPECT_TRUE(read) << i; // link addresses are nobody's checksum's business
        } else {
            EXPECT_FALSE(read) << i;
        }
    }
}

TEST(Frame, ChecksumsThatAreStillMissingAreNotLookedAt) {
    auto frame = frame_of(udp_datagram(), as_bytes("payload"));
    frame.back() ^= std::byte{1};
    EXPECT_FALSE(read_frame(frame, true));
    EXPECT_TRUE(read_frame(frame, false));
}

TEST(Frame, RefusesEveryTruncation) {
    const auto whole = frame_of(udp_datagram(), as_bytes("payload"));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(read_frame(Bytes{whole}.first(size), false)) << size;
    }
    auto padded = whole;
    padded.resize(64); // Ethernet's least frame
    ASSERT_TRUE(read_frame(padded, true));
    EXPECT_EQ(as_text(read_frame(padded, true)->datagram.payload), "payload");
}

TEST(Frame, RefusesFragments) {
    auto frame = frame_of(udp_datagram(), as_bytes("payload"));
    frame[20] = std::byte{0x20};
    // The header's checksum made right again: one more in one word is one less in the sum.
    frame[24] = static_cast<std::byte>(std::to_integer<unsigned>(frame[24]) - 0x20U);
    EXPECT_FALSE(read_frame(frame, true));
}

TEST(Frame, SolicitationsComeBackToo) {
    const Ipv6Address all_routers{{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
    const Ipv6Address own{{0xFE, 0x80, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}};
    const ClientTx datagram{.protocol = ClientProtocol::icmpv6,
                            .source = {own, 0},
                            .destination = {all_routers, 0},
                            .mac = machine};
    const std::array message{std::byte{133}, std::byte{0}, std::byte{0}, std::byte{0},
                             std::byte{0},   std::byte{0}, std::byte{0}, std::byte{0}};
    auto frame = frame_of(datagram, message);
    const auto read = read_frame(frame, true);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->datagram.protocol, ClientProtocol::icmpv6);
    EXPECT_EQ(read->datagram.source.address, IpAddress{own});
    ASSERT_EQ(read->datagram.payload.size(), message.size());
    EXPECT_EQ(read->datagram.payload[0], std::byte{133});
    frame[14 + 7] = std::byte{254}; // a router forwarded it (RFC 4861 section 6.1)
    EXPECT_FALSE(read_frame(frame, true));
}

TEST(Frame, DoesNotWriteWhatDoesNotFit) {
    std::array<std::byte, 60> small{};
    EXPECT_EQ(write_frame(small, server, udp_datagram(), as_bytes("12345678901234567890")), 0U);
    ClientTx mixed = udp_datagram();
    mixed.destination.address = Ipv6Address{{0xFF, 2}};
    std::array<std::byte, 200> large{};
    EXPECT_EQ(write_frame(large, server, mixed, as_bytes("x")), 0U);
}

TEST(Frame, GroupsHaveLinkAddressesOfTheirOwn) {
    EXPECT_EQ(group_mac(Ipv4Address::broadcast()), MacAddress::broadcast());
    // RFC 1112 section 6.4: the low 23 bits.
    EXPECT_EQ(group_mac(Ipv4Address{{239, 255, 69, 3}}), (MacAddress{{1, 0, 0x5E, 0x7F, 69, 3}}));
    EXPECT_EQ(group_mac(Ipv6Address{{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}}),
              (MacAddress{{0x33, 0x33, 0, 0, 0, 2}}));
    EXPECT_EQ(group_mac(Ipv4Address{{10, 0, 0, 1}}), std::nullopt);
}

TEST(Frame, ArpAsksAndUnderstands) {
    std::array<std::byte, 64> out{};
    const std::size_t size =
        write_arp_request(out, {machine, Ipv4Address{{10, 0, 0, 7}}, Ipv4Address{{10, 0, 0, 1}}});
    ASSERT_EQ(size, 42U);
    EXPECT_EQ(out[0], std::byte{0xFF});
    EXPECT_FALSE(read_arp_reply(Bytes{out}.first(size))) << "a request is no reply";
    out[21] = std::byte{2};
    const auto reply = read_arp_reply(Bytes{out}.first(size));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->sender_mac, machine);
    EXPECT_EQ(reply->sender, (Ipv4Address{{10, 0, 0, 7}}));
    EXPECT_EQ(reply->target, (Ipv4Address{{10, 0, 0, 1}}));
    for (std::size_t shorter = 0; shorter < size; ++shorter) {
        EXPECT_FALSE(read_arp_reply(Bytes{out}.first(shorter)));
    }
}

TEST(Frame, ArpIsAnswered) {
    const Ipv4Address own{{10, 0, 0, 7}};
    const Ipv4Address asker{{10, 0, 0, 1}};
    std::array<std::byte, 64> out{};
    const std::size_t asked = write_arp_request(out, {server, asker, own});
    const auto request = read_arp_request(Bytes{out}.first(asked));
    ASSERT_TRUE(request);
    EXPECT_EQ(request->sender_mac, server);
    EXPECT_EQ(request->target, own);
    const std::size_t size =
        write_arp_reply(out, request->sender_mac, {machine, own, request->sender});
    const Bytes frame = Bytes{out}.first(size);
    EXPECT_FALSE(read_arp_request(frame)) << "a reply is no request";
    const auto reply = read_arp_reply(frame);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->sender_mac, machine);
    EXPECT_EQ(reply->sender, own);
    EXPECT_EQ(reply->target, asker);
    EXPECT_EQ(std::memcmp(frame.data(), server.octets.data(), 6), 0) << "to who asked, alone";
    EXPECT_EQ(std::memcmp(frame.data() + 32, server.octets.data(), 6), 0);
}

} // namespace
} // namespace muster
