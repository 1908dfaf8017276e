// SPDX-License-Identifier: Apache-2.0
// Reloads: what a changed site does to nodes that are there.
#include "core/control/installs.hh"
#include "core/node/node_alias.hh"

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

// A machine is known by where it is plugged in: the engine must find the node by the port before
// it ever saw the machine, and by its link address where no relay says the port.
TEST_F(ControlTest, AMachineIsRecognisedByItsSwitchPort) {
    Site site = make_site();
    NodeSpec spec = spec_of("u17", 0);
    spec.macs.clear();
    spec.match.circuit_id = "port17";
    spec.match.remote_id = "sw1";
    spec.address = Ipv4Address{{10, 0, 0, 17}};
    site.nodes.push_back(spec);
    spec.name = "u18";
    spec.match.circuit_id = "port18";
    spec.address.reset();
    site.nodes.push_back(spec);
    reload(site);
    const std::string port17{NodeAlias::of_port("port17", "sw1").key()};
    const std::string port18{NodeAlias::of_port("port18", "sw1").key()};
    EXPECT_EQ(aliases.at(port17).action, BootAction::install);
    EXPECT_EQ(aliases.at(port17).reserved, (Ipv4Address{{10, 0, 0, 17}}));

    const auto at_port = [](std::string_view circuit) {
        MachineSeen seen;
        seen.mac = mac_of(20);
        seen.kind = DhcpClientKind::pxe;
        seen.circuit_id = ShortIdentifier{circuit};
        seen.remote_id = ShortIdentifier{"sw1"};
        return seen;
    };
    tell(at_port("port17"));
    step();
    EXPECT_EQ(state("u17"), InstallState::booting);
    EXPECT_STREQ(boots.at(mac_of(20)).name.data(), "u17");
    EXPECT_TRUE(boots.at(mac_of(20)).learned);
    EXPECT_EQ(node("u17").circuit_id, "port17");

    tell(at_port("port18")); // somebody moved it
    step();
    EXPECT_EQ(state("u18"), InstallState::booting);
    EXPECT_STREQ(boots.at(mac_of(20)).name.data(), "u18");
    EXPECT_FALSE(node("u17").has_mac(mac_of(20)));
    restart();
    EXPECT_TRUE(node("u18").has_mac(mac_of(20)));

    reload(make_site());
    EXPECT_TRUE(aliases.count(port17) == 0 || aliases.at(port17).removed);
    EXPECT_TRUE(aliases.count(port18) == 0 || aliases.at(port18).removed);
}

// A renewal passes no relay and shows no port: the link address has to be known by then.
TEST_F(ControlTest, ASystemThatNeverBootsFromTheNetworkIsLearnedToo) {
    Site site = make_site();
    NodeSpec spec = spec_of("u17", 0);
    spec.macs.clear();
    spec.match.circuit_id = "port17";
    site.nodes.push_back(spec);
    reload(site);
    MachineSeen system;
    system.mac = mac_of(20);
    system.circuit_id = ShortIdentifier{"port17"};
    tell(system);
    step();
    EXPECT_STREQ(boots.at(mac_of(20)).name.data(), "u17");
    EXPECT_EQ(state("u17"), InstallState::ready) << "its system's lease begins no install";
    system.mac = mac_of(21);
    system.circuit_id = ShortIdentifier{"port99"};
    tell(system);
    step();
    EXPECT_EQ(boots.count(mac_of(21)), 0U) << "and discovers nobody";
}

TEST_F(ControlTest, AMachineThatWasSeenBecomesTheNodeOfItsPort) {
    seen(20);
    step();
    EXPECT_NE(control->ledger().nodes().find("node-525400000014"), nullptr);
    Site site = make_site();
    NodeSpec spec = spec_of("u17", 0);
    spec.macs.clear();
    spec.match.circuit_id = "port17";
    site.nodes.push_back(spec);
    reload(site);
    MachineSeen again;
    again.mac = mac_of(20);
    again.kind = DhcpClientKind::pxe;
    again.circuit_id = ShortIdentifier{"port17"};
    again.remote_id = ShortIdentifier{"whichever"};
    tell(again);
    step();
    EXPECT_EQ(control->ledger().nodes().find("node-525400000014"), nullptr);
    EXPECT_TRUE(node("u17").has_mac(mac_of(20)));
    EXPECT_STREQ(boots.at(mac_of(20)).name.data(), "u17");
}

TEST_F(ControlTest, ANodesOptionsStandBeforeItsProfiles) {
    Site site = make_site();
    ASSERT_FALSE(site.nodes.empty());
    NodeSpec& spec = site.nodes.front();
    Profile& profile = site.profiles.at(spec.profile);
    profile.options.set(42, {std::byte{1}});
    profile.options.set(26, {std::byte{2}});
    spec.options.set(26, {std::byte{3}});
    reload(site);
    const NodeBoot& boot = boots.at(spec.macs.front());
    ASSERT_NE(boot.options.set, nullptr);
    EXPECT_EQ(boot.options.set->find(42)->value, std::vector{std::byte{1}});
    EXPECT_EQ(boot.options.set->find(26)->value, std::vector{std::byte{3}});
}

TEST_F(ControlTest, PoolsThatRanDryAreAnEventThatSaysWhatHelps) {
    tell(PoolsDry{.mac = mac_of(20),
                  .subnet = {{{10, 0, 0, 0}}, 16},
                  .addresses = 100,
                  .lease = std::chrono::hours{1}});
    step();
    const Event& event = control->ledger().events().back();
    EXPECT_EQ(event.kind, EventKind::limit_reached);
    EXPECT_EQ(event.message,
              "no address left for 52:54:00:00:00:14 in subnet 10.0.0.0/16: none of the 100 of its "
              "pools that the machine may have is free; add a range to 'pools', or shorten 'lease' "
              "(now 3600 s) so that addresses of machines that are gone come back sooner");
}

TEST_F(ControlTest, AnAddressThatSomebodyHasIsAnEventThatNamesBoth) {
    tell(AddressConflict{.address = {{10, 0, 0, 77}},
                         .mac = mac_of(20),
                         .subnet = Subnet{{{10, 0, 0, 0}}, 16},
                         .interface = "eth1",
                         .quarantine = std::chrono::minutes{10}});
    tell(AddressConflict{
        .address = {{10, 9, 0, 7}}, .quarantine = std::chrono::minutes{10}, .untold = 3});
    step();
    const auto& events = control->ledger().events();
    const Event& first = events[events.size() - 2];
    EXPECT_EQ(first.kind, EventKind::address_in_use);
    EXPECT_EQ(first.message,
              "10.0.0.77 is in use in subnet 10.0.0.0/16 on eth1: 52:54:00:00:00:14 answers there, "
              "so it is offered to nobody for 600 s; take it out of 'pools', or list the machine "
              "as a node with this address");
    EXPECT_EQ(events.back().message,
              "10.9.0.7 is in use: somebody answers there, so it is offered to nobody for 600 s; "
              "take it out of 'pools', or list the machine as a node with this address (3 more "
              "since the last one told)");
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
