// SPDX-License-Identifier: Apache-2.0
// What the site sets, as clients get it: whose word counts, in which order, and what fits.
#include "tests/support/dhcp_replies.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster::test {
namespace {

using enum DhcpMessageType;

constexpr std::uint8_t ntp = 42;
constexpr std::uint8_t mtu = 26;
constexpr std::uint8_t search = 119;

class DhcpOptionsTest : public testing::Test {
protected:
    Reply offer(const ClientMessage& message) { return only_reply(rig, message); }
    /// The value of an option as a client that asks for it alone gets it.
    std::string value(std::uint8_t code, unsigned arch = 0xFFFF) {
        ClientMessage message{discover, machine_mac(1)};
        if (arch != 0xFFFF) {
            message.pxe(arch);
        }
        message.with(DhcpOptionCode::parameter_request_list, octets({code}));
        return offer(message).text(static_cast<DhcpOptionCode>(code));
    }
    static void set(DhcpOptionSet& options, std::uint8_t code, std::string_view text) {
        options.set(code, text_octets(text));
    }
    DhcpOptionSet& of_subnet() { return rig.snapshot.dhcp.subnets[0].options; }

    DhcpRig rig;
};

TEST_F(DhcpOptionsTest, TheMostSpecificPlaceHasTheSay) {
    set(of_subnet(), ntp, "subnet");
    set(of_subnet(), mtu, "subnet");
    set(of_subnet(), search, "subnet");
    ClientClass uefi;
    uefi.architectures = {7};
    set(uefi.options, mtu, "class");
    set(uefi.options, search, "class");
    ClientClass also = uefi;
    set(also.options, mtu, "second class");
    set(also.options, 17, "second class");
    rig.snapshot.dhcp.classes = {uefi, also};
    rig.publish();
    EXPECT_EQ(value(ntp, 7), "subnet");
    EXPECT_EQ(value(mtu, 7), "class") << "the first class that says it";
    EXPECT_EQ(value(17, 7), "second class");
    EXPECT_EQ(value(mtu), "subnet") << "not in the class";
    EXPECT_EQ(value(17), "(absent)");

    NodeBoot node;
    node.mac = machine_mac(1);
    auto own = std::make_shared<DhcpOptionSet>();
    set(*own, search, "node");
    node.options.set = own;
    rig.server.on_node_boot(node);
    EXPECT_EQ(value(search, 7), "node");
    EXPECT_EQ(value(mtu, 7), "class");
}

TEST_F(DhcpOptionsTest, UnknownMachinesGetThoseOfTheirProfile) {
    auto profile = std::make_shared<DhcpOptionSet>();
    set(*profile, ntp, "profile");
    rig.snapshot.dhcp.unknown_options.set = profile;
    rig.publish();
    EXPECT_EQ(value(ntp), "profile");
}

TEST_F(DhcpOptionsTest, WhatTheServerKnowsItselfCanBeReplacedOrLeftOut) {
    of_subnet().set(3, address_octets(ip("10.79.0.250")));
    of_subnet().set(28, {});
    rig.publish();
    ClientMessage message{discover, machine_mac(1)};
    message.with(DhcpOptionCode::parameter_request_list, octets({28, 3, 1}));
    const Reply reply = offer(message);
    EXPECT_EQ(order(reply), (Codes{53, 54, 51, 58, 59, 3, 1, 6}));
    EXPECT_EQ(reply.message->address(DhcpOptionCode::router), ip("10.79.0.250"));
}

TEST_F(DhcpOptionsTest, KeepsTheClientsOrderAndAddsWhatIsAlwaysSent) {
    set(of_subnet(), ntp, "n");
    of_subnet().set(210, text_octets("/p/"), true);
    set(of_subnet(), 209, "never asked for");
    set(of_subnet(), search, "s");
    rig.publish();
    ClientMessage message{discover, machine_mac(1)};
    message.with(DhcpOptionCode::parameter_request_list, octets({119, 42, 1, 3, 42}));
    EXPECT_EQ(order(offer(message)), (Codes{53, 54, 51, 58, 59, 119, 42, 1, 3, 6, 210}));
    EXPECT_EQ(order(offer({discover, machine_mac(2)})),
              (Codes{53, 54, 51, 58, 59, 1, 3, 6, 28, 42, 119, 209, 210}))
        << "a client without a list gets all";
}

// RFC 3396: systems join parts of one option; ROMs take the first for the whole.
TEST_F(DhcpOptionsTest, LongOptionsAreSplitForSystemsOnly) {
    std::string text;
    for (int i = 0; i < 600; ++i) {
        text += static_cast<char>('a' + i % 26);
    }
    set(of_subnet(), search, text);
    rig.publish();
    const auto asking = [](unsigned size) {
        ClientMessage message{discover, machine_mac(1)};
        message.with(DhcpOptionCode::maximum_message_size, octets({size >> 8U, size & 0xFFU}));
        return message;
    };
    auto system = asking(1472);
    const Reply split =
        offer(system.with(DhcpOptionCode::parameter_request_list, octets({119, 1})));
    EXPECT_EQ(order(split), (Codes{53, 54, 51, 58, 59, 119, 119, 119, 1, 6}));
    EXPECT_EQ(split.text(static_cast<DhcpOptionCode>(search)), text);
    auto small = asking(576);
    EXPECT_FALSE(offer(small.with(DhcpOptionCode::parameter_request_list, octets({119, 1})))
                     .has(static_cast<DhcpOptionCode>(search)))
        << "whole or not at all";
    auto rom = asking(1472);
    rom.pxe(7);
    EXPECT_FALSE(offer(rom.with(DhcpOptionCode::parameter_request_list, octets({119})))
                     .has(static_cast<DhcpOptionCode>(search)));
}

// PROTOCOLS: header and 66/67 tell the same, 43 is PXE's; a ROM must never lack them for a site's
// options that came first in its list.
TEST_F(DhcpOptionsTest, WhatMakesAClientBootIsNeverReplacedNorCrowdedOut) {
    set(of_subnet(), 43, "vendor");
    set(of_subnet(), 66, "tftp.example");
    set(of_subnet(), 67, "phone.cfg");
    set(of_subnet(), 150, "addr");
    set(of_subnet(), 17, std::string(200, 'r'));
    rig.publish();
    ClientMessage rom{discover, machine_mac(1)};
    rom.with(DhcpOptionCode::parameter_request_list, octets({17, 150}));
    const Reply plain = offer(rom.pxe(0));
    EXPECT_LE(plain.bytes.size(), 548U);
    for (const auto code : {DhcpOptionCode::vendor_class, DhcpOptionCode::vendor_specific,
                            DhcpOptionCode::client_machine, DhcpOptionCode::tftp_server_name,
                            DhcpOptionCode::bootfile_name, DhcpOptionCode::subnet_mask}) {
        EXPECT_TRUE(plain.has(code)) << static_cast<unsigned>(code);
    }
    EXPECT_FALSE(plain.has(DhcpOptionCode::root_path)) << "it would have taken their room";
    EXPECT_FALSE(plain.has(DhcpOptionCode::tftp_server_addresses));
    EXPECT_EQ(plain.text(DhcpOptionCode::bootfile_name),
              (std::string{"loaders/undionly.kpxe\0", 22}));
    EXPECT_NE(plain.text(DhcpOptionCode::vendor_specific), "vendor");

    ClientMessage phone{discover, machine_mac(2)};
    phone.with(DhcpOptionCode::parameter_request_list, octets({43, 66, 67, 150}));
    const Reply other = offer(phone);
    EXPECT_EQ(other.text(DhcpOptionCode::vendor_specific), "vendor");
    EXPECT_EQ(other.text(DhcpOptionCode::bootfile_name), "phone.cfg");
    EXPECT_EQ(other.message->header.file, "phone.cfg");
    EXPECT_EQ(other.text(DhcpOptionCode::tftp_server_addresses), "addr");
}

TEST_F(DhcpOptionsTest, AClassChoosesTheLoaderWhereTheProfileLeavesItOpen) {
    ClientClass bios;
    bios.architectures = {0};
    bios.loader = LoaderChoice::pxelinux;
    rig.snapshot.dhcp.classes = {bios};
    rig.publish();
    ClientMessage rom{discover, machine_mac(1)};
    EXPECT_EQ(offer(rom.pxe(0)).message->header.file, "loaders/lpxelinux.0");
    NodeBoot node;
    node.mac = machine_mac(1);
    node.loader = LoaderChoice::ipxe;
    rig.server.on_node_boot(node);
    EXPECT_EQ(offer(rom).message->header.file, "loaders/undionly.kpxe");
}

TEST_F(DhcpOptionsTest, ANakCarriesNothingOfTheSite) {
    of_subnet().set(210, text_octets("/p/"), true);
    rig.publish();
    ClientMessage message{request, machine_mac(1)};
    message.with(DhcpOptionCode::requested_address, ip("192.0.2.1"));
    EXPECT_EQ(order(offer(message)), (Codes{53, 54}));
}

} // namespace
} // namespace muster::test
