// SPDX-License-Identifier: Apache-2.0
#include "net/host/router_advertiser.hh"

#include "tests/support/dhcp_rig.hh"
#include "tests/support/pcap_reader.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

constexpr Ipv6Address ours{{0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}};
constexpr Ipv6Address client{{0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}};
constexpr Ipv6Address router{{0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
constexpr Ipv6Address all_nodes{{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

class RouterAdvertiserTest : public testing::Test {
protected:
    RouterAdvertiserTest() {
        InterfaceInfo served;
        served.index = 7;
        served.name = "rack0";
        served.mac = {{2, 0, 0, 0, 0, 7}};
        served.link_local = ours;
        InterfaceInfo without;
        without.index = 8;
        const std::vector interfaces{served, without};
        advertiser.on_interfaces(interfaces);
    }
    /// Destinations of what was sent since the last call.
    std::vector<Ipv6Address> sent() {
        std::vector<Ipv6Address> to;
        for (const TxDatagram& datagram : out.datagrams) {
            EXPECT_EQ(datagram.service, UdpService::icmpv6);
            EXPECT_EQ(datagram.interface, 7U);
            EXPECT_EQ(datagram.source, IpAddress{ours});
            const Bytes payload = out.payload(datagram);
            EXPECT_EQ(payload.size(), quiet_advertisement_size + 32 * prefixes);
            EXPECT_EQ(payload[5], static_cast<std::byte>(prefixes > 0 ? 0xC0 : 0));
            to.push_back(datagram.destination.address.v6());
        }
        out.clear();
        return to;
    }
    std::vector<Ipv6Address> receive(const std::vector<std::byte>& payload,
                                     const Ipv6Address& source, Duration at,
                                     std::uint32_t interface = 7) {
        RxDatagram datagram;
        datagram.service = UdpService::icmpv6;
        datagram.interface = interface;
        datagram.source = {source, 0};
        datagram.payload = payload;
        advertiser.receive(datagram, now(at), out);
        return sent();
    }
    std::vector<Ipv6Address> solicit(const Ipv6Address& source, Duration at) {
        return receive(octets({133, 0, 0, 0, 0, 0, 0, 0}), source, at);
    }
    void hear_router(unsigned lifetime_s, Duration at, const Ipv6Address& from = router) {
        EXPECT_TRUE(receive(octets({134, 0, 0, 0, 64, 0, lifetime_s >> 8U, lifetime_s & 0xFFU, 0, 0,
                                    0, 0, 0, 0, 0, 0}),
                            from, at)
                        .empty());
    }
    static Now now(Duration at) { return {Instant{} + at, UnixTime{}}; }
    std::vector<Ipv6Address> expire(Duration at) {
        advertiser.expire(now(at), out);
        return sent();
    }

    /// The site has an IPv6 subnet on the interface, or no longer.
    void serve(bool on, Duration at) {
        Subnet6Plan plan;
        plan.subnet = read_subnet6("fd00:79::/64").value();
        plan.interface = "rack0";
        const std::vector<Subnet6Plan> plans(on ? 1 : 0, plan);
        advertiser.on_subnets(plans, now(at));
        prefixes = plans.size();
    }

    RouterAdvertiser advertiser;
    Outbox out;
    std::size_t prefixes = 0; ///< that advertisements name now
};

using Destinations = std::vector<Ipv6Address>;

TEST_F(RouterAdvertiserTest, AnswersASolicitationAtOnceByUnicast) {
    EXPECT_EQ(solicit(client, 1s), Destinations{client});
    EXPECT_EQ(solicit(client, 1s), Destinations{client}) << "and again: it may have been lost";
    EXPECT_EQ(advertiser.next_deadline(), Instant::never());
}

// RFC 4861 section 6.2.6: multicast ones are rate-limited to one every MIN_DELAY_BETWEEN_RAS.
TEST_F(RouterAdvertiserTest, AnswersWithoutASourceByMulticastEveryThreeSeconds) {
    EXPECT_EQ(solicit({}, 1s), Destinations{all_nodes});
    EXPECT_EQ(solicit({}, 2s), Destinations{});
    EXPECT_EQ(solicit({}, 3s), Destinations{}) << "shares the one under way";
    EXPECT_EQ(advertiser.dropped(AdvertiserDrop::merged), 1U);
    EXPECT_EQ(advertiser.next_deadline(), Instant{} + 4s);
    EXPECT_EQ(expire(3999ms), Destinations{});
    EXPECT_EQ(expire(4s), Destinations{all_nodes});
    EXPECT_EQ(advertiser.next_deadline(), Instant::never());
    EXPECT_EQ(solicit({}, 7s), Destinations{all_nodes});
}

TEST_F(RouterAdvertiserTest, IsSilentWhileARealRouterIsThere) {
    hear_router(1800, 10s);
    EXPECT_EQ(solicit(client, 11s), Destinations{});
    EXPECT_EQ(solicit({}, 1809s), Destinations{});
    EXPECT_EQ(advertiser.dropped(AdvertiserDrop::foreign_router), 2U);
    EXPECT_EQ(solicit(client, 1810s), Destinations{client}) << "its lifetime is over";
}

TEST_F(RouterAdvertiserTest, SpeaksAgainWhenEveryRealRouterHasSaidFarewell) {
    hear_router(1800, 10s);
    hear_router(600, 10s, client);
    hear_router(0, 20s);
    EXPECT_EQ(solicit(client, 21s), Destinations{}) << "the other one is still there";
    hear_router(0, 22s, client);
    EXPECT_EQ(solicit(client, 23s), Destinations{client});
}

TEST_F(RouterAdvertiserTest, RemembersMoreRoutersThanItHasRoomForByTheirEnd) {
    for (std::uint8_t n = 1; n <= 5; ++n) {
        Ipv6Address from = router;
        from.octets[15] = static_cast<std::uint8_t>(100 + n);
        hear_router(100U * n, 0s, from);
    }
    EXPECT_EQ(solicit(client, 499s), Destinations{});
    EXPECT_EQ(solicit(client, 500s), Destinations{client});
}

TEST_F(RouterAdvertiserTest, ARealRouterTakesOverAnOwedAnswer) {
    EXPECT_EQ(solicit({}, 1s), Destinations{all_nodes});
    EXPECT_EQ(solicit({}, 2s), Destinations{});
    hear_router(1800, 3s);
    EXPECT_EQ(expire(4s), Destinations{});
}

TEST_F(RouterAdvertiserTest, AQuietNeighbourIsNoRouter) {
    hear_router(0, 1s);
    EXPECT_EQ(solicit(client, 2s), Destinations{client});
}

TEST_F(RouterAdvertiserTest, WhereDhcpv6IsServedAllAreToldUnasked) {
    serve(true, 10s);
    EXPECT_EQ(advertiser.next_deadline(), Instant{} + 10s);
    EXPECT_EQ(expire(10s), Destinations{all_nodes});
    EXPECT_EQ(expire(25s), Destinations{});
    EXPECT_EQ(expire(26s), Destinations{all_nodes});
    EXPECT_EQ(expire(42s), Destinations{all_nodes});
    EXPECT_EQ(advertiser.next_deadline(), Instant{} + 242s) << "three, then seldom";
    EXPECT_EQ(solicit(client, 50s), Destinations{client});
    EXPECT_EQ(expire(242s), Destinations{all_nodes});
}

TEST_F(RouterAdvertiserTest, AnOwedAnswerCountsAsToldUnasked) {
    serve(true, 10s);
    EXPECT_EQ(expire(10s), Destinations{all_nodes});
    EXPECT_EQ(solicit({}, 11s), Destinations{});
    EXPECT_EQ(expire(13s), Destinations{all_nodes});
    EXPECT_EQ(advertiser.next_deadline(), Instant{} + 29s);
}

TEST_F(RouterAdvertiserTest, ARealRouterSilencesThatToo) {
    serve(true, 10s);
    EXPECT_EQ(expire(10s), Destinations{all_nodes});
    hear_router(1800, 11s);
    EXPECT_EQ(expire(26s), Destinations{});
    EXPECT_EQ(solicit(client, 27s), Destinations{});
    EXPECT_EQ(expire(1900s), Destinations{all_nodes}) << "its lifetime is over";
}

TEST_F(RouterAdvertiserTest, WhenTheSiteHasNoSubnetAnyMoreAllHearIt) {
    serve(true, 10s);
    EXPECT_EQ(expire(10s), Destinations{all_nodes});
    serve(true, 11s);
    EXPECT_EQ(advertiser.next_deadline(), Instant{} + 26s) << "nothing new";
    serve(false, 12s);
    EXPECT_EQ(expire(12s), Destinations{all_nodes});
    EXPECT_EQ(advertiser.next_deadline(), Instant::never());
}

TEST_F(RouterAdvertiserTest, EachDropHasItsMessage) {
    EXPECT_TRUE(receive(octets({133, 0, 0, 0, 0, 0, 0, 0}), client, 0s, 8).empty());
    EXPECT_TRUE(receive(octets({133, 0, 0, 0, 0, 0, 0, 0}), client, 0s, 99).empty());
    EXPECT_EQ(advertiser.dropped(AdvertiserDrop::unknown_interface), 2U);
    EXPECT_TRUE(solicit(ours, 0s).empty());
    EXPECT_EQ(advertiser.dropped(AdvertiserDrop::own_message), 1U);
    hear_router(0, 0s);
    EXPECT_EQ(advertiser.dropped(AdvertiserDrop::not_for_us), 1U);
    EXPECT_TRUE(receive(octets({133}), client, 0s).empty());
    EXPECT_EQ(advertiser.refused(Icmpv6Error::truncated), 1U);
    Exposition exposition;
    advertiser.report(exposition);
    EXPECT_NE(
        exposition.text().find("muster_router_advertiser_drops_total{reason=\"truncated\"} 1"),
        std::string::npos);
}

// What iPXE really sends, and that no capture's solicitation stays without an answer.
TEST_F(RouterAdvertiserTest, AnswersEverySolicitationOfRealClients) {
    int answered = 0;
    Duration start = 0s;
    for (const std::string& name : capture_names()) {
        start += 1h;
        for (const Frame& frame : read_pcap(capture_path(name))) {
            const auto packet = ip_packet(frame);
            if (packet && packet->protocol == 58 && packet->payload[0] == std::byte{133}) {
                const Ipv6Address source = packet->source.v6();
                EXPECT_EQ(receive(packet->payload, source, start + frame.offset),
                          Destinations{source.is_unspecified() ? all_nodes : source})
                    << name;
                ++answered;
            }
        }
    }
    EXPECT_GT(answered, 10);
}

} // namespace
} // namespace muster::test
