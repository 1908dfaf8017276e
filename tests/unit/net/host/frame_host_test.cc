// SPDX-License-Identifier: Apache-2.0
// What arrives at a frame host. What leaves it: frame_host_send_test.cc.
#include "net/wire/icmp_echo.hh"

#include "tests/support/frame_rig.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster::test {
namespace {

using Kind = FrameResult::Kind;
using Operation = ArpMessage::Operation;

const Ipv4Address own = ip("10.79.0.1");
const Ipv4Address peer = ip("10.79.0.9");
const MacAddress peer_mac = machine_mac(9);
const EthernetHeader to_host{.destination = host_mac, .source = peer_mac};
const EthernetHeader to_all{.destination = MacAddress::broadcast(), .source = peer_mac};
const std::vector<std::byte> payload = text_octets("a payload");

Ipv4UdpHeader to_port(std::uint16_t port) {
    return {.source = peer, .destination = own, .source_port = 2000, .destination_port = port};
}

TEST(FrameHost, HandsDatagramsToTheServiceOfTheirPort) {
    FrameRig rig;
    struct Case {
        std::uint16_t port;
        UdpService service;
        std::uint8_t socket;
    };
    for (const Case& one :
         {Case{67, UdpService::dhcp, 0}, Case{4011, UdpService::pxe, 0},
          Case{69, UdpService::tftp, 0}, Case{host_transfer_port, UdpService::tftp_transfer, 0},
          Case{host_transfer_port + 3, UdpService::tftp_transfer, 3}}) {
        const auto frame = udp_frame(to_host, to_port(one.port), payload);
        const FrameResult result = rig.receive(frame);
        ASSERT_EQ(result.kind, Kind::datagram) << one.port;
        EXPECT_FALSE(result.pass_up);
        EXPECT_EQ(result.local_port, one.port);
        EXPECT_EQ(result.datagram.service, one.service);
        EXPECT_EQ(result.datagram.socket, one.socket);
        EXPECT_EQ(result.datagram.interface, 7U);
        EXPECT_EQ(result.datagram.source, (Endpoint{peer, 2000}));
        EXPECT_EQ(result.datagram.local, IpAddress{own});
        EXPECT_TRUE(std::ranges::equal(result.datagram.payload, payload));
    }
    EXPECT_EQ(rig.host.metrics().datagrams.read(), 5U);
    EXPECT_EQ(rig.receive(udp_frame(to_host, to_port(host_transfer_port + 4), payload)).kind,
              Kind::done);
    EXPECT_EQ(rig.drops(FrameDrop::unknown_port), 1U);
}

TEST(FrameHost, PaddingIsNotPayload) {
    FrameRig rig;
    auto frame = udp_frame(to_host, to_port(69), payload);
    frame.resize(200, std::byte{0xFF});
    EXPECT_EQ(rig.receive(frame).datagram.payload.size(), payload.size());
}

TEST(FrameHost, AMachineWithoutAddressMayAskByDhcpAlone) {
    FrameRig rig;
    Ipv4UdpHeader header{.source = {},
                         .destination = Ipv4Address::broadcast(),
                         .source_port = 68,
                         .destination_port = 67};
    FrameResult result = rig.receive(udp_frame(to_all, header, payload));
    EXPECT_EQ(result.kind, Kind::datagram);
    EXPECT_EQ(result.datagram.local, IpAddress{Ipv4Address::broadcast()});
    EXPECT_FALSE(rig.host.neighbour({})) << "nobody has that address";
    header.destination = ip("10.79.0.255");
    EXPECT_EQ(rig.receive(udp_frame(to_all, header, payload)).kind, Kind::datagram);
    header.destination_port = 4011;
    EXPECT_EQ(rig.receive(udp_frame(to_all, header, payload)).kind, Kind::done);
    EXPECT_EQ(rig.drops(FrameDrop::no_source_address), 1U);
    header.source = peer;
    EXPECT_EQ(rig.receive(udp_frame(to_all, header, payload)).kind, Kind::datagram);
    header.destination_port = 69;
    EXPECT_EQ(rig.receive(udp_frame(to_all, header, payload)).kind, Kind::done);
    EXPECT_EQ(rig.drops(FrameDrop::broadcast_request), 1U);
}

TEST(FrameHost, EveryDropHasItsReason) {
    FrameRig rig;
    const auto expect = [&](const std::vector<std::byte>& frame, FrameDrop reason) {
        const std::uint64_t before = rig.drops(reason);
        EXPECT_EQ(rig.receive(frame).kind, Kind::done);
        EXPECT_EQ(rig.drops(reason), before + 1);
    };
    EthernetHeader link = to_host;
    link.source = host_mac;
    expect(udp_frame(link, to_port(69), payload), FrameDrop::own_frame);
    link.source = {{1, 0, 0, 0, 0, 1}};
    expect(udp_frame(link, to_port(69), payload), FrameDrop::bad_source);
    link = to_host;
    link.destination = machine_mac(3);
    expect(udp_frame(link, to_port(69), payload), FrameDrop::other_station);
    link = to_host;
    link.vlan = 5;
    expect(udp_frame(link, to_port(69), payload), FrameDrop::other_vlan);
    link = to_host;
    link.type = 0x86DD;
    expect(make_frame(link, payload), FrameDrop::unknown_type);
    Ipv4UdpHeader header = to_port(69);
    header.destination = ip("10.79.0.2");
    expect(udp_frame(to_host, header, payload), FrameDrop::other_address);
    header.destination = ip("239.255.69.0");
    expect(udp_frame(to_host, header, payload), FrameDrop::other_address);
    for (const char* source :
         {"255.255.255.255", "10.79.0.255", "224.0.0.5", "127.0.0.1", "10.79.0.1"}) {
        header = to_port(69);
        header.source = ip(source);
        expect(udp_frame(to_host, header, payload), FrameDrop::bad_source);
    }
    const auto options = octets({0x94, 4, 0, 0});
    Ipv4Packet packet{.source = peer,
                      .destination = own,
                      .protocol = ip_protocol_udp,
                      .time_to_live = 64,
                      .options = options,
                      .payload = payload};
    expect(ipv4_frame(to_host, packet), FrameDrop::ip_options);
    packet.options = {};
    packet.protocol = 6;
    expect(ipv4_frame(to_host, packet), FrameDrop::unknown_protocol);
    packet.protocol = ip_protocol_icmp;
    expect(ipv4_frame(to_host, packet), FrameDrop::icmp_other);
    packet.protocol = ip_protocol_igmp;
    expect(ipv4_frame(to_host, packet), FrameDrop::igmp_other);
    EXPECT_TRUE(rig.own_frames().empty()) << "nothing of this is answered";
}

TEST(FrameHost, DamagedFramesAndFragmentsAreCountedByName) {
    FrameRig rig;
    const auto good = udp_frame(to_host, to_port(69), payload);
    const auto errors = [&](Ipv4UdpError error) {
        return rig.host.metrics().ip_errors.read(error);
    };
    auto frame = good;
    frame.back() ^= std::byte{1};
    EXPECT_EQ(rig.receive(frame).kind, Kind::done);
    EXPECT_EQ(errors(Ipv4UdpError::bad_udp_checksum), 1U);
    EXPECT_EQ(rig.receive(frame, UdpChecksum::trust).kind, Kind::datagram);
    frame = good;
    frame[ethernet_header_size + 8] ^= std::byte{1}; // time to live
    EXPECT_EQ(rig.receive(frame).kind, Kind::done);
    EXPECT_EQ(errors(Ipv4UdpError::bad_header_checksum), 1U);
    // More fragments, and a later one; the header's checksum made right again.
    for (const auto& [high, low] : {std::pair{0x20U, 0U}, {0U, 1U}}) {
        frame = good;
        frame[ethernet_header_size + 6] = static_cast<std::byte>(high);
        frame[ethernet_header_size + 7] = static_cast<std::byte>(low);
        const MutableBytes ip_header = MutableBytes{frame}.subspan(ethernet_header_size, 20);
        ip_header[10] = ip_header[11] = std::byte{0};
        const std::uint16_t sum = internet_checksum(ip_header);
        ip_header[10] = static_cast<std::byte>(sum >> 8U);
        ip_header[11] = static_cast<std::byte>(sum & 0xFFU);
        EXPECT_EQ(rig.receive(frame).kind, Kind::done);
    }
    EXPECT_EQ(errors(Ipv4UdpError::fragment), 2U);
    for (std::size_t size = 0; size < ethernet_header_size; ++size) {
        EXPECT_EQ(rig.receive({good.begin(), good.begin() + static_cast<long>(size)}).kind,
                  Kind::done);
    }
    EXPECT_EQ(rig.host.metrics().ethernet_errors.read(EthernetError::truncated_frame), 14U);
}

TEST(FrameHost, AnswersArpForItsOwnAddress) {
    FrameRig rig;
    for (const Ipv4Address& sender : {peer, Ipv4Address{}}) { // one that knows its own, and a probe
        const ArpMessage question{.operation = Operation::request,
                                  .sender_mac = peer_mac,
                                  .sender = sender,
                                  .target_mac = {},
                                  .target = own};
        EXPECT_EQ(rig.receive(arp_frame(MacAddress::broadcast(), question)).kind, Kind::done);
        const auto frames = rig.own_frames();
        ASSERT_EQ(frames.size(), 1U);
        EXPECT_EQ(frames[0].size(), ethernet_frame_min);
        const auto read = read_ethernet(frames[0]);
        ASSERT_TRUE(read);
        EXPECT_EQ(read->header.destination, peer_mac);
        EXPECT_EQ(read->header.source, host_mac);
        EXPECT_EQ(read_arp(read->payload).value(),
                  (ArpMessage{Operation::reply, host_mac, own, peer_mac, sender}));
    }
    EXPECT_EQ(rig.host.neighbour(peer), peer_mac) << "who asks is soon to be answered";
    EXPECT_EQ(rig.host.metrics().arp.read(), 2U);
    ArpMessage other{Operation::request, peer_mac, peer, {}, ip("10.79.0.2")};
    (void)rig.receive(arp_frame(MacAddress::broadcast(), other));
    EXPECT_EQ(rig.drops(FrameDrop::other_address), 1U);
    EXPECT_TRUE(rig.own_frames().empty());
}

TEST(FrameHost, AnAnnouncementMovesWhoIsKnownAndAddsNobody) {
    FrameRig rig;
    const ArpMessage announced{Operation::request, peer_mac, peer, {}, peer};
    (void)rig.receive(arp_frame(MacAddress::broadcast(), announced));
    EXPECT_FALSE(rig.host.neighbour(peer)) << "RFC 826: only who is known";
    (void)rig.receive(udp_frame(to_host, to_port(69), payload));
    EXPECT_EQ(rig.host.neighbour(peer), peer_mac);
    ArpMessage moved = announced;
    moved.sender_mac = machine_mac(10);
    (void)rig.receive(arp_frame(MacAddress::broadcast(), moved));
    EXPECT_EQ(rig.host.neighbour(peer), machine_mac(10));
    (void)rig.receive(udp_frame(to_host, to_port(69), payload));
    EXPECT_EQ(rig.host.neighbour(peer), machine_mac(10)) << "a packet is no announcement";
}

TEST(FrameHost, ArpFromImpossibleAddressesTeachesNothing) {
    FrameRig rig;
    for (const char* sender : {"10.79.0.255", "239.0.0.1", "255.255.255.255"}) {
        (void)rig.receive(arp_frame(host_mac, {Operation::request, peer_mac, ip(sender), {}, own}));
        EXPECT_FALSE(rig.host.neighbour(ip(sender))) << sender;
    }
    EXPECT_EQ(rig.drops(FrameDrop::bad_source), 3U);
    (void)rig.receive(
        arp_frame(host_mac, {Operation::request, peer_mac, ip("10.80.0.1"), {}, own}));
    EXPECT_FALSE(rig.host.neighbour(ip("10.80.0.1"))) << "beyond the link";
}

TEST(FrameHost, DefendsItsAddressOnceInTenSeconds) {
    FrameRig rig;
    const ArpMessage claim{Operation::request, peer_mac, own, {}, own};
    (void)rig.receive(arp_frame(MacAddress::broadcast(), claim));
    (void)rig.receive(arp_frame(MacAddress::broadcast(), claim));
    auto frames = rig.own_frames();
    ASSERT_EQ(frames.size(), 1U);
    const auto read = read_ethernet(frames[0]);
    EXPECT_EQ(read_arp(read->payload).value(),
              (ArpMessage{Operation::request, host_mac, own, {}, own}));
    rig.advance(10s);
    (void)rig.receive(arp_frame(MacAddress::broadcast(), claim));
    EXPECT_EQ(rig.own_frames().size(), 1U);
    EXPECT_EQ(rig.host.metrics().address_used.read(), 3U);
    EXPECT_FALSE(rig.host.neighbour(own));
}

TEST(FrameHost, HandsOverAnswersToConflictProbes) {
    FrameRig rig;
    const FrameResult heard =
        rig.receive(arp_frame(host_mac, {Operation::reply, peer_mac, peer, host_mac, {}}));
    ASSERT_EQ(heard.kind, Kind::conflict_answer);
    EXPECT_EQ(heard.answer.address, peer);
    EXPECT_EQ(heard.answer.mac, peer_mac);
    std::vector<std::byte> echo(8);
    for (const std::uint16_t mark : {FrameHost::conflict_echo_mark, std::uint16_t{1}}) {
        ASSERT_EQ(write_icmp_echo(echo, {true, mark, mark, {}}), 8U);
        const FrameResult result = rig.receive(ipv4_frame(to_host, {.source = ip("10.80.0.9"),
                                                                    .destination = own,
                                                                    .protocol = ip_protocol_icmp,
                                                                    .time_to_live = 60,
                                                                    .options = {},
                                                                    .payload = echo}));
        if (mark == 1) {
            EXPECT_EQ(result.kind, Kind::done) << "somebody else's ping";
        } else {
            ASSERT_EQ(result.kind, Kind::conflict_answer);
            EXPECT_EQ(result.answer.address, ip("10.80.0.9"));
            EXPECT_FALSE(result.answer.mac);
        }
    }
}

TEST(FrameHost, AnswersEchoesTheWayTheyCame) {
    FrameRig rig;
    std::vector<std::byte> echo(8 + payload.size());
    ASSERT_EQ(write_icmp_echo(echo, {false, 3, 4, payload}), echo.size());
    Ipv4Packet packet{.source = ip("10.80.0.9"),
                      .destination = own,
                      .protocol = ip_protocol_icmp,
                      .time_to_live = 60,
                      .options = {},
                      .payload = echo};
    EXPECT_EQ(rig.receive(ipv4_frame(to_host, packet)).kind, Kind::done);
    const auto frames = rig.own_frames();
    ASSERT_EQ(frames.size(), 1U);
    const auto read = read_ethernet(frames[0]);
    EXPECT_EQ(read->header.destination, peer_mac);
    const auto answer = read_ipv4(read->payload);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->source, own);
    EXPECT_EQ(answer->destination, ip("10.80.0.9"));
    const auto reply = read_icmp_echo(answer->payload);
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->reply);
    EXPECT_EQ(reply->identifier, 3);
    EXPECT_EQ(reply->sequence, 4);
    EXPECT_TRUE(std::ranges::equal(reply->data, payload));
    packet.destination = Ipv4Address::broadcast();
    (void)rig.receive(ipv4_frame(to_all, packet));
    EXPECT_TRUE(rig.own_frames().empty()) << "to everybody";
    const std::vector<std::byte> large(3000);
    std::vector<std::byte> long_echo(8 + large.size());
    ASSERT_NE(write_icmp_echo(long_echo, {false, 3, 4, large}), 0U);
    packet.destination = own;
    packet.payload = long_echo;
    (void)rig.receive(ipv4_frame(to_host, packet));
    EXPECT_TRUE(rig.own_frames().empty()) << "longer than the link carries";
    EXPECT_EQ(rig.host.metrics().own_no_room.read(), 1U);
}

