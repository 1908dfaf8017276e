// SPDX-License-Identifier: Apache-2.0
// DHCP options in YAML: every type's bytes, and what is said about each mistake, with its place.
#include "core/site/dhcp_option_table.hh"
#include "core/site/loader_parts.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

using Lines = std::vector<std::string>;

struct Outcome {
    DhcpOptionSet set;
    Lines problems;
};

Outcome read(const std::string& text, DhcpOptionFamily family = DhcpOptionFamily::dhcp4) {
    std::vector<SiteProblem> problems;
    const auto value = read_yaml("o", text, problems);
    Outcome outcome;
    if (value) {
        outcome.set = read_dhcp_options(*value, family);
    }
    for (const SiteProblem& problem : problems) {
        outcome.problems.push_back(to_text(problem));
    }
    return outcome;
}

/// The value of one option as hexadecimal digits; `-` when it is not set.
std::string hex(const std::string& text, std::uint8_t code,
                DhcpOptionFamily family = DhcpOptionFamily::dhcp4) {
    const Outcome outcome = read(text, family);
    for (const std::string& line : outcome.problems) {
        ADD_FAILURE() << line;
    }
    const auto* const entry = outcome.set.find(code);
    if (entry == nullptr) {
        return "-";
    }
    std::string digits;
    for (const std::byte octet : entry->value) {
        constexpr std::string_view all = "0123456789abcdef";
        digits += all[std::to_integer<unsigned>(octet) / 16];
        digits += all[std::to_integer<unsigned>(octet) % 16];
    }
    return digits;
}

TEST(DhcpOptions, EncodesEveryType) {
    EXPECT_EQ(hex("ntp-servers: [10.0.0.5, 10.0.0.6]", 42), "0a0000050a000006");
    EXPECT_EQ(hex("ntp-server: 10.0.0.5", 42), "0a000005") << "one needs no list";
    EXPECT_EQ(hex("broadcast-address: 10.0.255.255", 28), "0a00ffff");
    EXPECT_EQ(hex("policy-filter: [10.0.0.0 255.0.0.0]", 21), "0a000000ff000000");
    EXPECT_EQ(hex("root-path: \"nfs:10\"", 17), "6e66733a3130");
    EXPECT_EQ(hex("default-ip-ttl: 64", 23), "40");
    EXPECT_EQ(hex("mtu: 9000", 26), "2328");
    EXPECT_EQ(hex("mtu: 0x2328", 26), "2328");
    EXPECT_EQ(hex("arp-cache-timeout: 4294967295", 35), "ffffffff");
    EXPECT_EQ(hex("time-offset: -3600", 2), "fffff1f0");
    EXPECT_EQ(hex("path-mtu-plateau-table: [68, 296]", 25), "00440128");
    EXPECT_EQ(hex("ip-forwarding: true", 19), "01");
    EXPECT_EQ(hex("ip-forwarding: false", 19), "00");
    EXPECT_EQ(hex("sip-servers: 0x010a000001", 120), "010a000001");
    EXPECT_EQ(hex("wpad: http://w/p", 252), "687474703a2f2f772f70");
    EXPECT_EQ(hex("42: 10.0.0.5", 42), "0a000005") << "by number, with the type of its name";
    EXPECT_EQ(hex("ntp-servers: 0x0a000005", 42), "0a000005") << "as bytes";
}

// RFC 3442: the prefix's length, its significant octets, the router.
TEST(DhcpOptions, EncodesClasslessRoutesForBothCodes) {
    const std::string routes = "classless-routes:\n"
                               "  - 10.9.0.0/16 via 10.0.0.254\n"
                               "  - default via 10.0.0.1\n"
                               "  - 10.17.128.0/17 via 10.0.0.2\n"
                               "  - 10.1.2.3/32 via 10.0.0.3\n";
    const std::string bytes = "100a090a0000fe"
                              "000a000001"
                              "110a11800a000002"
                              "200a0102030a000003";
    EXPECT_EQ(hex(routes, 121), bytes);
    EXPECT_EQ(hex(routes, 249), bytes) << "what Windows asks for";
    EXPECT_EQ(hex(routes + "ms-classless-routes: 10.0.0.0/8 via 10.0.0.9\n", 249), "080a0a000009");
}

// RFC 3397 section 2: the example of RFC 1035 section 4.1.4 in a list.
TEST(DhcpOptions, CompressesDomainsOverTheWholeList) {
    EXPECT_EQ(hex("domain-search: [eng.apple.com, marketing.apple.com]", 119),
              "03656e67056170706c6503636f6d00"
              "096d61726b6574696e67c004");
    EXPECT_EQ(hex("domain-search: [a.b, b, a.b.]", 119), "01610162"
                                                         "00"
                                                         "c002"
                                                         "c000");
}

