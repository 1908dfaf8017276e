// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/client_classes.hh"

#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

TEST(MatchesPattern, TakesStarsAnywhere) {
    EXPECT_TRUE(matches_pattern("PXEClient*", "PXEClient:Arch:00007:UNDI:003000"));
    EXPECT_TRUE(matches_pattern("PXEClient*", "PXEClient"));
    EXPECT_FALSE(matches_pattern("PXEClient", "PXEClient:"));
    EXPECT_FALSE(matches_pattern("PXEClient:", "PXEClient"));
    EXPECT_TRUE(matches_pattern("*Arch:00007*", "PXEClient:Arch:00007:UNDI:003000"));
    EXPECT_FALSE(matches_pattern("*Arch:00009*", "PXEClient:Arch:00007:UNDI:003000"));
    EXPECT_TRUE(matches_pattern("a*b*c", "abxbc")) << "it goes back to the last star";
    EXPECT_FALSE(matches_pattern("a*b*c", "acb"));
    EXPECT_TRUE(matches_pattern("*", ""));
    EXPECT_TRUE(matches_pattern("**", "x"));
    EXPECT_TRUE(matches_pattern("", ""));
    EXPECT_FALSE(matches_pattern("", "x"));
    EXPECT_FALSE(matches_pattern("d-i", "D-I"));
}

ClassMask classes_of(const ClientClass& wanted, const ClientMessage& message) {
    const auto bytes = message.bytes();
    DhcpMessage read;
    EXPECT_TRUE(read_dhcp_message(bytes, read).has_value());
    const std::vector all{wanted};
    return find_classes(all, read, identify_client(read));
}

TEST(FindClasses, EachKeyOfAMatchHasItsSay) {
    ClientMessage uefi{DhcpMessageType::discover, machine_mac(0x0A000001)}; // 52:54:0a:00:00:01
    uefi.pxe(7);
    ClientMessage ipxe = uefi;
    ipxe.with(DhcpOptionCode::user_class, "iPXE");
    ClientMessage listed = uefi; // RFC 3004's form
    listed.with(DhcpOptionCode::user_class, octets({2, 'h', 'i', 4, 'r', 'a', 'c', 'k'}));

    ClientClass any;
    EXPECT_EQ(classes_of(any, uefi), 1U);
    any.architectures = {9, 7};
    EXPECT_EQ(classes_of(any, uefi), 1U);
    any.vendor_classes = {"HTTPClient*", "PXEClient*"};
    EXPECT_EQ(classes_of(any, uefi), 1U);
    any.mac_prefixes = {{{{0x52, 0x54, 0x0A, 0, 0, 0}}, 3}};
    EXPECT_EQ(classes_of(any, uefi), 1U);
    any.user_classes = {"iPXE", "ra*"};
    EXPECT_EQ(classes_of(any, uefi), 0U) << "one key does not hold";
    EXPECT_EQ(classes_of(any, ipxe), 1U);
    EXPECT_EQ(classes_of(any, listed), 1U);
    any.mac_prefixes = {{{{0x52, 0x55, 0, 0, 0, 0}}, 2}};
    EXPECT_EQ(classes_of(any, ipxe), 0U);
    ClientClass bios;
    bios.architectures = {0};
    EXPECT_EQ(classes_of(bios, uefi), 0U);
    EXPECT_EQ(classes_of(bios, ClientMessage{DhcpMessageType::discover, machine_mac(1)}), 0U)
        << "no option 93 is not architecture 0";
}

TEST(FindClasses, SixtyFourAreKeptApart) {
    std::vector<ClientClass> all(70);
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i].architectures = {static_cast<std::uint16_t>(i % 2 == 0 ? 7 : 0)};
    }
    const auto bytes = ClientMessage{DhcpMessageType::discover, machine_mac(1)}.pxe(7).bytes();
    DhcpMessage read;
    ASSERT_TRUE(read_dhcp_message(bytes, read).has_value());
    EXPECT_EQ(find_classes(all, read, identify_client(read)), 0x5555555555555555U);
}

} // namespace
} // namespace muster::test
