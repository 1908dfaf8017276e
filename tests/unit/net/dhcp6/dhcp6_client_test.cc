// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp6/dhcp6_client.hh"

#include "tests/support/dhcp6_rig.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

using Code = Dhcp6OptionCode;
using Type = Dhcp6MessageType;

/// Owns the bytes that a read message borrows.
struct ReadMessage {
    explicit ReadMessage(std::vector<std::byte> from) : bytes(std::move(from)) {
        EXPECT_TRUE(read_dhcp6_message(bytes, message));
    }
    std::vector<std::byte> bytes;
    Dhcp6Message message;
};

std::string machine(const std::vector<std::byte>& bytes, const Ipv6Address& source,
                    std::uint32_t iaid = 1) {
    const ReadMessage read{bytes};
    const Dhcp6Machine found = find_machine(read.message, source, iaid);
    return (found.real ? "" : "made ") + to_text(found.mac);
}

TEST(Dhcp6Client, TheRelayKnowsTheLinkAddressBest) {
    const auto inner = Client6Message{Type::solicit, machine_mac(3)}.bytes();
    const auto told = option6(Code::client_link_layer, octets({0, 1}) + mac_octets(machine_mac(2)));
    EXPECT_EQ(machine(relayed(inner, {}, link_local_of(machine_mac(1)), told),
                      link_local_of(machine_mac(1))),
              to_text(machine_mac(2)));
    // Of another kind of link, or a group's: not believed.
    const auto other = option6(Code::client_link_layer, octets({0, 6}) + OptionBytes(6));
    EXPECT_EQ(machine(relayed(inner, {}, link_local_of(machine_mac(1)), other),
                      link_local_of(machine_mac(1))),
              to_text(machine_mac(1)));
}

TEST(Dhcp6Client, ThenItsOwnLinkLocalAddressThenItsDuid) {
    const auto bytes = Client6Message{Type::solicit, machine_mac(3)}.bytes();
    EXPECT_EQ(machine(bytes, link_local_of(machine_mac(1))), to_text(machine_mac(1)));
    EXPECT_EQ(machine(bytes, ip6("fe80::1234")), to_text(machine_mac(3)));
    const auto with_time = octets({0, 1, 0, 1, 9, 9, 9, 9}) + mac_octets(machine_mac(4));
    EXPECT_EQ(machine(Client6Message{Type::solicit, with_time}.bytes(), ip6("fe80::1234")),
              to_text(machine_mac(4)));
}

TEST(Dhcp6Client, WithoutAnyItIsOneMachineAllTheSame) {
    const auto bytes = Client6Message{Type::solicit, duid_uuid(1)}.bytes();
    const std::string first = machine(bytes, ip6("fe80::1234"));
    EXPECT_TRUE(first.starts_with("made "));
    EXPECT_EQ(machine(bytes, ip6("fe80::5678")), first);
    EXPECT_NE(machine(bytes, ip6("fe80::1234"), 2), first) << "another interface of the machine";
    EXPECT_NE(machine(Client6Message{Type::solicit, duid_uuid(2)}.bytes(), ip6("fe80::1234")),
              first);
    const ReadMessage read{bytes};
    const MacAddress made = find_machine(read.message, ip6("fe80::1234"), 1).mac;
    EXPECT_EQ(made.octets[0] & 3U, 2U) << "locally administered, no group";
}

TEST(Dhcp6Client, KindsOfPrograms) {
    const auto kind = [](const Client6Message& message) {
        const ReadMessage read{message.bytes()};
        return identify_client(read.message).kind;
    };
    const auto solicit = [] {
        return Client6Message{Type::solicit, duid_uuid(1)};
    };
    EXPECT_EQ(kind(solicit()), DhcpClientKind::other);
    EXPECT_EQ(kind(solicit().boots(7)), DhcpClientKind::pxe);
    EXPECT_EQ(kind(solicit().boots(16, "HTTPClient")), DhcpClientKind::http_boot);
    EXPECT_EQ(kind(solicit().ipxe()), DhcpClientKind::ipxe);
}

// RFC 5970 asks for no class: UNDI and a wish for a boot file say it too.
TEST(Dhcp6Client, AProgramThatHasUndiAndAsksForABootFileIsAPxeClient) {
    const auto kind = [](unsigned interface_type, std::initializer_list<unsigned> asks,
                         std::string_view user_class = "") {
        Client6Message message{Type::solicit, duid_uuid(1)};
        message.asks(asks).with(Code::client_interface, octets({interface_type, 3, 0}));
        if (!user_class.empty()) {
            message.with(Code::user_class, class_texts(user_class));
        }
        const ReadMessage read{message.bytes()};
        return identify_client(read.message).kind;
    };
    EXPECT_EQ(kind(1, {59, 23}), DhcpClientKind::pxe);
    EXPECT_EQ(kind(1, {23}), DhcpClientKind::other) << "an installed system asks for no boot file";
    EXPECT_EQ(kind(2, {59}), DhcpClientKind::other) << "another kind of interface";
    EXPECT_EQ(kind(1, {59}, "iPXE"), DhcpClientKind::ipxe);
}

TEST(Dhcp6Client, AnInterfaceOptionIsThreeOctets) {
    for (const std::size_t size : {0U, 2U, 4U}) {
        Client6Message message{Type::solicit, duid_uuid(1)};
        message.with(Code::client_interface, OptionBytes(size, std::byte{1}));
        Dhcp6Message read;
        const auto bytes = message.bytes();
        const auto result = read_dhcp6_message(bytes, read);
        ASSERT_FALSE(result) << size;
        EXPECT_EQ(result.error(), Dhcp6Error::bad_option_length);
    }
}

TEST(Dhcp6Client, WhatItShowsOfItself) {
    const auto inner = Client6Message{Type::solicit, duid_uuid(5)}.boots(7).bytes();
    const ReadMessage read{
        relayed(inner, {}, {},
                option6(Code::interface_id, text_octets("port17")) +
                    option6(Code::remote_id, u32_octets(9) + text_octets("switch1")))};
    const DhcpClientIdentity identity = identify_client(read.message);
    EXPECT_EQ(identity.shown.circuit_id, "port17");
    EXPECT_EQ(identity.shown.remote_id, "switch1");
    EXPECT_EQ(identity.shown.client_id.size(), 18U);
    ASSERT_TRUE(identity.uuid);
    EXPECT_EQ(identity.uuid->back(), 5);
    EXPECT_EQ(identity.first_arch(), 7);
}

TEST(Dhcp6Client, ModifiedEui64) {
    EXPECT_EQ(mac_of_eui64(ip6("fe80::5054:ff:fe79:0")),
              (MacAddress{{0x52, 0x54, 0x00, 0x79, 0x00, 0x00}}));
    EXPECT_FALSE(mac_of_eui64(ip6("fe80::1")));
    EXPECT_FALSE(mac_of_eui64(ip6("fe80::0300:ff:fe00:1"))) << "a group's";
}

} // namespace
} // namespace muster::test
