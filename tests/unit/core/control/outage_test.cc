// SPDX-License-Identifier: Apache-2.0
// What happens while the store takes nothing: nothing is visible that is not kept, the operator
// hears once, and all goes on when there is space again.
#include "core/control/control.hh"

#include "tests/unit/core/control/control_fixture.hh"

namespace muster::test {
namespace {

TEST_F(ControlTest, ALeaseThatCannotBeKeptIsNotDurable) {
    lease(1, 1);
    step();
    store.set_full(true);
    lease(2, 2);
    step();
    EXPECT_TRUE(leases.at(1));
    EXPECT_FALSE(leases.at(2));
    EXPECT_FALSE(control->ledger().leases().contains(address_of(2)));
    store.set_full(false);
    lease(2, 3);
    step();
    EXPECT_TRUE(leases.at(3));
}

TEST_F(ControlTest, ATransitionThatCannotBeKeptIsNotVisible) {
    store.set_full(true);
    seen(1);
    step();
    EXPECT_EQ(state("r1n01"), InstallState::ready);
    EXPECT_EQ(node("r1n01").install.attempt, 0U);
    EXPECT_EQ(get("/api/v1/nodes/r1n01").json()["state"], "ready");
    const Said script = ask(1, "/boot/ipxe?mac=52:54:00:00:00:01");
    EXPECT_EQ(script.status, 503);
    EXPECT_GT(script.retry_after_s, 0U);
    EXPECT_EQ(post("/api/v1/nodes/r1n01/ignore").status, 503);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
}

TEST_F(ControlTest, WhatNeedsNoChangeIsServedDuringAnOutage) {
    boot_to(1, InstallState::installed);
    boot_to(2, InstallState::loading);
    EXPECT_EQ(ask(2, "/boot/ipxe").status, 200);
    store.set_full(true);
    lease(9, 9);
    step();
    EXPECT_EQ(ask(1, "/boot/ipxe").status, 200);
    EXPECT_EQ(ask(2, "/boot/ipxe").status, 200) << "the attempt runs already";
    EXPECT_EQ(ask(1, "/report/" + token("r1n01") + "/installed").status, 200) << "said again";
    EXPECT_EQ(ask(2, "/report/" + token("r1n02") + "/started").status, 503);
    EXPECT_EQ(get("/api/v1/nodes").status, 200);
    EXPECT_EQ(get("/healthz").status, 200);
    EXPECT_EQ(get("/readyz").status, 503);
}

TEST_F(ControlTest, AScriptWithoutALiveTokenInstallsNothing) {
    lease(1);
    step();
    store.set_full(true);
    seen(1); // begins the attempt, in the same batch as the script that would carry its token
    const Said script = ask(1, "/boot/ipxe");
    EXPECT_EQ(script.status, 503) << script.body;
}

// A machine whose connection broke says it again, and both reach control in one batch.
TEST_F(ControlTest, ARepeatedReportIsNotConfirmedBeforeTheFirstOneIsKept) {
    boot_to(1, InstallState::installing);
    const std::string installed = "/report/" + token("r1n01") + "/installed";
    store.set_full(true);
    const auto first = send(1, installed);
    const auto second = send(1, installed);
    step();
    EXPECT_EQ(replies.at(first).status, 503);
    EXPECT_EQ(replies.at(second).status, 503);
    EXPECT_EQ(state("r1n01"), InstallState::installing);
    store.set_full(false);
    wait(1s);
    EXPECT_EQ(ask(1, installed).status, 200);
    EXPECT_EQ(state("r1n01"), InstallState::installed);
}

TEST_F(ControlTest, RepeatedAnswersAreNotGivenBeforeItIsKeptThatTheyWere) {
    boot_to(1, InstallState::loading);
    const std::string answers = "/answers/" + token("r1n01") + "/preseed.cfg";
    store.set_full(true);
    const auto first = send(1, answers);
    const auto second = send(1, answers);
    step();
    EXPECT_EQ(replies.at(first).status, 503);
    EXPECT_EQ(replies.at(second).status, 503);
    store.set_full(false);
    wait(1s);
    EXPECT_EQ(ask(1, answers).status, 200);
}

TEST_F(ControlTest, AnOutageIsOneLineAndItsEndAnother) {
    const std::size_t kept = control->ledger().events().size();
    store.set_full(true);
    for (unsigned i = 1; i <= 50; ++i) {
        lease(i, i);
        wait(100ms);
    }
    EXPECT_EQ(logged(EventKind::store_failed), 1U);
    EXPECT_EQ(control->counters().leases_refused, 50U);
    EXPECT_NE(get("/metrics").body.find("muster_store_up 0"), std::string::npos);
    store.set_full(false);
    wait(1s); // it is tried although nobody asks for anything
    EXPECT_EQ(logged(EventKind::store_failed), 1U);
    EXPECT_EQ(logged(EventKind::store_recovered), 1U);
    EXPECT_EQ(get("/readyz").status, 200);
    EXPECT_NE(get("/metrics").body.find("muster_store_up 1"), std::string::npos);
    // Both are kept, and ids have no gap that --follow would wait for.
    EXPECT_EQ(control->ledger().events().size(), kept + 2);
    for (std::size_t i = 0; i < control->ledger().events().size(); ++i) {
        EXPECT_EQ(control->ledger().events()[i].id, i + 1);
    }
}

TEST_F(ControlTest, AnOutageIsProbedOnceASecond) {
    store.set_full(true);
    lease(1, 1);
    step();
    const std::uint64_t before = store.tries();
    EXPECT_EQ(control->next_deadline(), now.steady + store_retry_interval);
    for (int i = 0; i < 100; ++i) {
        wait(100ms);
    }
    EXPECT_LE(store.tries(), before + 10);
}

TEST_F(ControlTest, DeadlinesOfAnOutageFireAfterIt) {
    boot_to(1, InstallState::booting);
    store.set_full(true);
    wait(10min);
    EXPECT_EQ(state("r1n01"), InstallState::booting);
    EXPECT_GT(control->next_deadline(), now.steady) << "no busy loop";
    store.set_full(false);
    wait(1s);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
}

TEST_F(ControlTest, AReloadDuringAnOutageTakesEffectAfterIt) {
    store.set_full(true);
    lease(1, 1);
    step();
    Site site = make_site();
    site.nodes.push_back(spec_of("r1n03", 3));
    const SnapshotRef before = snapshot;
    reload(site);
    EXPECT_EQ(snapshot, before);
    EXPECT_EQ(control->ledger().nodes().find("r1n03"), nullptr);
    store.set_full(false);
    wait(1s);
    EXPECT_EQ(state("r1n03"), InstallState::ready);
    EXPECT_NE(snapshot, before);
    EXPECT_EQ(snapshot->nodes.size(), 3U);
}

TEST_F(ControlTest, KnownNodesAreServedWhenTheStoreIsFullFromTheStart) {
    boot_to(1, InstallState::installed);
    store.set_full(true);
    restart();
    ASSERT_NE(snapshot, nullptr);
    EXPECT_EQ(boots.at(mac_of(1)).action, BootAction::boot_local);
    EXPECT_EQ(ask(1, "/boot/ipxe").status, 200);
    lease(5, 5);
    step();
    EXPECT_FALSE(leases.at(5));
    store.set_full(false);
    wait(1s);
    EXPECT_EQ(logged(EventKind::store_recovered), 1U);
}

// The first start of a server, or the first with a changed site, on a full disk that gets space a
// moment later: a machine that the site lists must not be taken for an unknown one meanwhile.
TEST_F(ControlTest, NobodyIsUnknownBeforeTheSiteIsKept) {
    Site site = make_site();
    site.unknown = {.action = BootAction::install, .profile = "debian12"};
    site.nodes.push_back(spec_of("r1n03", 3, "")); // without a profile: boots its own disk
    store.set_full(true);
    restart(site);
    store.set_full(false);
    lease(3, 3);
    seen(3);
    EXPECT_EQ(ask(3, "/boot/ipxe?mac=52:54:00:00:00:03").status, 503);
    EXPECT_FALSE(leases.at(3));
    EXPECT_EQ(control->ledger().nodes().find(mac_of(3)), nullptr);
    wait(1s);
    EXPECT_EQ(state("r1n03"), InstallState::new_node);
    const Said script = ask(3, "/boot/ipxe?mac=52:54:00:00:00:03");
    EXPECT_EQ(script.status, 200);
    EXPECT_EQ(script.body.find("kernel"), std::string::npos) << script.body;
}

TEST_F(ControlTest, ProgressOfAnOutageIsKeptAfterIt) {
    boot_to(1, InstallState::loading);
    store.set_full(true);
    sample(1, "/files/debian12/initrd.gz", 111);
    wait(10s);
    EXPECT_EQ(node("r1n01").bytes_served, 1'111U);
    store.set_full(false);
    wait(10s);
    restart();
    EXPECT_EQ(node("r1n01").bytes_served, 1'111U);
}

} // namespace
} // namespace muster::test
