// SPDX-License-Identifier: Apache-2.0
// Reloads: what a changed site does to nodes that are there.
#include "core/control/installs.hh"

#include "tests/unit/core/control/control_fixture.hh"

namespace muster::test {
namespace {

constexpr Uuid some_uuid = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6};

MachineSeen with_uuid(unsigned n) {
    MachineSeen seen;
    seen.mac = mac_of(n);
    seen.kind = DhcpClientKind::pxe;
    seen.uuid = some_uuid;
    return seen;
}

TEST_F(ControlTest, ANewNodeIsReadyAndPublished) {
    Site site = make_site();
    site.nodes.push_back(spec_of("r1n03", 3));
    reload(site);
    EXPECT_EQ(state("r1n03"), InstallState::ready);
    EXPECT_EQ(snapshot->nodes.size(), 3U);
    EXPECT_EQ(logged(EventKind::site_loaded), 2U);
}

TEST_F(ControlTest, AReloadOfTheSameSiteChangesNoNode) {
    const std::uint64_t revision = node("r1n01").revision;
    reload(make_site());
    EXPECT_EQ(node("r1n01").revision, revision);
}

TEST_F(ControlTest, RunningInstallsGoOnOverAReload) {
    boot_to(1, InstallState::installing);
    const std::string before = token("r1n01");
    Site site = make_site();
    site.nodes[0].tags = {"new"};
    reload(site);
    EXPECT_EQ(token("r1n01"), before);
    EXPECT_EQ(node("r1n01").spec.tags, std::vector<std::string>{"new"});
    EXPECT_EQ(ask(1, "/report/" + before + "/installed").status, 200);
}

TEST_F(ControlTest, AProfileThatGoesStopsWhatHasNotTouchedADisk) {
    boot_to(1, InstallState::loading);
    boot_to(2, InstallState::installing);
    Site site = make_site();
    site.profiles.clear();
    reload(site);
    EXPECT_EQ(state("r1n01"), InstallState::new_node);
    EXPECT_EQ(state("r1n02"), InstallState::installing);
    EXPECT_EQ(boots.at(mac_of(1)).action, BootAction::boot_local);
    EXPECT_EQ(post("/api/v1/nodes/r1n01/install").status, 409);
    EXPECT_EQ(ask(2, "/report/" + token("r1n02") + "/installed").status, 200);
}

TEST_F(ControlTest, ANodeMayGetAnotherLinkAddressAndKeepsItsState) {
    boot_to(1, InstallState::installed);
    Site site = make_site();
    site.nodes[0].macs = {mac_of(0x11)};
    reload(site);
    EXPECT_EQ(state("r1n01"), InstallState::installed) << "only an order may wipe a disk";
    EXPECT_EQ(boots.count(mac_of(1)), 0U);
    EXPECT_EQ(boots.at(mac_of(0x11)).action, BootAction::boot_local);
}

TEST_F(ControlTest, TwoNodesMaySwapTheirLinkAddresses) {
    Site site = make_site();
    std::swap(site.nodes[0].macs, site.nodes[1].macs);
    reload(site);
    EXPECT_EQ(control->ledger().nodes().find(mac_of(1))->name(), "r1n02");
    EXPECT_EQ(control->ledger().nodes().find(mac_of(2))->name(), "r1n01");
    restart();
    EXPECT_EQ(control->ledger().nodes().find(mac_of(1))->name(), "r1n02");
    EXPECT_EQ(control->ledger().nodes().size(), 2U);
}

TEST_F(ControlTest, AListedNodeTakesOverTheDiscoveredMachine) {
    Site site = make_site();
    site.unknown = {.action = BootAction::install, .profile = "debian12"};
    reload(site);
    seen(9);
    step();
    const std::string token = to_text(node("node-525400000009").install.token);
    site.nodes.push_back(spec_of("r1n09", 9));
    reload(site);
    EXPECT_EQ(state("r1n09"), InstallState::booting);
    EXPECT_EQ(control->ledger().nodes().find("node-525400000009"), nullptr);
    EXPECT_EQ(ask(9, "/report/" + token + "/installed").status, 200);
    EXPECT_EQ(state("r1n09"), InstallState::installed);
}

TEST_F(ControlTest, AMachineIsRecognisedByItsUuid) {
    Site site = make_site();
    NodeSpec spec = spec_of("blade", 0);
    spec.macs.clear();
    spec.match.uuid = some_uuid;
    site.nodes.push_back(spec);
    reload(site);
    EXPECT_EQ(state("blade"), InstallState::ready);
    tell(with_uuid(20));
    step();
    EXPECT_EQ(state("blade"), InstallState::booting);
    EXPECT_EQ(boots.at(mac_of(20)).action, BootAction::install);
    restart();
    EXPECT_TRUE(node("blade").has_mac(mac_of(20)));
}

TEST_F(ControlTest, AUuidThatIsListedLaterFindsTheMachineThatWasSeen) {
    tell(with_uuid(20));
    step();
    EXPECT_EQ(post("/api/v1/nodes/node-525400000014/boot-local").status, 200);
    Site site = make_site();
    NodeSpec spec = spec_of("blade", 0);
    spec.macs.clear();
    spec.match.uuid = some_uuid;
    site.nodes.push_back(spec);
    reload(site);
    EXPECT_EQ(state("blade"), InstallState::installed);
    EXPECT_TRUE(node("blade").has_mac(mac_of(20)));
    EXPECT_EQ(control->ledger().nodes().find("node-525400000014"), nullptr);
}

TEST_F(ControlTest, WhatUnknownMachinesGetFollowsTheSite) {
    seen(9);
    step();
    for (const BootAction action : {BootAction::hold, BootAction::boot_local, BootAction::ignore}) {
        Site site = make_site();
        site.unknown.action = action;
        reload(site);
        EXPECT_EQ(boots.at(mac_of(9)).action, action);
        EXPECT_EQ(snapshot->dhcp.unknown_action, action);
    }
}

} // namespace
} // namespace muster::test
