// SPDX-License-Identifier: Apache-2.0
// One install from the first offer to the disk, and what goes wrong on the way.
#include "core/control/control.hh"

#include "tests/unit/core/control/control_fixture.hh"

namespace muster::test {
namespace {

using Phase = TransferSample::Phase;

TEST_F(ControlTest, PublishesOneSnapshotToEveryWorkerAtStart) {
    options.workers = 3;
    Control other{store, content, [](MutableBytes) {}, options};
    other.start({}, std::make_shared<const Site>(site()), now);
    ControlOutbox sent;
    other.step(now, sent);
    ASSERT_EQ(sent.messages.size(), 3U);
    for (unsigned i = 0; i < 3; ++i) {
        EXPECT_EQ(sent.messages[i].worker, static_cast<WorkerId>(i));
        const auto& shot = std::get<SnapshotRef>(sent.messages[i].message);
        EXPECT_EQ(shot, std::get<SnapshotRef>(sent.messages[0].message)) << "shared, not copied";
        EXPECT_EQ(shot->nodes.size(), 2U);
        EXPECT_EQ(shot->files_root, "/site/files");
    }
}

TEST_F(ControlTest, AnInstallGoesThroughItsStates) {
    EXPECT_EQ(state("r1n01"), InstallState::ready);
    EXPECT_EQ(boots.at(mac_of(1)).action, BootAction::install);
    lease(1, 7);
    seen(1);
    step();
    EXPECT_TRUE(leases.at(7));
    EXPECT_EQ(state("r1n01"), InstallState::booting);
    EXPECT_EQ(node("r1n01").install.attempt, 1U);

    wait(1s);
    sample(1, "/loaders/undionly.kpxe", 0, Phase::started);
    wait(1s);
    const Said script = ask(1, "/boot/ipxe");
    EXPECT_EQ(script.status, 200);
    EXPECT_TRUE(script.body.starts_with("#!ipxe\n")) << script.body;
    EXPECT_NE(script.body.find("http://10.0.0.1/answers/" + token("r1n01") + "/preseed.cfg"),
              std::string::npos)
        << script.body;
    EXPECT_EQ(state("r1n01"), InstallState::booting);

    wait(1s);
    sample(1, "/files/debian12/linux", 0, Phase::started);
    step();
    EXPECT_EQ(state("r1n01"), InstallState::loading);
    EXPECT_EQ(node("r1n01").expected_bytes, 4'000U);
    sample(1, "/files/debian12/linux", 1'000, Phase::completed);
    sample(1, "/files/debian12/initrd.gz", 1'000);
    sample(1, "/files/other", 500);
    step();
    EXPECT_EQ(stage_percent(node("r1n01")), 50);
    EXPECT_EQ(node("r1n01").bytes_served, 2'500U);

    wait(5s);
    const Said answers = ask(1, "/answers/" + token("r1n01") + "/preseed.cfg");
    EXPECT_EQ(answers.status, 200);
    EXPECT_EQ(answers.body, "host r1n01 report http://10.0.0.1/report/" + token("r1n01") + "\n");
    EXPECT_EQ(state("r1n01"), InstallState::installing);

    wait(1s);
    const std::string report = "/report/" + token("r1n01");
    EXPECT_EQ(ask(1, report + "/started").body, "ok\n");
    EXPECT_EQ(ask(1, report + "/progress?percent=40&message=unpacking+root%21").status, 200);
    EXPECT_EQ(node("r1n01").install.percent, 40);
    EXPECT_EQ(node("r1n01").install.message, "unpacking root!");
    EXPECT_EQ(
        ask(1, report + "/progress", DynamicRequest::Method::post, "percent=70%25&message=boot")
            .status,
        200);
    EXPECT_EQ(node("r1n01").install.percent, 70);

    wait(10s);
    EXPECT_EQ(ask(1, report + "/installed").body, "ok\n");
    EXPECT_EQ(state("r1n01"), InstallState::installed);
    EXPECT_EQ(boots.at(mac_of(1)).action, BootAction::boot_local);
    EXPECT_EQ(ask(1, report + "/installed").body, "ok\n") << "it may be said again";

    const Json timeline = get("/api/v1/nodes/r1n01").json()["timeline"];
    EXPECT_EQ(timeline, (Json{{"offer", 0.0},
                              {"loader", 1.0},
                              {"script", 2.0},
                              {"kernel", 3.0},
                              {"answers", 8.0},
                              {"started", 9.0},
                              {"installed", 19.0}}));
}

TEST_F(ControlTest, WhatABootWaitedForAddsUpInItsTimelineAndIsKept) {
    const auto acknowledged = [&](Duration collected, Duration flushed) {
        MachineSeen machine;
        machine.mac = mac_of(1);
        machine.address = address_of(1);
        machine.kind = DhcpClientKind::pxe;
        machine.acknowledged = true;
        machine.collected = collected;
        machine.flushed = flushed;
        tell(machine);
    };
    const auto waited = [&] {
        return get("/api/v1/nodes/r1n01/timeline").json()["attempts"].back()["waited_ms_by_cause"];
    };
    seen(1);
    acknowledged(4s, 1500us);
    step();
    EXPECT_EQ(waited(), (Json{{"dhcp_collecting", 4000.0},
                              {"dhcp_flush", 1.5},
                              {"dhcp_probe", 0.0},
                              {"governor", 0.0},
                              {"tftp_no_answer", 0.0}}));
    acknowledged(1s, {});
    auto lost = std::make_unique<TransferSample>();
    lost->client = address_of(1);
    lost->path = "/loaders/undionly.kpxe";
    lost->silence = 700ms;
    tell(std::move(lost), WorkerId{1});
    step();
    EXPECT_EQ(waited(), (Json{{"dhcp_collecting", 5000.0},
                              {"dhcp_flush", 1.5},
                              {"dhcp_probe", 0.0},
                              {"governor", 0.0},
                              {"tftp_no_answer", 700.0}}));
    EXPECT_EQ(read_node_record(write_node_record(node("r1n01")))->boots, node("r1n01").boots);
}

TEST_F(ControlTest, AnInstalledMachineThatBootsFromTheNetworkIsSentToItsDisk) {
    boot_to(1, InstallState::installed);
    for (int i = 0; i < 3; ++i) {
        wait(1h);
        seen(1);
        seen(1, DhcpClientKind::ipxe, true);
        sample(1, "/loaders/undionly.kpxe", 100, Phase::started);
        const std::string script = ask(1, "/boot/ipxe").body;
        EXPECT_NE(script.find("own disk"), std::string::npos) << script;
        EXPECT_EQ(script.find("linux"), std::string::npos) << script;
        EXPECT_EQ(state("r1n01"), InstallState::installed);
    }
    EXPECT_EQ(node("r1n01").install.attempt, 1U);
}

TEST_F(ControlTest, TheSecondDhcpOfABootBelongsToTheSameAttempt) {
    seen(1);
    seen(1, DhcpClientKind::pxe, true);
    seen(1, DhcpClientKind::ipxe);
    seen(1, DhcpClientKind::ipxe, true);
    step();
    EXPECT_EQ(node("r1n01").install.attempt, 1U);
}

TEST_F(ControlTest, DhcpOfAnInstallerIsNoNetworkBoot) {
    seen(1, DhcpClientKind::other, true);
    step();
    EXPECT_EQ(state("r1n01"), InstallState::ready);
}

TEST_F(ControlTest, ACrashBeforeAnyReportGetsTheSameAttemptAgain) {
    boot_to(1, InstallState::installing);
    const std::string before = token("r1n01");
    seen(1);
    EXPECT_EQ(ask(1, "/boot/ipxe").status, 200);
    EXPECT_EQ(token("r1n01"), before);
    EXPECT_EQ(node("r1n01").install.attempt, 1U);
}

TEST_F(ControlTest, APowerCutWhileInstallingBeginsTheNextAttemptAndThenFails) {
    boot_to(1, InstallState::installing);
    const std::string first = token("r1n01");
    ask(1, "/report/" + first + "/started");
    seen(1);
    step();
    EXPECT_EQ(node("r1n01").install.attempt, 2U);
    EXPECT_NE(token("r1n01"), first);
    EXPECT_EQ(logged(EventKind::attempt_failed), 1U);
    EXPECT_EQ(ask(1, "/report/" + first + "/installed").status, 403) << "of the attempt before";
    EXPECT_EQ(state("r1n01"), InstallState::booting);

    ask(1, "/report/" + token("r1n01") + "/started");
    seen(1);
    step();
    EXPECT_EQ(state("r1n01"), InstallState::failed);
    EXPECT_EQ(boots.at(mac_of(1)).action, BootAction::hold);
    const std::string script = ask(1, "/boot/ipxe").body;
    EXPECT_NE(script.find("power cut or crash"), std::string::npos) << script;
}

TEST_F(ControlTest, DeadlinesEndAttempts) {
    boot_to(1, InstallState::booting);
    EXPECT_EQ(control->next_deadline(), now.steady + flight_interval);
    wait(flight_interval);
    EXPECT_EQ(control->next_deadline(), now.steady + 5min - flight_interval);
    wait(5min - flight_interval - 1ms);
    EXPECT_EQ(state("r1n01"), InstallState::booting);
    wait(1ms);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
    boot_to(1, InstallState::installing);
    EXPECT_EQ(node("r1n01").install.attempt, 2U);
    wait(45min - 1ms);
    EXPECT_EQ(state("r1n01"), InstallState::installing);
    wait(1ms);
    EXPECT_EQ(state("r1n01"), InstallState::failed);
    EXPECT_EQ(logged(EventKind::attempt_failed), 2U);
}

TEST_F(ControlTest, AnAttemptThatCameNoFurtherThanItsLoaderIsFollowedByOneOnAnotherWay) {
    Site site = make_site();
    site.profiles.at("debian12").retries = 5;
    reload(site);
    const auto stop_in_loader = [&] {
        boot_to(1, InstallState::booting);
        sample(1, "/loaders/shimx64.efi", 0, TransferSample::Phase::started);
        step();
        wait(5min);
        EXPECT_EQ(state("r1n01"), InstallState::ready);
    };
    EXPECT_EQ(boots.at(mac_of(1)).loader, LoaderChoice::automatic);
    stop_in_loader();
    EXPECT_EQ(boots.at(mac_of(1)).loader, LoaderChoice::other_way);
    EXPECT_EQ(boots.at(mac_of(2)).loader, LoaderChoice::automatic);
    boot_to(1, InstallState::booting);
    EXPECT_EQ(boots.at(mac_of(1)).loader, LoaderChoice::other_way) << "while the attempt runs";
    stop_in_loader();
    EXPECT_EQ(boots.at(mac_of(1)).loader, LoaderChoice::automatic) << "the first may do now";
    stop_in_loader();
    EXPECT_EQ(boots.at(mac_of(1)).loader, LoaderChoice::other_way);
    boot_to(1, InstallState::loading);
    wait(5min);
    EXPECT_EQ(boots.at(mac_of(1)).loader, LoaderChoice::automatic) << "its loader did its work";
    stop_in_loader();
    EXPECT_EQ(boots.at(mac_of(1)).loader, LoaderChoice::other_way);
    EXPECT_EQ(post("/api/v1/nodes/r1n01/install").status, 200);
    EXPECT_EQ(boots.at(mac_of(1)).loader, LoaderChoice::automatic) << "a fresh order";
}

TEST_F(ControlTest, AnotherWayIsOnlyForALoaderThatTheSiteLeavesOpen) {
    Site site = make_site();
    site.profiles.at("debian12").loader = LoaderChoice::ipxe;
    reload(site);
    boot_to(1, InstallState::booting);
    sample(1, "/loaders/snponly.efi", 0, TransferSample::Phase::started);
    step();
    wait(5min);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
    EXPECT_EQ(boots.at(mac_of(1)).loader, LoaderChoice::ipxe);
}

TEST_F(ControlTest, AMachineThatFetchedNoLoaderIsGivenTheSameAgain) {
    boot_to(1, InstallState::booting);
    wait(5min);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
    EXPECT_EQ(boots.at(mac_of(1)).loader, LoaderChoice::automatic);
}

TEST_F(ControlTest, AWallClockThatJumpsEndsNoAttempt) {
    boot_to(1, InstallState::installing);
    now.wall = now.wall + std::chrono::hours{24 * 365};
    wait(1min);
    EXPECT_EQ(state("r1n01"), InstallState::installing);
}

TEST_F(ControlTest, ADeadlineIsKeptAlthoughTheWallClockIsSetBack) {
    boot_to(1, InstallState::installing);
    now.wall = UnixTime{now.wall.ms - 86'400'000};
    wait(45min);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
}

TEST_F(ControlTest, AFreshOrderInstallsAgainAndFencesTheLastAttempt) {
    boot_to(1, InstallState::installed);
    const std::string first = token("r1n01");
    EXPECT_EQ(post("/api/v1/nodes/r1n01/install").status, 200);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
    EXPECT_EQ(boots.at(mac_of(1)).action, BootAction::install);
    EXPECT_EQ(ask(1, "/report/" + first + "/installed").status, 403);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
    boot_to(1, InstallState::installed);
    EXPECT_EQ(node("r1n01").install.attempt, 2U);
}

TEST_F(ControlTest, UnknownMachinesAreListedAndLeftAloneUntilTheSiteSaysOtherwise) {
    seen(9);
    step();
    EXPECT_EQ(state("node-525400000009"), InstallState::new_node);
    EXPECT_EQ(boots.at(mac_of(9)).action, BootAction::ignore);

    Site site = make_site();
    site.unknown = {.action = BootAction::install, .profile = "debian12"};
    reload(site);
    EXPECT_EQ(state("node-525400000009"), InstallState::ready);
    EXPECT_EQ(boots.at(mac_of(9)).action, BootAction::install);
    seen(10);
    step();
    EXPECT_EQ(state("node-52540000000a"), InstallState::booting);
}

TEST_F(ControlTest, ManyLeasesAreOneCommit) {
    const std::uint64_t before = store.commits();
    for (unsigned n = 100; n < 600; ++n) {
        lease(n, n);
    }
    step();
    EXPECT_EQ(store.commits(), before + 1);
    EXPECT_EQ(leases.size(), 500U);
    EXPECT_EQ(control->ledger().leases().size(), 500U);
}

TEST_F(ControlTest, NothingToKeepIsNoCommit) {
    const std::uint64_t before = store.tries();
    get("/api/v1/nodes");
    get("/healthz");
    step();
    EXPECT_EQ(store.tries(), before);
}

TEST_F(ControlTest, LeasesAreAnsweredBeforeTheNodesAndRepliesFollowThem) {
    lease(1, 5);
    seen(1);
    send(1, "/boot/ipxe");
    control->step(now, out);
    ASSERT_EQ(out.messages.size(), 2U) << "the action has not changed, so no NodeBoot";
    EXPECT_TRUE(std::holds_alternative<LeaseCommitted>(out.messages[0].message));
    EXPECT_TRUE(std::holds_alternative<std::unique_ptr<DynamicReply>>(out.messages[1].message));
    EXPECT_EQ(out.messages[1].worker, WorkerId{1});
}

TEST_F(ControlTest, TooManyWaitingMessagesAreRefusedByName) {
    for (std::size_t i = 0; i < control_pending_max; ++i) {
        tell(WorkerMessage{});
    }
    lease(1, 3);
    const auto ticket = send(1, "/boot/ipxe");
    step();
    EXPECT_FALSE(leases.at(3));
    EXPECT_EQ(replies.at(ticket).status, 503);
    EXPECT_GT(replies.at(ticket).retry_after_s, 0U);
    EXPECT_EQ(control->counters().overload, 2U);
}

TEST_F(ControlTest, ProgressIsKeptEveryFewSecondsOnly) {
    boot_to(1, InstallState::loading);
    wait(10s);
    const std::uint64_t before = store.commits();
    for (int i = 0; i < 16; ++i) {
        sample(1, "/files/debian12/initrd.gz", 10);
        wait(250ms);
    }
    EXPECT_EQ(store.commits(), before);
    wait(5s);
    EXPECT_EQ(store.commits(), before + 1);
    restart();
    EXPECT_EQ(node("r1n01").bytes_served, 1'160U);
}

// A rack that installs reports a thousand times a second how far it is.
TEST_F(ControlTest, ReportsOfProgressAreKeptEveryFewSecondsOnly) {
    boot_to(1, InstallState::installing);
    const std::string report = "/report/" + token("r1n01");
    EXPECT_EQ(ask(1, report + "/started").status, 200);
    wait(10s);
    const std::uint64_t before = store.commits();
    for (unsigned percent = 1; percent <= 4; ++percent) {
        const Said said =
            ask(1, fmt::format("{}/progress?percent={}&message=disk", report, percent));
        EXPECT_EQ(said.body, "ok\n");
        EXPECT_EQ(get("/api/v1/nodes/r1n01").json()["stage_percent"], percent);
        wait(1s);
    }
    EXPECT_EQ(store.commits(), before);
    restart();
    EXPECT_EQ(node("r1n01").install.percent, 0) << "killed before it was kept";
    EXPECT_EQ(ask(1, report + "/progress?percent=5&message=disk").status, 200)
        << "the same attempt";
    wait(5s);
    restart();
    EXPECT_EQ(node("r1n01").install.percent, 5);
    EXPECT_EQ(node("r1n01").install.message, "disk");
}

// The first word of an installer is more than progress: it ends the deadline of booting.
TEST_F(ControlTest, TheFirstReportIsKeptBeforeItIsAnswered) {
    boot_to(1, InstallState::loading);
    const std::uint64_t before = store.commits();
    EXPECT_EQ(ask(1, "/report/" + token("r1n01") + "/progress?percent=7").status, 200);
    EXPECT_EQ(store.commits(), before + 1);
    restart();
    EXPECT_EQ(state("r1n01"), InstallState::installing);
    EXPECT_EQ(node("r1n01").install.percent, 7);
}

} // namespace
} // namespace muster::test