TEST(DhcpOptions, EncodesVendorOptions) {
    EXPECT_EQ(hex("vendor-options: {1: 0x0a0b, 2: {type: text, value: hi}, "
                  "3: {type: addresses, value: [10.0.0.1]}}",
                  43),
              "01020a0b"
              "02026869"
              "03040a000001");
    EXPECT_EQ(hex("43: 0x0102", 43), "0102");
}

TEST(DhcpOptions, AnUnknownNumberNeedsItsType) {
    EXPECT_EQ(hex("224: 0x0a0b", 224), "0a0b");
    EXPECT_EQ(hex("224: {type: u32, value: 7}", 224), "00000007");
    EXPECT_EQ(hex("209: pxelinux.cfg/x", 209), "7078656c696e75782e6366672f78");
    EXPECT_EQ(read("224: 10.0.0.1").problems,
              Lines{"o:1:6: the type of option 224 is not known: write 0x… in hexadecimal digits, "
                    "or {type: TYPE, value: …} with one of address, addresses, address-pairs, "
                    "text, u8, u16, u32, i32, u16-list, boolean, domains, routes, sub-options, "
                    "hex, addresses6, names, texts, ntp-servers, enterprise"});
}

std::string hex6(const std::string& text, std::uint8_t code) {
    return hex(text, code, DhcpOptionFamily::dhcp6);
}

TEST(Dhcp6Options, EncodesEveryType) {
    const std::string one = "fd000079000000000000000000000001";
    EXPECT_EQ(hex6("dns-servers: [\"fd00:79::1\", \"fd00:79::1\"]", 23), one + one);
    EXPECT_EQ(hex6("sntp-servers: fd00:79::1", 31), one);
    EXPECT_EQ(hex6("domain-search: [a.example, b.example]", 24), "0161076578616d706c6500"
                                                                 "0162076578616d706c6500")
        << "not compressed";
    EXPECT_EQ(hex6("boot-file-parameters: [root=/, 0x1]", 60), "0006726f6f743d2f"
                                                               "0003307831");
    EXPECT_EQ(hex6("ntp-servers: [\"fd00:79::1\", \"ff05::101\", t.io]", 56),
              "00010010" + one + "00020010ff050000000000000000000000000101" +
                  "00030006017402696f00");
    EXPECT_EQ(hex6("vendor-options: {343: {1: 0x0a, 2: {type: text, value: on}}}", 17),
              "00000157"
              "000100010a"
              "000200026f6e");
    EXPECT_EQ(hex6("posix-timezone: EST5", 41), "45535435");
    EXPECT_EQ(hex6("250: 0x01", 250), "01");
}

TEST(Dhcp6Options, SaysWhatIsWrong) {
    const auto problems = [](const std::string& text) {
        return read(text, DhcpOptionFamily::dhcp6).problems;
    };
    EXPECT_EQ(problems("ntp-servers: 10.0.0.1"),
              Lines{"o:1:14: ntp-servers '10.0.0.1' is neither an IPv6 address nor a name"});
    EXPECT_EQ(problems("256: 0x01"),
              Lines{"o:1:1: '256' is no number of a DHCPv6 option, 1 to 255"});
    EXPECT_EQ(
        problems("vendor-class: x"),
        Lines{"o:1:1: option 16 (vendor-class) cannot be set: boot clients compare it, so the "
              "server says it as they need it"});
    EXPECT_EQ(problems("vendor-options: {1: {1: 0x0a}, 2: {1: 0x0a}}").size(), 1U);
    EXPECT_EQ(problems("vendor-options: {-1: {1: 0x0a}}"),
              Lines{"o:1:18: '-1' is no number of an enterprise"});
    EXPECT_EQ(problems("dns-servers: 10.0.0.1").size(), 1U);
    EXPECT_EQ(problems("routers: 10.0.0.1").size(), 1U) << "an option of DHCPv4";
}

TEST(Dhcp6Options, NamesAndCodesFindEachOther) {
    for (const std::string_view name : dhcp_option_names(DhcpOptionFamily::dhcp6)) {
        const KnownDhcpOption* const option = find_dhcp_option(name, DhcpOptionFamily::dhcp6);
        ASSERT_NE(option, nullptr) << name;
        EXPECT_EQ(find_dhcp_option(option->code, DhcpOptionFamily::dhcp6), option) << name;
    }
}

TEST(DhcpOptions, CanBeSentUnaskedOrNotAtAll) {
    const Outcome always = read("pxelinux-pathprefix: {value: /p/, always: true}\nmtu: 1500");
    ASSERT_TRUE(always.problems.empty());
    EXPECT_TRUE(always.set.find(210)->always);
    EXPECT_FALSE(always.set.find(26)->always);
    const Outcome none = read("routers: ~");
    ASSERT_NE(none.set.find(3), nullptr);
    EXPECT_TRUE(none.set.find(3)->value.empty());
}

