// SPDX-License-Identifier: Apache-2.0
// The governor as machines, operators and the store see it.
#include "core/control/control.hh"

#include "tests/unit/core/control/control_fixture.hh"

namespace muster::test {
namespace {

class QueueTest : public ControlTest {
protected:
    void SetUp() override {
        options.governor = GovernorOptions{.slots = 1, .egress = 0};
        ControlTest::SetUp();
    }
    /// Offered and with a lease: next it asks for its script.
    void power_on(unsigned n) {
        lease(n);
        seen(n);
        step();
    }
    bool loads(unsigned n) {
        const std::string script = ask(n, "/boot/ipxe").body;
        const bool installs = script.find("debian12/linux") != std::string::npos;
        EXPECT_NE(installs, script.find("wait") != std::string::npos) << script;
        return installs;
    }
};

TEST_F(QueueTest, TheSecondMachineIsToldItsPlaceUntilTheFirstIsInstalled) {
    power_on(1);
    power_on(2);
    EXPECT_TRUE(loads(1));
    const Said told = ask(2, "/boot/ipxe");
    EXPECT_EQ(told.status, 200);
    EXPECT_NE(told.body.find("1 machines load, this one is number 1 of 1 that wait"),
              std::string::npos)
        << told.body;
    EXPECT_NE(told.body.find("sleep 2"), std::string::npos) << told.body;
    EXPECT_EQ(state("r1n02"), InstallState::booting);
    EXPECT_EQ(get("/api/v1/nodes/r1n02").json()["queue_place"], 1);
    EXPECT_EQ(get("/api/v1/nodes/r1n01").json()["queue_place"], nullptr);

    EXPECT_TRUE(loads(1)) << "its loader may ask again";
    ask(1, "/answers/" + token("r1n01") + "/preseed.cfg");
    EXPECT_FALSE(loads(2));
    ask(1, "/report/" + token("r1n01") + "/started");
    wait(2s);
    EXPECT_FALSE(loads(2));
    ask(1, "/report/" + token("r1n01") + "/installed");
    wait(1s);
    EXPECT_TRUE(loads(2));
    EXPECT_EQ(get("/api/v1/nodes/r1n02/timeline")
                  .json()["attempts"]
                  .back()["waited_ms_by_cause"]["governor"],
              3000.0);
}

TEST_F(QueueTest, WaitingCostsNoneOfTheTimeThatAMachineHas) {
    power_on(1);
    power_on(2);
    EXPECT_TRUE(loads(1));
    ask(1, "/answers/" + token("r1n01") + "/preseed.cfg"); // it has 45 minutes
    for (int minute = 0; minute < 20; ++minute) {          // booting has five
        for (int i = 0; i < 4; ++i) {
            sample(1, "/files/debian12/linux", 1);
            EXPECT_FALSE(loads(2));
            wait(15s);
        }
    }
    EXPECT_EQ(state("r1n02"), InstallState::booting);
    EXPECT_EQ(node("r1n02").install.attempt, 1U) << "no deadline passed";
}

TEST_F(QueueTest, WhoIsNotToInstallWaitsForNobody) {
    power_on(1);
    power_on(2);
    EXPECT_TRUE(loads(1));
    EXPECT_EQ(post("/api/v1/nodes/r1n02/boot-local").status, 200);
    EXPECT_EQ(ask(2, "/boot/ipxe").body.find("that wait"), std::string::npos);
    EXPECT_EQ(get("/api/v1/governor").json()["waiting"], 0);
}

TEST_F(QueueTest, AnOrderOrARemovalMakesRoom) {
    power_on(1);
    power_on(2);
    EXPECT_TRUE(loads(1));
    EXPECT_FALSE(loads(2));
    EXPECT_EQ(post("/api/v1/nodes/r1n01/ignore").status, 200);
    EXPECT_TRUE(loads(2));
    EXPECT_EQ(
        put("/api/v1/nodes/r1n03", {{"mac", {to_text(mac_of(3))}}, {"profile", "debian12"}}).status,
        201);
    power_on(3);
    EXPECT_FALSE(loads(3));
    EXPECT_EQ(post("/api/v1/nodes/r1n02/ignore").status, 200);
    EXPECT_TRUE(loads(3));
    EXPECT_EQ(api(DynamicRequest::Method::del, "/api/v1/nodes/r1n03").status, 200);
    EXPECT_EQ(get("/api/v1/governor").json()["loading"], 0);
}

TEST_F(QueueTest, AHeadRequestTakesNoTicket) {
    power_on(1);
    power_on(2);
    ask(1, "/boot/ipxe", DynamicRequest::Method::head);
    EXPECT_TRUE(loads(2));
}

TEST_F(QueueTest, ARestartForgetsNoMachineThatLoads) {
    power_on(1);
    power_on(2);
    EXPECT_TRUE(loads(1));
    sample(1, "/files/debian12/linux", 1'000);
    step();
    restart();
    EXPECT_FALSE(loads(2));
    EXPECT_TRUE(loads(1));
}

TEST_F(QueueTest, IsShownWithReasonsToOperators) {
    power_on(1);
    power_on(2);
    EXPECT_TRUE(loads(1));
    EXPECT_FALSE(loads(2));
    wait(1s);
    const Json shown = get("/api/v1/governor").json();
    EXPECT_EQ(shown["slots"], 1);
    EXPECT_EQ(shown["adapts"], false);
    EXPECT_EQ(shown["loading"], 1);
    EXPECT_EQ(shown["waiting"], 1);
    EXPECT_EQ(shown["machines"].at(0)["name"], "r1n01");
    EXPECT_EQ(shown["machines"].at(0)["loading_ms"], 1000);
    EXPECT_EQ(shown["queue"].at(0)["name"], "r1n02");
    EXPECT_EQ(shown["queue"].at(0)["place"], 1);
    EXPECT_EQ(shown["queue"].at(0)["waited_ms"], 1000);
    const std::string metrics = get("/metrics").body;
    EXPECT_NE(metrics.find("muster_governor_waiting 1\n"), std::string::npos);
    EXPECT_NE(metrics.find("muster_governor_decisions_total{decision=\"told_to_wait\"} 1\n"),
              std::string::npos);
}

TEST_F(QueueTest, ASiteSaysWhoSharesWhatAndWhoGoesBefore) {
    options.governor = GovernorOptions{.slots = 9, .egress = 0};
    Site changed = make_site();
    changed.profiles.at("debian12").boot_slots = 1;
    changed.boot.priorities["rescue"] = 5;
    changed.nodes.push_back(spec_of("r1n03", 3));
    changed.nodes.back().tags.push_back("rescue");
    restart(std::move(changed));
    for (unsigned n : {1U, 2U, 3U}) {
        power_on(n);
    }
    EXPECT_TRUE(loads(1));
    EXPECT_NE(ask(2, "/boot/ipxe")
                  .body.find("1 machines of profile debian12 load, this one is number 1 of 1"),
              std::string::npos);
    EXPECT_FALSE(loads(3));
    const Json shown = get("/api/v1/governor").json();
    EXPECT_EQ(shown["budgets"],
              Json::parse(R"([{"name": "profile debian12", "slots": 1, "loading": 1}])"));
    EXPECT_EQ(shown["queue"].at(0)["name"], "r1n03") << "it has a priority";
    EXPECT_EQ(shown["queue"].at(0)["full_budget"], "profile debian12");
    EXPECT_EQ(shown["queue"].at(1)["name"], "r1n02");

    sample(1, "/files/debian12/linux", 1'000);
    step();
    restart();
    EXPECT_FALSE(loads(3)) << "the one that loaded before counts in its budget";
}

TEST_F(ControlTest, WithoutAGovernorNobodyWaits) {
    for (unsigned n : {1U, 2U}) {
        lease(n);
        seen(n);
        step();
        EXPECT_NE(ask(n, "/boot/ipxe").body.find("debian12/linux"), std::string::npos);
    }
    EXPECT_EQ(get("/api/v1/governor").json()["slots"], nullptr);
    EXPECT_EQ(get("/api/v1/nodes/r1n01").json()["queue_place"], nullptr);
}

} // namespace
} // namespace muster::test