TEST(FrameHost, AFloodOfQuestionsIsAnsweredAsFarAsThereIsRoom) {
    FrameRig rig;
    for (unsigned i = 0; i < 20; ++i) {
        (void)rig.receive(
            arp_frame(MacAddress::broadcast(), {Operation::request, peer_mac, peer, {}, own}));
    }
    EXPECT_EQ(rig.own_frames().size(), 8U);
    EXPECT_EQ(rig.host.metrics().own_no_room.read(), 12U);
}

TEST(FrameHost, ServesOneVlan) {
    FrameHostOptions options = frame_host_options();
    options.vlan = 42;
    FrameRig rig{options};
    EthernetHeader link = to_host;
    EXPECT_EQ(rig.receive(udp_frame(link, to_port(69), payload)).kind, Kind::done);
    EXPECT_EQ(rig.drops(FrameDrop::other_vlan), 1U);
    link.vlan = 42;
    EXPECT_EQ(rig.receive(udp_frame(link, to_port(69), payload)).kind, Kind::datagram);
    const auto frame = rig.send({peer, 2000}, payload);
    const auto read = read_ethernet(frame);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->header.vlan, 42);
    (void)rig.receive(
        arp_frame(MacAddress::broadcast(), {Operation::request, peer_mac, peer, {}, own}, 42));
    const auto frames = rig.own_frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(read_ethernet(frames[0])->header.vlan, 42);
}