TEST(DhcpOptions, SaysWhatIsWrongAndWhere) {
    const auto only = [](const std::string& text) {
        const Lines lines = read(text).problems;
        EXPECT_EQ(lines.size(), 1U) << text;
        return lines.empty() ? std::string{} : lines[0];
    };
    EXPECT_EQ(only("mtu: 1500\nntp-sever: 10.0.0.1"),
              "o:2:1: unknown DHCP option 'ntp-sever'; did you mean 'ntp-server'?");
    EXPECT_EQ(only("ntp-servers: [10.0.0.1, 10.0.0]"),
              "o:1:25: ntp-servers '10.0.0' is no IPv4 address such as 10.0.0.1");
    EXPECT_EQ(only("mtu: 70000"), "o:1:6: mtu '70000' is no number from 0 to 65535");
    EXPECT_EQ(only("mtu: -1"), "o:1:6: mtu '-1' is no number from 0 to 65535");
    EXPECT_EQ(only("ip-forwarding: yes"), "o:1:16: ip-forwarding 'yes' is neither true nor false");
    EXPECT_EQ(only("121: [10.9.0.1/16 via 10.0.0.1]"),
              "o:1:7: option 121 '10.9.0.1/16 via 10.0.0.1' is no route such as '10.9.0.0/16 via "
              "10.0.0.254'");
    EXPECT_EQ(only("domain-search: [a_b]"), "o:1:17: domain-search 'a_b' is no domain name");
    EXPECT_EQ(only("static-routes: [10.0.0.1]"),
              "o:1:17: static-routes '10.0.0.1' is no pair of addresses such as '10.1.0.5 "
              "10.0.0.1'");
    EXPECT_EQ(only("120: 0x0"), "o:1:6: option 120 '0x0' is no hexadecimal value such as 0x0a00fe");
    EXPECT_EQ(only("256: 0x00"), "o:1:1: '256' is no number of a DHCP option, 1 to 254");
    EXPECT_EQ(only("routers: 10.0.0.1\nrouter: 10.0.0.2"), "o:2:1: option 3 is there twice");
    EXPECT_EQ(only("54: 10.0.0.1"), "o:1:1: option 54 (server-identifier) cannot be set: it is the "
                                    "key 'address' of 'server'");
    EXPECT_EQ(only("lease-time: 60"), "o:1:1: option 51 (lease-time) cannot be set: it follows "
                                      "from the key 'lease' of the subnet");
    EXPECT_EQ(only("vendor-options: {0: 0x00}"),
              "o:1:18: '0' is no number of a sub-option, 1 to 254");
    EXPECT_EQ(only("224: {type: u9, value: 1}"), "o:1:13: unknown type 'u9'; did you mean 'u8'?");
    EXPECT_EQ(only("mtu: {type: u16}"), "o:1:6: mtu has no key 'value'");
    EXPECT_EQ(only("mtu: [1]"), "o:1:6: mtu is a list, a text is expected");
    EXPECT_EQ(only("root-path: " + std::string(1025, 'x')),
              "o:1:12: root-path is 1025 bytes long; 1024 are possible");
    EXPECT_EQ(only("[mtu]"), "o:1:1: options is a list, a mapping is expected");
}

TEST(DhcpOptions, EveryNameOfTheTableFindsItsOption) {
    for (const std::string_view name : dhcp_option_names()) {
        const KnownDhcpOption* const option = find_dhcp_option(name);
        ASSERT_NE(option, nullptr) << name;
        EXPECT_EQ(find_dhcp_option(option->code), option) << name;
    }
    EXPECT_EQ(find_dhcp_option(""), nullptr);
    EXPECT_EQ(find_dhcp_option(std::uint8_t{84}), nullptr);
}

// Every code alone and all together: the rank that find() computes is exact.
TEST(DhcpOptions, ASetFindsEachOfItsCodes) {
    DhcpOptionSet all;
    for (unsigned n = 256; n-- > 0;) {
        const auto code = static_cast<std::uint8_t>(n * 37 % 256);
        DhcpOptionSet one;
        one.set(code, {std::byte{code}});
        ASSERT_NE(one.find(code), nullptr);
        EXPECT_EQ(one.find(static_cast<std::uint8_t>(code + 1)), nullptr);
        all.set(code, {std::byte{code}});
    }
    for (unsigned code = 0; code < 256; ++code) {
        EXPECT_EQ(all.find(static_cast<std::uint8_t>(code))->value[0],
                  static_cast<std::byte>(code));
    }
    all.set(7, {});
    EXPECT_EQ(all.entries().size(), 256U);
    EXPECT_TRUE(all.find(7)->value.empty());
}

} // namespace
} // namespace muster
