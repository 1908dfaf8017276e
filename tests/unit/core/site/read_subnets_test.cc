// SPDX-License-Identifier: Apache-2.0
// Links, pools and classes of site.yaml, and identities of nodes.
#include "core/site/loader.hh"
#include "core/site/make_snapshot.hh"

#include "tests/unit/core/site/memory_site_files.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

using Lines = std::vector<std::string>;

Result<Site, std::vector<SiteProblem>> load(const std::string& site, const std::string& nodes) {
    return load_site(
        MemorySiteFiles{
            {{"site.yaml", site}, {"profiles/p.yaml", "kernel: k\n"}, {"nodes.yaml", nodes}}},
        "/s");
}

Site loaded(const std::string& site, const std::string& nodes = "") {
    auto made = load(site, nodes);
    EXPECT_TRUE(made.has_value()) << (made ? "" : to_text(made.error().front()));
    return made ? std::move(*made) : Site{};
}

Lines problems(const std::string& site, const std::string& nodes = "") {
    Lines lines;
    if (const auto made = load(site, nodes); !made) {
        for (const SiteProblem& problem : made.error()) {
            lines.push_back(to_text(problem));
        }
    }
    return lines;
}

TEST(SiteSubnets, ReadsIpv6SubnetsBesideIpv4Ones) {
    const Site site = loaded("server: {address: [10.1.0.1, \"fd00:79::1\"]}\n"
                             "classes:\n"
                             "  lab: {match: {vendor-class: lab}}\n"
                             "subnets:\n"
                             "  - subnet: 10.1.0.0/16\n"
                             "  - subnet: fd00:79::/64\n"
                             "    pools: [fd00:79::100-fd00:79::1ff, {range: "
                             "fd00:79::200-fd00:79::2ff, class: lab}]\n"
                             "    dns: [\"fd00:79::53\"]\n"
                             "    domain: rack.example\n"
                             "    lease: 2h\n"
                             "    relay: {link-address: \"fd00:9::1\"}\n"
                             "    interface: eth1\n",
                             "- {name: a, mac: \"52:54:00:00:00:01\", profile: p, address: "
                             "[10.1.0.9, \"fd00:79::9\"]}\n"
                             "- {name: b, mac: \"52:54:00:00:00:02\", profile: p, address: "
                             "\"fd00:79::a\"}\n");
    ASSERT_EQ(site.subnets.size(), 1U);
    ASSERT_EQ(site.subnets6.size(), 1U);
    const Subnet6Plan& plan = site.subnets6[0];
    EXPECT_EQ(to_text(plan.subnet), "fd00:79::/64");
    ASSERT_EQ(plan.pools.size(), 2U);
    EXPECT_EQ(plan.pools[0].range.count(), 256U);
    EXPECT_EQ(plan.pools[1].classes, 1U);
    EXPECT_EQ(to_text(plan.dns.at(0)), "fd00:79::53");
    EXPECT_EQ(plan.lease, 2h);
    EXPECT_EQ(to_text(plan.relays.at(0)), "fd00:9::1");
    EXPECT_EQ(plan.interface, "eth1");
    EXPECT_EQ(to_text(site.server_address6.value()), "fd00:79::1");
    EXPECT_EQ(to_text(site.server_address.value()), "10.1.0.1");
    EXPECT_EQ(to_text(site.nodes.at(0).address6.value()), "fd00:79::9");
    EXPECT_EQ(to_text(site.nodes[0].address.value()), "10.1.0.9");
    EXPECT_FALSE(site.nodes.at(1).address);
}

TEST(SiteSubnets, SaysWhatIsWrongWithIpv6Subnets) {
    EXPECT_EQ(problems("subnets:\n"
                       "  - {subnet: \"fd00:79::1/64\"}\n"
                       "  - {subnet: \"fd00:80::/64\", router: \"fd00:80::1\"}\n"
                       "  - {subnet: \"fd00:80:0:0:1::/80\"}\n"
                       "  - {subnet: \"fd00:81::/64\", pools: [fd00:82::1-fd00:82::2]}\n"),
              (Lines{"site.yaml:2:14: 'fd00:79::1/64' is no subnet such as fd00:79::/64, with the "
                     "host part zero",
                     "site.yaml:3:30: unknown key 'router' in IPv6 subnet; known are: dns, domain, "
                     "interface, lease, options, pools, relay, shared-network, subnet",
                     "site.yaml:4:14: subnet fd00:80:0:0:1::/80 overlaps subnet fd00:80::/64 "
                     "(site.yaml:3:14)",
                     "site.yaml:5:38: pool fd00:82::1-fd00:82::2 leaves its subnet fd00:81::/64"}));
    EXPECT_EQ(problems("subnets: [{subnet: \"fd00:79::/64\"}]\n",
                       "- {name: a, mac: \"52:54:00:00:00:01\", profile: p, address: "
                       "\"fd00:80::1\"}\n"
                       "- {name: b, mac: \"52:54:00:00:00:02\", profile: p, address: "
                       "[\"fd00:79::5\", \"fd00:79::6\"]}\n")
                  .size(),
              2U);
}

