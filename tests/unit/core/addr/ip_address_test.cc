// SPDX-License-Identifier: Apache-2.0
#include "core/addr/ip_address.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(Ipv4Address, ReadsWhatItWrites) {
    for (const char* text : {"0.0.0.0", "10.77.0.1", "255.255.255.255", "192.168.1.254"}) {
        const auto address = read_ipv4_address(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(to_text(*address), text);
    }
}

TEST(Ipv4Address, RefusesEverythingElse) {
    for (const char* text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2.3.4 ",
                             "a.b.c.d", "1..3.4", "-1.2.3.4", "1.2.3.1234", "1.2.3."}) {
        EXPECT_FALSE(read_ipv4_address(text)) << text;
    }
}

TEST(IpAddress, HoldsIpv4MappedAndTellsTheFamilies) {
    const IpAddress v4{Ipv4Address{{10, 0, 0, 1}}};
    EXPECT_TRUE(v4.is_v4());
    EXPECT_EQ(to_text(v4), "10.0.0.1");
    EXPECT_EQ(v4.v4(), (Ipv4Address{{10, 0, 0, 1}}));
    EXPECT_FALSE(IpAddress{}.is_v4());
}

TEST(Ipv6Address, ReadsEveryFormOfRfc4291) {
    const auto text = [](const char* from) {
        const auto read = read_ipv6_address(from);
        return read ? to_text(*read) : std::string{"(none)"};
    };
    EXPECT_EQ(text("::"), "::");
    EXPECT_EQ(text("::1"), "::1");
    EXPECT_EQ(text("fe80::"), "fe80::");
    EXPECT_EQ(text("2001:DB8:0:0:8:800:200C:417A"), "2001:db8::8:800:200c:417a");
    EXPECT_EQ(text("2001:db8::8:800:200c:417a"), "2001:db8::8:800:200c:417a");
    EXPECT_EQ(text("1:2:3:4:5:6:7::"), "1:2:3:4:5:6:7:0");
    EXPECT_EQ(text("::2:3:4:5:6:7:8"), "0:2:3:4:5:6:7:8");
    EXPECT_EQ(text("64:ff9b::192.0.2.33"), "64:ff9b::c000:221");
    EXPECT_EQ(text("1:2:3:4:5:6:192.0.2.33"), "1:2:3:4:5:6:c000:221");
    for (const char* wrong :
         {"", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::g",
          "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:", "::1 ", "fe80::1%eth0",
          "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.4:5", "1:2:3:4::5:6:7:8", "[::1]"}) {
        EXPECT_FALSE(read_ipv6_address(wrong)) << wrong;
    }
}

TEST(IpAddress, WritesRfc5952Text) {
    const auto text = [](std::array<std::uint8_t, 16> octets) {
        return to_text(IpAddress{Ipv6Address{octets}});
    };
    EXPECT_EQ(text({0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0x50, 0x54, 0, 0xFF, 0xFE, 0, 0, 1}),
              "fe80::5054:ff:fe00:1");
    EXPECT_EQ(text({}), "::");
    EXPECT_EQ(text({0x20, 1, 0x0D, 0xB8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}),
              "2001:db8:0:1:1:1:1:1");
    EXPECT_EQ(text({0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}), "ff02::2");
}

} // namespace
} // namespace muster
