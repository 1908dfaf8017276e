// SPDX-License-Identifier: Apache-2.0
// What the control puts into the flight recorder, and what of it survives.
#include "tests/unit/core/control/control_fixture.hh"

namespace muster::test {
namespace {

class FlightTest : public ControlTest {
protected:
    Json timeline(std::string_view name = "r1n01") {
        return get(fmt::format("/api/v1/nodes/{}/timeline", name)).json();
    }
    /// `offer ack …` of the node's recorder.
    std::string kinds() {
        std::string all;
        const Json shown = timeline();
        for (const Json& entry : shown.at("recorder")) {
            all += entry.at("kind").get<std::string>() + " ";
        }
        return all;
    }
};

TEST_F(FlightTest, AnInstallIsNotedFromOfferToReport) {
    seen(1);
    seen(1, DhcpClientKind::pxe, true);
    sample(1, "/loaders/ipxe.efi", 900, TransferSample::Phase::completed);
    seen(1, DhcpClientKind::ipxe, true);
    boot_to(1, InstallState::installed);
    EXPECT_EQ(kinds(), "offer ack loader ack power offer script payload answers report report ");
    const Json recorder = timeline().at("recorder");
    EXPECT_EQ(recorder[2].at("text"), "/loaders/ipxe.efi");
    EXPECT_EQ(recorder[2].at("bytes"), 900);
    EXPECT_EQ(recorder[2].at("end"), "done");
    EXPECT_EQ(recorder[4].at("boot"), 2) << "the ROM asked again after a loader";
    EXPECT_EQ(recorder[5].at("boot"), 2);
    EXPECT_EQ(recorder[6].at("text"), "iPXE: install, attempt 1");
    EXPECT_EQ(recorder[8].at("text"), "preseed.cfg");
    EXPECT_EQ(recorder[10].at("text"), "installed");
    EXPECT_TRUE(timeline().at("findings").empty());
}

TEST_F(FlightTest, AReportOfAnEndedAttemptIsNotedWithItsNode) {
    boot_to(1, InstallState::installing);
    const std::string old = token("r1n01");
    post("/api/v1/nodes/r1n01/install");
    boot_to(1, InstallState::booting);
    EXPECT_EQ(ask(1, "/report/" + old + "/installed").status, 403);
    const Json last = timeline().at("recorder").back();
    EXPECT_EQ(last.at("kind"), "refused");
    EXPECT_EQ(last.at("text"), "report installed with the token of attempt 1, which has ended");
}

TEST_F(FlightTest, AnotherDhcpServerIsNamed) {
    seen(1);
    MachineSeen machine;
    machine.mac = mac_of(1);
    machine.kind = DhcpClientKind::pxe;
    machine.other_server = {{10, 0, 0, 99}};
    tell(machine);
    step();
    EXPECT_EQ(kinds(), "offer other-server ");
    const Json findings = timeline().at("findings");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].at("code"), "other-dhcp-server");
    machine.mac = mac_of(77);
    tell(machine);
    step();
    EXPECT_EQ(control->ledger().nodes().find(mac_of(77)), nullptr)
        << "a machine that is served by others is none of ours";
}

TEST_F(FlightTest, SurvivesARestartAfterAFewSeconds) {
    boot_to(1, InstallState::loading);
    const std::string before = kinds();
    wait(flight_interval);
    restart();
    EXPECT_EQ(kinds(), before);
}

TEST_F(FlightTest, IsKeptOnceAStoreThatWasFullTakesChangesAgain) {
    boot_to(1, InstallState::loading);
    store.set_full(true);
    wait(flight_interval);
    store.set_full(false);
    wait(store_retry_interval);
    wait(flight_interval);
    const std::string before = kinds();
    restart();
    EXPECT_EQ(kinds(), before);
}

TEST_F(FlightTest, AStormIsKeptInSlices) {
    Site many = make_site();
    many.unknown = {.action = BootAction::install, .profile = "debian12"};
    reload(many);
    constexpr unsigned machines = 1'200;
    for (unsigned n = 1; n <= machines; ++n) {
        seen(n);
    }
    step();
    const auto before = store.commits();
    wait(flight_interval);
    EXPECT_LE(store.last().flights.size(), flight_slice);
    wait(flight_slice_interval);
    wait(flight_slice_interval);
    EXPECT_GE(store.commits() - before, 3U);
    const auto state = store.load();
    EXPECT_EQ(state->flights.size(), machines);
}

TEST_F(FlightTest, ARemovedNodeLeavesNothingBehind) {
    put("/api/v1/nodes/extra", {{"mac", "52:54:00:00:00:09"}, {"profile", "debian12"}});
    seen(9);
    wait(flight_interval);
    api(DynamicRequest::Method::del, "/api/v1/nodes/extra");
    put("/api/v1/nodes/extra", {{"mac", "52:54:00:00:00:09"}, {"profile", "debian12"}});
    EXPECT_TRUE(timeline("extra").at("recorder").empty());
}

TEST_F(FlightTest, MachinesOfOneUuidAreNamed) {
    MachineSeen machine;
    machine.kind = DhcpClientKind::pxe;
    machine.uuid = Uuid{1, 2, 3};
    for (const unsigned n : {1U, 2U}) {
        machine.mac = mac_of(n);
        machine.address = address_of(n);
        tell(machine);
    }
    step();
    const Json findings = timeline().at("findings");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].at("code"), "duplicate-uuid");
    EXPECT_NE(findings[0].at("message").get<std::string>().find("r1n02"), std::string::npos);
}

} // namespace
} // namespace muster::test