TEST(SiteSubnets, ReadsWhereASubnetIs) {
    const Site site = loaded("subnets:\n"
                             "  - subnet: 10.1.0.0/16\n"
                             "    relay: {giaddr: [10.1.0.2, 10.1.0.3]}\n"
                             "    shared-network: hall1\n"
                             "  - {subnet: 10.2.0.0/16, relay: {giaddr: 10.1.0.2}, shared-network: "
                             "hall1}\n"
                             "  - {subnet: 10.3.0.0/16, interface: eth1.100}\n");
    ASSERT_EQ(site.subnets.size(), 3U);
    EXPECT_EQ(site.subnets[0].relays, (std::vector<Ipv4Address>{{{10, 1, 0, 2}}, {{10, 1, 0, 3}}}));
    EXPECT_EQ(site.subnets[1].relays, (std::vector<Ipv4Address>{{{10, 1, 0, 2}}}));
    EXPECT_EQ(site.subnets[2].interface, "eth1.100");
    EXPECT_EQ(links_of(site.subnets), (std::vector<std::uint16_t>{0, 0, 2}));
}

TEST(SiteSubnets, RefusesTwoSubnetsInOnePlace) {
    EXPECT_EQ(problems("subnets:\n"
                       "  - {subnet: 10.1.0.0/16, relay: {giaddr: 10.1.0.2}, interface: eth0}\n"
                       "  - {subnet: 10.2.0.0/16, relay: {giaddr: 10.1.0.2}, interface: eth0}\n"),
              (Lines{"site.yaml:3:14: giaddr 10.1.0.2 is also that of subnet 10.1.0.0/16 "
                     "(site.yaml:2:14); give both the same 'shared-network' if they are one "
                     "network",
                     "site.yaml:3:14: interface eth0 is also that of subnet 10.1.0.0/16 "
                     "(site.yaml:2:14); give both the same 'shared-network' if they are one "
                     "network"}));
    EXPECT_EQ(problems("subnets:\n"
                       "  - {subnet: 10.1.0.0/16, interface: a/b, shared-network: 'x y'}\n"),
              (Lines{"site.yaml:2:38: 'a/b' is no name of a network interface",
                     "site.yaml:2:59: 'x y' is no name of a shared network (letters, digits, '.', "
                     "'_' and '-')"}));
}

TEST(SiteSubnets, ReadsPoolsOfClasses) {
    const Site site = loaded("classes:\n"
                             "  pi: {match: {mac-prefix: [b8:27:eb, dc:a6:32:01]}}\n"
                             "  arm: {match: {architecture: [11, 19], vendor-class: 'PXE*'}, "
                             "loader: ipxe, options: {mtu: 1400}}\n"
                             "subnets:\n"
                             "  - subnet: 10.1.0.0/16\n"
                             "    pools:\n"
                             "      - 10.1.1.0-10.1.1.9\n"
                             "      - {range: 10.1.2.0-10.1.2.9, class: [arm, pi]}\n"
                             "      - {range: 10.1.3.0-10.1.3.9, bootp: true}\n");
    ASSERT_EQ(site.classes.size(), 2U);
    EXPECT_EQ(site.classes[0].name, "pi") << "in the order of the file";
    EXPECT_EQ(site.classes[0].mac_prefixes,
              (std::vector<MacPrefix>{{{{0xB8, 0x27, 0xEB, 0, 0, 0}}, 3},
                                      {{{0xDC, 0xA6, 0x32, 1, 0, 0}}, 4}}));
    EXPECT_EQ(site.classes[1].architectures, (std::vector<std::uint16_t>{11, 19}));
    EXPECT_EQ(site.classes[1].vendor_classes, Lines{"PXE*"});
    EXPECT_EQ(site.classes[1].loader, LoaderChoice::ipxe);
    EXPECT_TRUE(site.classes[1].options.has(26));
    const auto& pools = site.subnets[0].pools;
    ASSERT_EQ(pools.size(), 3U);
    EXPECT_EQ(pools[0].classes, 0U);
    EXPECT_FALSE(pools[0].bootp);
    EXPECT_EQ(pools[1].classes, 3U);
    EXPECT_TRUE(pools[2].bootp);
}

TEST(SiteSubnets, SaysWhatIsWrongWithClasses) {
    EXPECT_EQ(
        problems("classes:\n"
                 "  pi: {match: {mac-prefix: b8:27:e}}\n"
                 "  all: {match: {}}\n"
                 "  none: {options: {mtu: 1}}\n"
                 "  far: {match: {architecture: 65536}, loader: grb}\n"
                 "subnets:\n"
                 "  - {subnet: 10.1.0.0/16, pools: [{range: 10.1.0.1, class: pj}, {class: pi}]}\n"),
        (Lines{"site.yaml:2:28: mac-prefix 'b8:27:e' is no beginning of a MAC address such "
               "as b8:27:eb",
               "site.yaml:3:16: match holds for every client: it has none of architecture, "
               "vendor-class, user-class and mac-prefix",
               "site.yaml:4:9: class has no key 'match'",
               "site.yaml:5:31: architecture '65536' is no number from 0 to 65535",
               "site.yaml:5:47: unknown loader 'grb'; did you mean 'grub'?",
               "site.yaml:7:60: there is no class 'pj'; did you mean 'pi'?",
               "site.yaml:7:65: pool has no key 'range'"}));
}

