// SPDX-License-Identifier: Apache-2.0
#include "core/site/make_snapshot.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

Site site() {
    Site made;
    made.folder = "/etc/muster";
    made.server_address = Ipv4Address{{10, 0, 0, 1}};
    SubnetPlan plan;
    plan.subnet = {{{10, 0, 0, 0}}, 16};
    made.subnets.push_back(plan);
    plan.subnet = {{{10, 1, 0, 0}}, 16};
    plan.dns = {Ipv4Address{{10, 0, 0, 53}}};
    made.subnets.push_back(plan);
    made.profiles["p"].loader = LoaderChoice::pxelinux;
    made.unknown = {BootAction::install, "p"};
    return made;
}

TEST(MakeSnapshot, TakesWhatWorkersNeed) {
    NodeBoot node;
    node.mac = MacAddress{{0x52, 0x54, 0, 0, 0, 1}};
    const Snapshot snapshot = make_snapshot(site(), {.loaders = {{"ipxe.efi", "/x"}},
                                                     .nodes = {node},
                                                     .ports = {.http = 8080, .https = 8443},
                                                     .revision = 7});
    EXPECT_EQ(snapshot.revision, 7U);
    EXPECT_EQ(snapshot.files_root, "/etc/muster/files");
    EXPECT_EQ(snapshot.loaders.at("ipxe.efi"), "/x");
    EXPECT_EQ(snapshot.nodes, std::vector<NodeBoot>{node});
    EXPECT_EQ(snapshot.dhcp.ports.http, 8080);
    EXPECT_EQ(snapshot.dhcp.ports.https, 0) << "the site asks for no https";
    EXPECT_EQ(snapshot.dhcp.server_address, (Ipv4Address{{10, 0, 0, 1}}));
    EXPECT_EQ(snapshot.dhcp.subnets.size(), 2U);
    EXPECT_EQ(snapshot.dhcp.unknown_action, BootAction::install);
    EXPECT_EQ(snapshot.dhcp.unknown_loader, LoaderChoice::pxelinux);
}

TEST(MakeSnapshot, HttpBootGoesOverHttpsWhereTheSiteSaysSo) {
    Site made = site();
    made.http_boot_by_https = true;
    SnapshotParts parts;
    parts.ports.https = 8443;
    EXPECT_EQ(make_snapshot(made, parts).dhcp.ports.https, 8443);
}

TEST(MakeSnapshot, TheServerIsTheNameServerWhereNoneIsGiven) {
    const Snapshot snapshot = make_snapshot(site(), {});
    EXPECT_EQ(snapshot.dhcp.subnets[0].dns, (std::vector<Ipv4Address>{{{10, 0, 0, 1}}}));
    EXPECT_EQ(snapshot.dhcp.subnets[1].dns, (std::vector<Ipv4Address>{{{10, 0, 0, 53}}}));
}

TEST(MakeSnapshot, WhatTheSiteLeavesOpenStaysOpen) {
    Site open = site();
    open.server_address.reset();
    open.unknown = {BootAction::boot_local, ""};
    open.folder = "/";
    const Snapshot snapshot = make_snapshot(open, {});
    EXPECT_EQ(snapshot.dhcp.server_address, Ipv4Address{});
    EXPECT_TRUE(snapshot.dhcp.subnets[0].dns.empty());
    EXPECT_EQ(snapshot.dhcp.unknown_action, BootAction::boot_local);
    EXPECT_EQ(snapshot.dhcp.unknown_loader, LoaderChoice::automatic);
    EXPECT_EQ(snapshot.files_root, "/files");
}

} // namespace
} // namespace muster
