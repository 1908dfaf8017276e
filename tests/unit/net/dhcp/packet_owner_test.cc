// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/packet_owner.hh"

#include "net/wire/ipv4_udp.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster {
namespace {

constexpr MacAddress mac{{0x52, 0x54, 0, 1, 2, 3}};
constexpr Ipv4Address address{{10, 66, 0, 21}};

PacketsWanted wanted() {
    return {.macs = {mac}, .uuid = {}, .addresses = {address}, .since = {100}};
}

std::vector<std::byte> dhcp_message(const MacAddress& from, std::size_t before = 0) {
    std::vector<std::byte> message(before + 240);
    message[before + 2] = std::byte{6};
    std::ranges::transform(from.octets, message.begin() + static_cast<std::ptrdiff_t>(before) + 28,
                           [](std::uint8_t octet) { return std::byte{octet}; });
    return message;
}

PacketRecord packet(UdpService service, const std::vector<std::byte>& payload) {
    PacketRecord record;
    record.at = {100};
    record.service = service;
    record.peer = {Ipv4Address{{10, 66, 0, 99}}, 68};
    record.payload = payload;
    return record;
}

TEST(PacketOwner, DhcpIsOfItsChaddr) {
    const auto own = dhcp_message(mac);
    const auto other = dhcp_message({{0x52, 0x54, 0, 1, 2, 4}});
    for (const UdpService service : {UdpService::dhcp, UdpService::pxe}) {
        EXPECT_TRUE(is_wanted(packet(service, own), wanted()));
        EXPECT_FALSE(is_wanted(packet(service, other), wanted()));
        EXPECT_FALSE(is_wanted(packet(service, std::vector<std::byte>(30)), wanted())) << "short";
        EXPECT_FALSE(is_wanted(packet(service, {}), wanted()));
    }
    const auto headed = dhcp_message(mac, ipv4_udp_header_size);
    PacketRecord whole = packet(UdpService::dhcp, headed);
    EXPECT_FALSE(is_wanted(whole, wanted()));
    whole.whole = true;
    EXPECT_TRUE(is_wanted(whole, wanted()));
}

TEST(PacketOwner, NothingFromBefore) {
    const auto own = dhcp_message(mac);
    PacketRecord early = packet(UdpService::dhcp, own);
    early.at = {99};
    EXPECT_FALSE(is_wanted(early, wanted()));
}

TEST(PacketOwner, Dhcp6IsOfWhomItNames) {
    std::vector<std::byte> message(64, std::byte{9});
    EXPECT_FALSE(is_wanted(packet(UdpService::dhcp6, message), wanted()));
    std::vector<std::byte> by_mac = message;
    std::ranges::transform(mac.octets, by_mac.end() - 6,
                           [](std::uint8_t octet) { return std::byte{octet}; });
    EXPECT_TRUE(is_wanted(packet(UdpService::dhcp6, by_mac), wanted()));
    PacketsWanted by_uuid = wanted();
    by_uuid.uuid.emplace().fill(9);
    EXPECT_TRUE(is_wanted(packet(UdpService::dhcp6, message), by_uuid));
}

TEST(PacketOwner, TftpIsOfTheAddress) {
    const std::vector<std::byte> request(20);
    for (const UdpService service : {UdpService::tftp, UdpService::tftp_transfer}) {
        PacketRecord record = packet(service, request);
        EXPECT_FALSE(is_wanted(record, wanted()));
        record.peer.address = address;
        EXPECT_TRUE(is_wanted(record, wanted()));
    }
}

} // namespace
} // namespace muster