// The kernel beside answers; the host learns from the same frames and takes its ports' datagrams.
TEST(FrameHost, AKernelBesideGetsWhatIsNotClaimed) {
    FrameHostOptions options = frame_host_options();
    options.kernel_beside = true;
    FrameRig rig{options};
    EXPECT_FALSE(rig.receive(udp_frame(to_host, to_port(69), payload)).pass_up);
    EXPECT_TRUE(rig.receive(udp_frame(to_host, to_port(53), payload)).pass_up);
    (void)rig.send({ip("10.79.0.3"), 2000}, payload);
    EXPECT_EQ(rig.own_frames().size(), 1U) << "questions of its own it asks";
    const FrameResult reply = rig.receive(
        arp_frame(host_mac, {Operation::reply, machine_mac(3), ip("10.79.0.3"), host_mac, own}));
    EXPECT_TRUE(reply.pass_up);
    EXPECT_EQ(rig.host.neighbour(ip("10.79.0.3")), machine_mac(3));
    EXPECT_EQ(rig.own_frames().size(), 1U) << "what has waited";
    EXPECT_TRUE(rig.receive(arp_frame(MacAddress::broadcast(),
                                      {Operation::request, peer_mac, peer, {}, own}))
                    .pass_up);
    std::vector<std::byte> echo(8);
    ASSERT_EQ(write_icmp_echo(echo, {false, 3, 4, {}}), 8U);
    Ipv4Packet packet{.source = peer,
                      .destination = own,
                      .protocol = ip_protocol_icmp,
                      .time_to_live = 60,
                      .options = {},
                      .payload = echo};
    EXPECT_TRUE(rig.receive(ipv4_frame(to_host, packet)).pass_up);
    packet.protocol = 6;
    EXPECT_TRUE(rig.receive(ipv4_frame(to_host, packet)).pass_up) << "TCP";
    EthernetHeader link = to_host;
    link.type = 0x86DD;
    EXPECT_TRUE(rig.receive(make_frame(link, payload)).pass_up) << "IPv6";
    EXPECT_TRUE(rig.own_frames().empty()) << "two answers to one question";
    link.destination = machine_mac(3);
    EXPECT_FALSE(rig.receive(make_frame(link, payload)).pass_up) << "somebody else's";
    link = to_host;
    link.source = host_mac;
    EXPECT_FALSE(rig.receive(make_frame(link, payload)).pass_up) << "the host's own";
}

} // namespace
} // namespace muster::test
