// SPDX-License-Identifier: Apache-2.0
// What the site sets as options of DHCPv6, from all places where it can, and who is told.
#include "tests/support/dhcp6_rig.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

using namespace test;
using enum Dhcp6MessageType;

constexpr Dhcp6OptionCode timezone{41};

OptionBytes value6(std::string_view text) {
    return text_octets(text);
}

Client6Message solicit_for(std::initializer_list<unsigned> codes) {
    return Client6Message{solicit, machine_mac(1)}.ia(1).asks(codes);
}

std::vector<OptionBytes> all_of(const Reply6& reply, Dhcp6OptionCode code) {
    std::vector<OptionBytes> values;
    for (const auto& [number, value] : reply.options) {
        if (number == static_cast<unsigned>(code)) {
            values.push_back(value);
        }
    }
    return values;
}

TEST(Dhcp6SiteOptions, AreToldWhoAsksForThem) {
    Dhcp6Rig rig;
    rig.snapshot.dhcp.subnets6[0].options.set(41, value6("UTC"));
    rig.snapshot.dhcp.subnets6[0].options.set(82, value6("four"), true);
    rig.publish();
    EXPECT_EQ(rig.answer(solicit_for({41})).text(timezone), "UTC");
    EXPECT_FALSE(rig.answer(solicit_for({23})).has(timezone));
    EXPECT_EQ(rig.answer(solicit_for({23})).text(Dhcp6OptionCode{82}), "four") << "always";
}

TEST(Dhcp6SiteOptions, TheMostSpecificPlaceWins) {
    Dhcp6Rig rig;
    DhcpPlan& plan = rig.snapshot.dhcp;
    plan.subnets6[0].options.set(41, value6("subnet"));
    plan.subnets6[0].options.set(42, value6("subnet"));
    plan.subnets6[0].options.set(103, value6("subnet"));
    ClientClass ours;
    ours.mac_prefixes = {{machine_mac(1), 6}};
    ours.options6.set(42, value6("class"));
    ours.options6.set(103, value6("class"));
    ours.options.set(41, value6("of DHCPv4"));
    plan.classes = {ours};
    DhcpOptionSet profile;
    profile.set(103, {});
    plan.unknown_options6.set = std::make_shared<const DhcpOptionSet>(profile);
    rig.publish();
    const Reply6 reply = rig.answer(solicit_for({41, 42, 103}));
    EXPECT_EQ(reply.text(timezone), "subnet");
    EXPECT_EQ(reply.text(Dhcp6OptionCode{42}), "class");
    EXPECT_FALSE(reply.has(Dhcp6OptionCode{103})) << "the profile says: none";
}

TEST(Dhcp6SiteOptions, StandBeforeTheKeysOfTheSubnet) {
    Dhcp6Rig rig;
    DhcpOptionSet profile;
    profile.set(24, octets({1, 'x', 0}));
    profile.set(23, {});
    rig.snapshot.dhcp.unknown_options6.set = std::make_shared<const DhcpOptionSet>(profile);
    rig.publish();
    const Reply6 reply = rig.answer(solicit_for({23, 24}));
    EXPECT_EQ(all_of(reply, Dhcp6OptionCode::domain_list),
              std::vector<OptionBytes>{octets({1, 'x', 0})});
    EXPECT_FALSE(reply.has(Dhcp6OptionCode::dns_servers));
}

TEST(Dhcp6SiteOptions, EveryNtpServerIsAnOptionOfItsOwn) {
    Dhcp6Rig rig;
    const OptionBytes first = octets({0, 3, 0, 3, 1, 'a', 0});
    const OptionBytes second = octets({0, 3, 0, 3, 1, 'b', 0});
    rig.snapshot.dhcp.subnets6[0].options.set(56, first + second);
    rig.publish();
    EXPECT_EQ(all_of(rig.answer(solicit_for({56})), Dhcp6OptionCode::ntp_servers),
              (std::vector<OptionBytes>{first, second}));
    const OptionBytes broken = octets({0, 1, 0, 200, 7});
    rig.snapshot.dhcp.subnets6[0].options.set(56, OptionBytes{broken});
    rig.publish();
    EXPECT_EQ(all_of(rig.answer(solicit_for({56})), Dhcp6OptionCode::ntp_servers),
              std::vector<OptionBytes>{broken});
}

TEST(Dhcp6SiteOptions, ParametersGoWithABootFileOnly) {
    Dhcp6Rig rig;
    const OptionBytes parameters = class_texts("ks=a") + class_texts("b");
    rig.snapshot.dhcp.subnets6[0].options.set(60, OptionBytes{parameters});
    rig.publish();
    const Reply6 booted = rig.answer(Client6Message{solicit, machine_mac(1)}.ia(1).boots(7));
    ASSERT_TRUE(booted.has(Dhcp6OptionCode::bootfile_url));
    EXPECT_EQ(all_of(booted, Dhcp6OptionCode::bootfile_param),
              std::vector<OptionBytes>{parameters});
    EXPECT_FALSE(rig.answer(solicit_for({59, 60})).has(Dhcp6OptionCode::bootfile_param));
}

TEST(Dhcp6SiteOptions, AnEmptyBootFileIsNoneToHaveParametersOf) {
    Dhcp6Rig rig;
    DhcpOptionSet& options = rig.snapshot.dhcp.subnets6[0].options;
    options.set(60, class_texts("ks=a"));
    options.set(59, value6("tftp://elsewhere/x"));
    rig.publish();
    EXPECT_TRUE(rig.answer(solicit_for({59, 60})).has(Dhcp6OptionCode::bootfile_param));
    options.set(59, {});
    rig.publish();
    EXPECT_FALSE(rig.answer(solicit_for({59, 60})).has(Dhcp6OptionCode::bootfile_param));
}

TEST(Dhcp6SiteOptions, DoNotReplaceTheBootFile) {
    Dhcp6Rig rig;
    rig.snapshot.dhcp.subnets6[0].options.set(59, value6("tftp://elsewhere/x"), true);
    rig.publish();
    const Reply6 booted = rig.answer(Client6Message{solicit, machine_mac(1)}.ia(1).boots(7));
    EXPECT_EQ(all_of(booted, Dhcp6OptionCode::bootfile_url).size(), 1U);
    EXPECT_EQ(booted.text(Dhcp6OptionCode::bootfile_url).find("elsewhere"), std::string::npos);
    EXPECT_EQ(rig.answer(solicit_for({59})).text(Dhcp6OptionCode::bootfile_url),
              "tftp://elsewhere/x");
}

TEST(Dhcp6SiteOptions, WhatHasNoRoomIsLeftOut) {
    Dhcp6Rig rig;
    rig.snapshot.dhcp.subnets6[0].options.set(200, OptionBytes(1000, std::byte{1}));
    rig.snapshot.dhcp.subnets6[0].options.set(201, OptionBytes(1000, std::byte{2}));
    rig.publish();
    const Reply6 reply = rig.answer(solicit_for({200, 201}));
    EXPECT_TRUE(reply.has(Dhcp6OptionCode{200}));
    EXPECT_FALSE(reply.has(Dhcp6OptionCode{201}));
    EXPECT_NE(reply.address(), "(none)");
}

} // namespace
} // namespace muster