TEST(SiteSubnets, AnOptionIsSaidOnce) {
    EXPECT_EQ(problems("subnets:\n"
                       "  - {subnet: 10.1.0.0/16, router: 10.1.0.1, options: {routers: "
                       "10.1.0.2}}\n"),
              Lines{"site.yaml:2:54: option 3 is given by the key 'router' already"});
}

TEST(SiteSubnets, TheSitesOptionsStandBehindThoseOfASubnet) {
    Site site = loaded("defaults:\n"
                       "  options: {mtu: 1500, ntp-servers: 10.0.0.5, routers: 10.9.9.9, "
                       "domain-name-servers: 10.9.9.8, domain-name: a.example}\n"
                       "subnets:\n"
                       "  - {subnet: 10.1.0.0/16, router: 10.1.0.1, dns: 10.1.0.2, options: {mtu: "
                       "9000}}\n"
                       "  - {subnet: 10.2.0.0/16, domain: b.example}\n"
                       "unknown-nodes: {profile: p}\n");
    site.profiles["p"].options.set(26, {std::byte{1}});
    const Snapshot snapshot = make_snapshot(site, {});
    const DhcpOptionSet& first = snapshot.dhcp.subnets[0].options;
    EXPECT_EQ(first.find(26)->value, (std::vector{std::byte{0x23}, std::byte{0x28}}));
    EXPECT_TRUE(first.has(42));
    EXPECT_FALSE(first.has(3)) << "the subnet's key says it";
    EXPECT_FALSE(first.has(6));
    EXPECT_TRUE(first.has(15));
    const DhcpOptionSet& second = snapshot.dhcp.subnets[1].options;
    EXPECT_TRUE(second.has(3));
    EXPECT_TRUE(second.has(6));
    EXPECT_FALSE(second.has(15));
    ASSERT_NE(snapshot.dhcp.unknown_options.set, nullptr);
    EXPECT_TRUE(snapshot.dhcp.unknown_options.set->has(26));
}

TEST(SiteNodes, AreKnownByClientIdAndSwitchPort) {
    const Site site = loaded(
        "", "- {name: a, profile: p, match: {client-id: '01:52:54:00:00:00:01'}}\n"
            "- {name: b, profile: p, match: {client-id: 0xff0001}}\n"
            "- {name: c, profile: p, match: {circuit-id: rack1/port17}}\n"
            "- {name: d, profile: p, match: {circuit-id: rack1/port17, remote-id: sw2}}\n"
            "- {name: e, profile: p, match: {circuit-id: 0x00040001}, options: {mtu: 9000}}\n");
    ASSERT_EQ(site.nodes.size(), 5U);
    EXPECT_EQ(site.nodes[0].match.client_id, (std::string{"\1\x52\x54\0\0\0\1", 7}));
    EXPECT_EQ(site.nodes[1].match.client_id, (std::string{"\xff\0\1", 3}));
    EXPECT_EQ(site.nodes[2].match.circuit_id, "rack1/port17");
    EXPECT_EQ(site.nodes[3].match.remote_id, "sw2");
    EXPECT_EQ(site.nodes[4].match.circuit_id, (std::string{"\0\4\0\1", 4}));
    EXPECT_TRUE(site.nodes[4].options.has(26));
}

TEST(SiteNodes, ShareNoIdentity) {
    EXPECT_EQ(problems("", "- {name: a, profile: p, match: {client-id: 0x01, circuit-id: x}}\n"
                           "- {name: b, profile: p, match: {client-id: '0x01', circuit-id: x}}\n"
                           "- {name: c, profile: p, match: {circuit-id: 0x1}}\n"
                           "- {name: d, profile: p, match: {remote-id: " +
                               std::string(65, 'r') +
                               "}}\n"
                               "- {name: e, profile: p, match: {}}\n"),
              (Lines{"nodes.yaml:2:44: client-id '0x01' is also that of node a (nodes.yaml:1:44)",
                     "nodes.yaml:2:64: circuit-id 'x' is also that of node a (nodes.yaml:1:62)",
                     "nodes.yaml:3:45: circuit-id '0x1' is neither a text nor a hexadecimal value "
                     "such as 0x0004000a",
                     "nodes.yaml:4:44: remote-id is longer than 64 bytes",
                     "nodes.yaml:5:32: match has none of uuid, client-id, circuit-id and "
                     "remote-id"}));
}

} // namespace
} // namespace muster
