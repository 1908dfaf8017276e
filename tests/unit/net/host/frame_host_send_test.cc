// SPDX-License-Identifier: Apache-2.0
// What leaves a frame host.
#include "net/wire/icmp_echo.hh"

#include "tests/support/frame_rig.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster::test {
namespace {

using Operation = ArpMessage::Operation;

const Ipv4Address own = ip("10.79.0.1");
const Ipv4Address peer = ip("10.79.0.9");
const MacAddress peer_mac = machine_mac(9);
const std::vector<std::byte> payload = text_octets("an answer");

struct Sent {
    EthernetHeader link;
    Ipv4UdpHeader header;
    std::vector<std::byte> payload;
};

Sent open(const std::vector<std::byte>& frame) {
    const auto read = read_ethernet(frame);
    EXPECT_TRUE(read && frame.size() >= ethernet_frame_min);
    const auto packet =
        read ? read_ipv4_udp(read->payload) : std::unexpected(Ipv4UdpError::truncated);
    EXPECT_TRUE(packet);
    return packet ? Sent{read->header,
                         packet->header,
                         {packet->payload.begin(), packet->payload.end()}}
                  : Sent{};
}

void answer_arp(FrameRig& rig, const Ipv4Address& address, const MacAddress& mac) {
    (void)rig.receive(arp_frame(host_mac, {Operation::reply, mac, address, host_mac, own}));
}

/// Whom an ARP request of the host asks for; unspecified: it is none.
Ipv4Address asked(const std::vector<std::byte>& frame) {
    const auto read = read_ethernet(frame);
    const auto message = read && read->header.type == ethertype_arp
                             ? read_arp(read->payload)
                             : std::unexpected(ArpError::truncated_arp);
    return message && message->operation == Operation::request ? message->target : Ipv4Address{};
}

TEST(FrameHostSend, WhatIsForAKnownNeighbourIsAFrameAtOnce) {
    FrameRig rig;
    (void)rig.receive(arp_frame(host_mac, {Operation::request, peer_mac, peer, {}, own}));
    (void)rig.own_frames();
    const Sent sent = open(rig.send({peer, 2000}, payload, UdpService::tftp_transfer, 2));
    EXPECT_EQ(sent.link.destination, peer_mac);
    EXPECT_EQ(sent.link.source, host_mac);
    EXPECT_EQ(sent.link.type, ethertype_ipv4);
    EXPECT_EQ(sent.header.source, own);
    EXPECT_EQ(sent.header.destination, peer);
    EXPECT_EQ(sent.header.source_port, host_transfer_port + 2);
    EXPECT_EQ(sent.header.destination_port, 2000);
    EXPECT_EQ(sent.header.time_to_live, 64);
    EXPECT_EQ(sent.payload, payload);
    EXPECT_EQ(open(rig.send({peer, 68}, payload, UdpService::dhcp)).header.source_port, 67);
    EXPECT_TRUE(rig.own_frames().empty());
    EXPECT_EQ(rig.host.metrics().sent.read(), 2U);
}

TEST(FrameHostSend, WhatIsForAStrangerWaitsForArp) {
    FrameRig rig;
    EXPECT_TRUE(rig.send({peer, 2000}, payload).empty());
    EXPECT_TRUE(rig.send({peer, 2001}, payload).empty());
    auto frames = rig.own_frames();
    ASSERT_EQ(frames.size(), 1U) << "one question";
    EXPECT_EQ(asked(frames[0]), peer);
    EXPECT_EQ(read_ethernet(frames[0])->header.destination, MacAddress::broadcast());
    answer_arp(rig, peer, peer_mac);
    frames = rig.own_frames();
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(open(frames[0]).link.destination, peer_mac);
    EXPECT_EQ(open(frames[0]).header.destination_port, 2000);
    EXPECT_EQ(open(frames[1]).header.destination_port, 2001);
    EXPECT_EQ(open(frames[1]).payload, payload);
    EXPECT_EQ(rig.host.metrics().sent.read(), 2U);
    EXPECT_EQ(rig.host.next_deadline(), Instant::never());
}

TEST(FrameHostSend, LeavesChecksumsToAPortThatComputesThem) {
    FrameHostOptions options = frame_host_options();
    options.checksums = Checksums::by_port;
    FrameRig rig{options};
    EXPECT_TRUE(rig.send({peer, 2000}, payload).empty());
    (void)rig.own_frames();
    answer_arp(rig, peer, peer_mac);
    const auto waited = rig.own_frames();
    ASSERT_EQ(waited.size(), 1U);
    EXPECT_EQ(open(waited[0]).payload, payload) << "it leaves among own frames: it is whole";
    const auto frame = rig.send({peer, 2000}, payload);
    const auto link = read_ethernet(frame);
    ASSERT_TRUE(link);
    EXPECT_EQ(read_ipv4(link->payload).error(), Ipv4UdpError::bad_header_checksum);
    EXPECT_EQ(Bytes{link->payload}.subspan(10, 2)[0], std::byte{0});
    EXPECT_EQ(Bytes{link->payload}.subspan(10, 2)[1], std::byte{0});
}

TEST(FrameHostSend, APacketOfAStrangersAnswersTheQuestionToo) {
    FrameRig rig;
    EXPECT_TRUE(rig.send({peer, 2000}, payload).empty());
    (void)rig.own_frames();
    (void)rig.receive(udp_frame({.destination = host_mac, .source = peer_mac},
                                {.source = peer, .destination = own, .destination_port = 69},
                                payload));
    const auto frames = rig.own_frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(open(frames[0]).link.destination, peer_mac);
}

TEST(FrameHostSend, GivesUpAfterThreeQuestions) {
    FrameRig rig;
    EXPECT_TRUE(rig.send({peer, 2000}, payload).empty());
    unsigned questions = 0;
    for (unsigned second = 0; second < 5; ++second) {
        for (const auto& frame : rig.own_frames()) {
            questions += asked(frame) == peer ? 1U : 0U;
        }
        EXPECT_EQ(rig.host.next_deadline() == Instant::never(), second >= 3);
        rig.advance(1s);
    }
    EXPECT_EQ(questions, 3U);
    EXPECT_EQ(rig.tx_drops(FrameTxDrop::unresolved), 1U);
    answer_arp(rig, peer, peer_mac);
    EXPECT_TRUE(rig.own_frames().empty()) << "too late";
    EXPECT_TRUE(rig.send({peer, 2000}, payload).empty()) << "an answer nobody asked for";
}

TEST(FrameHostSend, WhatWaitsIsBounded) {
    FrameRig rig;
    for (unsigned i = 0; i < 6; ++i) {
        EXPECT_TRUE(rig.send({peer, 2000}, payload).empty());
    }
    EXPECT_EQ(rig.tx_drops(FrameTxDrop::no_room), 2U) << "four of one address";
    for (unsigned i = 0; i < 4; ++i) {
        EXPECT_TRUE(rig.send({ip("10.79.0.2" + std::to_string(i)), 2000}, payload).empty());
    }
    EXPECT_EQ(rig.tx_drops(FrameTxDrop::no_room), 3U) << "four addresses";
    for (unsigned i = 0; i < 8; ++i) {
        EXPECT_TRUE(rig.send({ip("10.79.0.2" + std::to_string(i % 3)), 2000}, payload).empty());
    }
    EXPECT_EQ(rig.tx_drops(FrameTxDrop::no_room), 10U) << "eight of all";
    rig.advance(1s);
    rig.advance(1s);
    (void)rig.own_frames();
    rig.advance(1s);
    EXPECT_EQ(rig.tx_drops(FrameTxDrop::unresolved), 8U);
    EXPECT_TRUE(rig.send({peer, 2000}, payload).empty());
    answer_arp(rig, peer, peer_mac);
    EXPECT_EQ(rig.own_frames().size(), 2U) << "the room is there again: question and frame";
}

TEST(FrameHostSend, AskedAgainWhenSilentAndStillSentTo) {
    FrameRig rig;
    EXPECT_TRUE(rig.send({peer, 2000}, payload).empty());
    answer_arp(rig, peer, peer_mac);
    (void)rig.own_frames();
    rig.advance(60s);
    EXPECT_FALSE(rig.send({peer, 2000}, payload).empty());
    EXPECT_TRUE(rig.own_frames().empty()) << "not yet";
    rig.advance(1s);
    for (unsigned question = 0; question < 3; ++question) {
        EXPECT_FALSE(rig.send({peer, 2000}, payload).empty());
        EXPECT_FALSE(rig.send({peer, 2000}, payload).empty());
        const auto frames = rig.own_frames();
        ASSERT_EQ(frames.size(), 1U) << "one a second";
        EXPECT_EQ(asked(frames[0]), peer);
        EXPECT_EQ(read_ethernet(frames[0])->header.destination, peer_mac) << "by unicast";
        rig.advance(1s);
    }
    EXPECT_TRUE(rig.send({peer, 2000}, payload).empty()) << "it has gone: all are asked";
    EXPECT_EQ(read_ethernet(rig.own_frames().at(0))->header.destination, MacAddress::broadcast());
}

TEST(FrameHostSend, GroupsAndBroadcastNeedNoQuestion) {
    FrameRig rig;
    Sent sent = open(rig.send({ip("239.255.69.3"), 1758}, payload));
    EXPECT_EQ(sent.link.destination, (MacAddress{{1, 0, 0x5E, 0x7F, 69, 3}}));
    EXPECT_EQ(sent.header.time_to_live, 1);
    for (const char* all : {"255.255.255.255", "10.79.0.255"}) {
        sent = open(rig.send({ip(all), 68}, payload, UdpService::dhcp));
        EXPECT_EQ(sent.link.destination, MacAddress::broadcast()) << all;
        EXPECT_EQ(sent.header.source, own);
    }
    EXPECT_TRUE(rig.own_frames().empty());
}

// RFC 2131 section 4.1: to the client's hardware address, for it has no other yet.
TEST(FrameHostSend, ALinkDatagramGoesToItsLinkAddress) {
    FrameRig rig;
    std::vector<std::byte> packet(ipv4_udp_header_size + payload.size());
    ASSERT_NE(write_ipv4_udp(packet, {.source = own, .destination = peer}, payload), 0U);
    TxDatagram datagram;
    datagram.service = UdpService::dhcp;
    datagram.link = true;
    datagram.link_destination = peer_mac;
    std::vector<std::byte> frame(rig.host.frame_room());
    frame.resize(rig.host.write(frame, datagram, packet, rig.now));
    const Sent sent = open(frame);
    EXPECT_EQ(sent.link.destination, peer_mac);
    EXPECT_EQ(sent.payload, payload);
    EXPECT_TRUE(rig.own_frames().empty());
    frame.resize(rig.host.frame_room());
    EXPECT_EQ(rig.host.write(frame, datagram, std::vector<std::byte>(1501), rig.now), 0U);
    EXPECT_EQ(rig.tx_drops(FrameTxDrop::too_large), 1U);
}

TEST(FrameHostSend, BlocksAreDataPackets) {
    FrameRig rig;
    answer_arp(rig, peer, peer_mac);
    (void)rig.receive(arp_frame(host_mac, {Operation::request, peer_mac, peer, {}, own}));
    (void)rig.own_frames();
    TxBlocks blocks;
    blocks.socket = 1;
    blocks.destination = {peer, 2000};
    blocks.source = own;
    std::vector<std::byte> frame(rig.host.frame_room());
    frame.resize(rig.host.write_block(frame, blocks, 0x1'0203, payload, rig.now));
    const Sent sent = open(frame);
    EXPECT_EQ(sent.header.source_port, host_transfer_port + 1);
    auto expected = octets({0, 3, 2, 3});
    expected.insert(expected.end(), payload.begin(), payload.end());
    EXPECT_EQ(sent.payload, expected);
    // The largest that fits, and one more.
    for (const std::size_t size : {1468U, 1469U}) {
        frame.resize(rig.host.frame_room());
        const std::vector<std::byte> data(size);
        EXPECT_EQ(rig.host.write_block(frame, blocks, 1, data, rig.now), size == 1468 ? 1514U : 0U);
    }
    EXPECT_EQ(rig.tx_drops(FrameTxDrop::too_large), 1U);
}

TEST(FrameHostSend, WhatLiesBeyondTheLinkGoesByTheGateway) {
    FrameHostOptions options = frame_host_options();
    options.gateway = ip("10.79.0.254");
    FrameRig rig{options};
    EXPECT_TRUE(rig.send({ip("10.80.0.9"), 67}, payload, UdpService::dhcp).empty());
    EXPECT_EQ(asked(rig.own_frames().at(0)), ip("10.79.0.254"));
    answer_arp(rig, ip("10.79.0.254"), machine_mac(254));
    const auto frames = rig.own_frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(open(frames[0]).link.destination, machine_mac(254));
    EXPECT_EQ(open(frames[0]).header.destination, ip("10.80.0.9"));
}

TEST(FrameHostSend, WithoutAGatewayTheWayBackIsTheWayItCame) {
    FrameRig rig;
    const Endpoint far{ip("10.80.0.9"), 67};
    EXPECT_TRUE(rig.send(far, payload, UdpService::dhcp).empty());
    EXPECT_EQ(rig.tx_drops(FrameTxDrop::no_route), 1U);
    (void)rig.receive(udp_frame(
        {.destination = host_mac, .source = machine_mac(254)},
        {.source = ip("10.80.0.9"), .destination = own, .source_port = 67, .destination_port = 67},
        payload));
    rig.advance(1h);
    EXPECT_EQ(open(rig.send(far, payload, UdpService::dhcp)).link.destination, machine_mac(254));
    EXPECT_TRUE(rig.own_frames().empty()) << "it would not answer ARP";
}

TEST(FrameHostSend, RefusesWhatItCannotCarry) {
    FrameRig rig;
    EXPECT_TRUE(rig.send({Ipv6Address{{0xFE, 0x80}}, 2000}, payload).empty());
    EXPECT_EQ(rig.tx_drops(FrameTxDrop::not_ipv4), 1U);
    EXPECT_TRUE(rig.send({peer, 2000}, payload, UdpService::tftp_transfer, 4).empty());
    EXPECT_TRUE(rig.send({peer, 547}, payload, UdpService::dhcp6).empty());
    EXPECT_EQ(rig.tx_drops(FrameTxDrop::no_port), 2U);
    EXPECT_TRUE(rig.send({peer, 2000}, std::vector<std::byte>(1473)).empty());
    EXPECT_EQ(rig.tx_drops(FrameTxDrop::too_large), 1U);
    EXPECT_TRUE(rig.own_frames().empty());
}

TEST(FrameHostSend, AsksAboutAddressesByArpAndEcho) {
    FrameHostOptions options = frame_host_options();
    options.gateway = ip("10.79.0.254");
    FrameRig rig{options};
    rig.host.ask({.address = peer, .interface = 7, .link_source = host_mac}, rig.now);
    auto frames = rig.own_frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(read_arp(read_ethernet(frames[0])->payload).value(),
              (ArpMessage{Operation::request, host_mac, {}, {}, peer}))
        << "RFC 5227 section 2.1.1: without a sender";
    rig.host.ask({.address = ip("10.80.0.9")}, rig.now);
    EXPECT_TRUE(rig.own_frames().empty()) << "the gateway is not known";
    EXPECT_EQ(rig.tx_drops(FrameTxDrop::no_route), 1U);
    (void)rig.receive(
        arp_frame(host_mac, {Operation::request, machine_mac(254), options.gateway, {}, own}));
    (void)rig.own_frames();
    rig.host.ask({.address = ip("10.80.0.9")}, rig.now);
    frames = rig.own_frames();
    ASSERT_EQ(frames.size(), 1U);
    const auto read = read_ethernet(frames[0]);
    EXPECT_EQ(read->header.destination, machine_mac(254));
    const auto packet = read_ipv4(read->payload);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->destination, ip("10.80.0.9"));
    const auto echo = read_icmp_echo(packet->payload);
    ASSERT_TRUE(echo);
    EXPECT_FALSE(echo->reply);
    EXPECT_EQ(echo->identifier, FrameHost::conflict_echo_mark);
}

TEST(FrameHostSend, SaysWhoItIs) {
    FrameRig rig;
    rig.host.announce();
    const auto frames = rig.own_frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(read_ethernet(frames[0])->header.destination, MacAddress::broadcast());
    EXPECT_EQ(read_arp(read_ethernet(frames[0])->payload).value(),
              (ArpMessage{Operation::request, host_mac, own, {}, own}));
}

// RFC 2236 section 2: to all hosts, TTL 1, Router Alert.
TEST(FrameHostSend, AsksWhoIsInGroups) {
    FrameRig rig;
    rig.advance(1s);
    EXPECT_TRUE(rig.own_frames().empty()) << "nothing is multicast";
    rig.host.start_igmp(rig.now);
    EXPECT_EQ(rig.host.next_deadline(), rig.now);
    rig.advance(0s);
    const auto frames = rig.own_frames();
    ASSERT_EQ(frames.size(), 1U);
    const auto read = read_ethernet(frames[0]);
    EXPECT_EQ(read->header.destination, (MacAddress{{1, 0, 0x5E, 0, 0, 1}}));
    const auto packet = read_ipv4(read->payload);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->destination, ip("224.0.0.1"));
    EXPECT_EQ(packet->protocol, ip_protocol_igmp);
    EXPECT_EQ(packet->time_to_live, 1);
    EXPECT_TRUE(std::ranges::equal(packet->options, octets({0x94, 4, 0, 0})));
    ASSERT_TRUE(read_igmp(packet->payload));
    // Somebody with a lower address asks, and this host keeps silent.
    const std::vector<std::byte> query(packet->payload.begin(), packet->payload.end());
    (void)rig.receive(ipv4_frame({.destination = {{1, 0, 0x5E, 0, 0, 1}}, .source = peer_mac},
                                 {.source = ip("10.78.0.1"),
                                  .destination = ip("224.0.0.1"),
                                  .protocol = ip_protocol_igmp,
                                  .time_to_live = 1,
                                  .options = packet->options,
                                  .payload = query}));
    EXPECT_EQ(rig.host.metrics().igmp.read(), 1U);
    EXPECT_EQ(rig.host.next_deadline(), rig.now + IgmpQuerier::other_querier_present);
}

TEST(FrameHostSend, ReportsWhatItCounted) {
    FrameRig rig;
    EXPECT_TRUE(rig.send({peer, 2000}, payload).empty());
    answer_arp(rig, peer, peer_mac);
    (void)rig.receive({});
    Exposition exposition;
    rig.host.metrics().report(exposition);
    const std::string text = exposition.text();
    for (const char* line : {"muster_frames_sent_total{kind=\"datagram\"} 1",
                             "muster_frames_sent_total{kind=\"own\"} 1",
                             "muster_frames_received_total{kind=\"arp\"} 1",
                             "muster_frame_drops_total{reason=\"truncated_frame\"} 1",
                             "muster_frame_drops_total{reason=\"fragment\"} 0",
                             "muster_frame_tx_drops_total{reason=\"unresolved\"} 0"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line;
    }
}

} // namespace
} // namespace muster::test
