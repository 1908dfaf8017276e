// SPDX-License-Identifier: Apache-2.0
// kill -9 after every step of an install: the state after is the state before, and it goes on.
#include "core/control/control.hh"

#include "tests/unit/core/control/control_fixture.hh"

namespace muster::test {
namespace {

/// Runs an install whose control is killed after each step in turn, and after all of them.
TEST_F(ControlTest, AnInstallSurvivesARestartAfterAnyStep) {
    const std::vector<std::function<void()>> steps = {
        [this] { lease(1); },
        [this] { seen(1); },
        [this] { sample(1, "/loaders/undionly.kpxe", 0, TransferSample::Phase::started); },
        [this] { send(1, "/boot/ipxe"); },
        [this] { sample(1, "/files/debian12/linux", 0, TransferSample::Phase::started); },
        [this] { sample(1, "/files/debian12/initrd.gz", 0, TransferSample::Phase::started); },
        [this] { send(1, "/answers/" + token("r1n01") + "/preseed.cfg"); },
        [this] { send(1, "/report/" + token("r1n01") + "/started"); },
        [this] {
            send(1, "/report/" + token("r1n01") + "/progress?percent=50&message=half");
            step();
            wait(progress_interval);
        },
        [this] { send(1, "/report/" + token("r1n01") + "/installed"); },
        [this] { seen(1); },
    };
    constexpr std::size_t everywhere = 1'000;
    for (std::size_t kill = 0; kill <= steps.size(); ++kill) {
        const std::size_t at = kill == steps.size() ? everywhere : kill;
        ASSERT_EQ(post("/api/v1/nodes/r1n01/install").status, 200);
        for (std::size_t i = 0; i < steps.size(); ++i) {
            steps[i]();
            step();
            if (i != at && at != everywhere) {
                continue;
            }
            const Install before = node("r1n01").install;
            const auto boots_before = boots;
            restart();
            EXPECT_EQ(node("r1n01").install, before) << "after step " << i;
            EXPECT_EQ(boots, boots_before) << "after step " << i;
        }
        EXPECT_EQ(state("r1n01"), InstallState::installed) << "killed after " << at;
        EXPECT_EQ(node("r1n01").install.attempt, kill + 1) << "no attempt was lost or repeated";
    }
}

TEST_F(ControlTest, WhatWasNotAnsweredBeforeAKillMayBeRepeated) {
    boot_to(1, InstallState::installing);
    const std::string report = "/report/" + token("r1n01") + "/installed";
    send(1, report); // killed before the step
    restart();
    EXPECT_EQ(state("r1n01"), InstallState::installing);
    EXPECT_EQ(ask(1, report).status, 200);
    EXPECT_EQ(state("r1n01"), InstallState::installed);
}

TEST_F(ControlTest, DeadlinesThatPassedWhileNobodyServedGetAGrace) {
    boot_to(1, InstallState::installing);
    now.wall = now.wall + 3h;
    now.steady = Instant{5};
    restart();
    EXPECT_EQ(state("r1n01"), InstallState::installing);
    EXPECT_EQ(control->next_deadline(), now.steady + options.restart_grace);
    EXPECT_EQ(ask(1, "/report/" + token("r1n01") + "/installed").status, 200);
    EXPECT_EQ(control->next_deadline(), now.steady + flight_interval);
    wait(flight_interval);
    EXPECT_EQ(control->next_deadline(), Instant::never());
}

TEST_F(ControlTest, ADeadlineGoesOnOverARestart) {
    boot_to(1, InstallState::booting);
    wait(1min);
    restart();
    EXPECT_EQ(control->next_deadline(), now.steady + 4min);
    wait(4min);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
}

TEST_F(ControlTest, LeasesNameTheirNodesAfterARestart) {
    lease(1);
    step();
    restart();
    EXPECT_NE(ask(1, "/boot/ipxe").body.find("r1n01"), std::string::npos);
    EXPECT_EQ(get("/api/v1/nodes/r1n01").json()["address"], "10.0.0.1");
}

TEST_F(ControlTest, EventsGoOnCountingAfterARestart) {
    boot_to(1, InstallState::loading);
    const std::uint64_t last = control->ledger().events().back().id;
    restart();
    EXPECT_EQ(control->ledger().events().back().id, last + 1) << "the site was loaded";
}

TEST_F(ControlTest, AnInstalledNodeThatTheSiteNoLongerListsIsNotWipedWhenItReturns) {
    boot_to(1, InstallState::installed);
    Site site = make_site();
    site.nodes.erase(site.nodes.begin());
    site.unknown = {.action = BootAction::install, .profile = "debian12"};
    restart(site);
    EXPECT_EQ(boots.at(mac_of(1)).action, BootAction::boot_local) << "not as an unknown machine";
    seen(1);
    step();
    EXPECT_EQ(state("r1n01"), InstallState::installed);
    Site renamed = make_site();
    renamed.nodes[0].name = "r9n09";
    restart(renamed);
    EXPECT_EQ(state("r9n09"), InstallState::installed) << "the machine is the same";
    EXPECT_EQ(control->ledger().nodes().find("r1n01"), nullptr);
    EXPECT_EQ(boots.at(mac_of(1)).action, BootAction::boot_local);
}

} // namespace
} // namespace muster::test
