// SPDX-License-Identifier: Apache-2.0
#include "io/worker/packet_log.hh"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace muster {
namespace {

constexpr Ipv4Address client{{10, 66, 0, 21}};

void receive(PacketLog& log, UdpService service, std::string_view payload, std::int64_t at = 1,
             std::uint8_t socket = 0) {
    log.received({.service = service,
                  .socket = socket,
                  .source = {client, 2070},
                  .local = Ipv4Address{{10, 66, 0, 1}},
                  .payload = as_bytes(payload)},
                 {at});
}

std::vector<std::string> texts(const PacketLog& log) {
    std::vector<std::string> all;
    log.each([&](const PacketRecord& packet) { all.emplace_back(as_text(packet.payload)); });
    return all;
}

TEST(PacketLog, GivesBackWhatWasAdded) {
    PacketLog log{packet_log_min};
    EXPECT_TRUE(texts(log).empty());
    log.set_port(UdpService::dhcp, 0, false, 67);
    log.set_port(UdpService::tftp_transfer, 2, false, 30'002);
    log.set_port(UdpService::tftp_transfer, 2, true, 40'002);
    receive(log, UdpService::dhcp, "discover", 5);
    const TxDatagram reply{.service = UdpService::tftp_transfer,
                           .socket = 2,
                           .destination = {client, 2071},
                           .source = Ipv4Address{{10, 66, 0, 1}},
                           .link = true};
    log.sent(reply, as_bytes("\0\6an OACK"), {6});
    std::vector<PacketRecord> seen;
    log.each([&](const PacketRecord& packet) { seen.push_back(packet); });
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].at, UnixTime{5});
    EXPECT_FALSE(seen[0].sent || seen[0].whole);
    EXPECT_EQ(seen[0].service, UdpService::dhcp);
    EXPECT_EQ(seen[0].local_port, 67);
    EXPECT_EQ(seen[0].peer, (Endpoint{client, 2070}));
    EXPECT_EQ(seen[0].local, (IpAddress{Ipv4Address{{10, 66, 0, 1}}}));
    EXPECT_EQ(as_text(seen[0].payload), "discover");
    EXPECT_EQ(seen[1].at, UnixTime{6});
    EXPECT_TRUE(seen[1].sent && seen[1].whole);
    EXPECT_EQ(seen[1].local_port, 30'002) << "not the port of IPv6";
    EXPECT_EQ(seen[1].peer, (Endpoint{client, 2071}));
}

TEST(PacketLog, OfTftpItKeepsWhatIsNoBlock) {
    using namespace std::string_view_literals;
    PacketLog log{packet_log_min};
    const std::vector<std::string_view> kept = {"\0\1linux\0octet\0"sv, "\0\4\0\0"sv,
                                                "\0\5\0\1no\0"sv, "\0\6tsize\0001\0"sv, "x"sv};
    for (const std::string_view packet : kept) {
        receive(log, UdpService::tftp_transfer, packet);
    }
    receive(log, UdpService::tftp_transfer, "\0\3\0\1data"sv);
    receive(log, UdpService::tftp, "\0\4\0\1"sv);
    receive(log, UdpService::icmpv6, "solicitation"sv);
    EXPECT_EQ(texts(log), (std::vector<std::string>{kept.begin(), kept.end()}));
}

// Every size, so that the end of the ring is met in every way.
TEST(PacketLog, ForgetsTheOldestAndKeepsTheRestInOrder) {
    PacketLog log{packet_log_min};
    std::size_t added = 0;
    for (int round = 0; round < 4; ++round) {
        for (std::size_t size = 8; size < 1500; ++size, ++added) {
            std::string packet = std::to_string(1'000'000 + added);
            packet.resize(size, 'x');
            receive(log, UdpService::dhcp, packet, static_cast<std::int64_t>(added));
        }
        std::size_t next = 0;
        std::size_t count = 0;
        std::size_t bytes = 0;
        log.each([&](const PacketRecord& packet) {
            const auto number = static_cast<std::size_t>(packet.at.ms);
            EXPECT_EQ(as_text(packet.payload).substr(0, 7), std::to_string(1'000'000 + number));
            EXPECT_TRUE(count == 0 || number == next) << number << " after " << next;
            next = number + 1;
            ++count;
            bytes += packet.payload.size();
        });
        EXPECT_EQ(next, added) << "the latest is there";
        EXPECT_GT(bytes, packet_log_min / 2) << "the memory is used";
        EXPECT_LT(bytes, packet_log_min);
    }
}

TEST(PacketLog, OneMayLookWhileAnotherAdds) {
    PacketLog log{packet_log_min};
    std::atomic<bool> done{false};
    std::thread worker{[&] {
        for (std::int64_t i = 0; i < 20'000; ++i) {
            receive(log, UdpService::dhcp, std::string(static_cast<std::size_t>(i % 900), 'x'), i);
        }
        done = true;
    }};
    std::size_t looks = 0;
    while (!done || looks == 0) {
        std::int64_t before = -1;
        log.each([&](const PacketRecord& packet) {
            EXPECT_LT(before, packet.at.ms);
            EXPECT_EQ(packet.payload.size(), static_cast<std::size_t>(packet.at.ms % 900));
            before = packet.at.ms;
        });
        ++looks;
    }
    worker.join();
}

} // namespace
} // namespace muster
