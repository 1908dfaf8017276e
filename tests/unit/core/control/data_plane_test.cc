// SPDX-License-Identifier: Apache-2.0
// What machines ask: who is asking, with which token, and what is wrong with it.
#include "core/control/data_plane.hh"

#include "tests/unit/core/control/control_fixture.hh"

namespace muster::test {
namespace {

using Method = DynamicRequest::Method;

TEST_F(ControlTest, AScriptIsForTheNodeOfTheLease) {
    lease(1);
    lease(2);
    step();
    EXPECT_NE(ask(2, "/boot/ipxe").body.find("r1n02"), std::string::npos);
    EXPECT_NE(ask(1, "/boot/grub.cfg").body.find("r1n01"), std::string::npos);
    EXPECT_NE(ask(1, "/boot/pxelinux.cfg/default").body.find("r1n01"), std::string::npos);
}

TEST_F(ControlTest, ANameThatALoaderDerivesNamesTheNode) {
    lease(2);
    step();
    for (const char* const path :
         {"/boot/pxelinux.cfg/01-52-54-00-00-00-02", "/boot/pxelinux.cfg/0A000002",
          "/boot/grub.cfg-01-52-54-00-00-00-02", "/boot/ipxe?mac=52:54:00:00:00:02",
          "/boot/ipxe?mac=52%3A54%3A00%3a00%3a00%3A02"}) {
        const Said said = ask(77, path); // asked from elsewhere
        EXPECT_EQ(said.status, 200) << path;
        EXPECT_NE(said.body.find("r1n02"), std::string::npos) << path << "\n" << said.body;
    }
}

TEST_F(ControlTest, EachLoaderGetsItsOwnLanguage) {
    lease(1);
    step();
    EXPECT_TRUE(ask(1, "/boot/ipxe").body.starts_with("#!ipxe"));
    EXPECT_NE(ask(1, "/boot/grub.cfg").body.find("linux"), std::string::npos);
    EXPECT_NE(ask(1, "/boot/pxelinux.cfg/default").body.find("LINUX http://"), std::string::npos)
        << ask(1, "/boot/pxelinux.cfg/default").body;
}

TEST_F(ControlTest, NobodyKnownGetsNoScript) {
    for (const char* const path : {"/boot/ipxe", "/boot/grub.cfg", "/boot/pxelinux.cfg/default",
                                   "/boot/pxelinux.cfg/0A0000FE", "/boot/pxelinux.cfg/0A00"}) {
        EXPECT_EQ(ask(99, path).status, 404) << path;
    }
    for (const char* const path : {"/boot/", "/boot/other", "/boot/grub.cfgx", "/boot", "/x", ""}) {
        EXPECT_EQ(ask(1, path).status, 404) << path;
    }
    EXPECT_EQ(ask(1, "/boot/ipxe?mac=nonsense").status, 400);
    EXPECT_EQ(ask(1, "/boot/ipxe", Method::post).status, 405);
}

TEST_F(ControlTest, AMachineThatNamesItselfIsDiscovered) {
    const Said said = ask(9, "/boot/ipxe?mac=52:54:00:00:00:09");
    EXPECT_EQ(said.status, 200);
    EXPECT_EQ(state("node-525400000009"), InstallState::new_node);
    // Another server gave it its address; from now on that names it, too.
    EXPECT_EQ(ask(9, "/boot/ipxe").status, 200);
    EXPECT_EQ(ask(10, "/boot/ipxe").status, 404);
}

TEST_F(ControlTest, NamingALinkAddressDoesNotTakeALeasedAddress) {
    lease(1);
    step();
    ask(1, "/boot/ipxe?mac=52:54:00:00:00:02");
    EXPECT_NE(ask(1, "/boot/ipxe").body.find("r1n01"), std::string::npos);
}

TEST_F(ControlTest, HeadLooksAndChangesNothing) {
    lease(1);
    step();
    const Said said = ask(1, "/boot/ipxe", Method::head);
    EXPECT_EQ(said.status, 200);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
    EXPECT_EQ(said.body.find("answers/0"), std::string::npos);
    boot_to(1, InstallState::loading);
    EXPECT_EQ(ask(1, "/answers/" + token("r1n01") + "/preseed.cfg", Method::head).status, 200);
    EXPECT_EQ(state("r1n01"), InstallState::loading);
    EXPECT_EQ(ask(1, "/report/" + token("r1n01") + "/started", Method::head).status, 405);
}

TEST_F(ControlTest, ATokenThatIsNotTheRunningOneIsRefusedWithALineAndAnEvent) {
    boot_to(1, InstallState::installed);
    const std::string spent = token("r1n01");
    const std::string zero(32, '0');
    const std::size_t before = logged(EventKind::token_refused);
    std::size_t refused = 0;
    for (const std::string& bad :
         {spent, zero, std::string(32, 'f'), std::string{"short"}, std::string{}}) {
        for (const std::string& path :
             {"/answers/" + bad + "/preseed.cfg", "/report/" + bad + "/started",
              "/report/" + bad + "/failed"}) {
            const Said said = ask(1, path);
            EXPECT_EQ(said.status, 403) << path;
            EXPECT_EQ(std::count(said.body.begin(), said.body.end(), '\n'), 1) << said.body;
            ++refused;
            wait(1s);
        }
    }
    EXPECT_EQ(logged(EventKind::token_refused), before + refused);
    EXPECT_EQ(control->counters().tokens_refused, refused);
    EXPECT_EQ(state("r1n01"), InstallState::installed);
    const auto of_node = std::find_if(log.begin(), log.end(), [](const Event& event) {
        return event.kind == EventKind::token_refused && event.node == "r1n01";
    });
    ASSERT_NE(of_node, log.end());
    EXPECT_NE(of_node->message.find("attempt 1, which has ended"), std::string::npos);
}

TEST_F(ControlTest, AFloodOfWrongTokensIsCountedButNotWritten) {
    const std::size_t before = logged(EventKind::token_refused);
    for (int i = 0; i < 1'000; ++i) {
        send(1, "/report/" + std::string(32, 'a') + "/installed");
    }
    step();
    EXPECT_EQ(control->counters().tokens_refused, 1'000U);
    EXPECT_EQ(logged(EventKind::token_refused), before + 10);
}

TEST_F(ControlTest, OneNodesTokenIsNoOtherNodes) {
    boot_to(1, InstallState::installing);
    boot_to(2, InstallState::installing);
    EXPECT_NE(token("r1n01"), token("r1n02"));
    ask(2, "/report/" + token("r1n01") + "/installed"); // from wherever: the token speaks
    EXPECT_EQ(state("r1n01"), InstallState::installed);
    EXPECT_EQ(state("r1n02"), InstallState::installing);
}

TEST_F(ControlTest, AnswersAreThoseOfTheProfileAlone) {
    boot_to(1, InstallState::loading);
    const std::string base = "/answers/" + token("r1n01");
    EXPECT_EQ(ask(1, base + "/other").status, 404);
    EXPECT_EQ(ask(1, base + "/").status, 404);
    EXPECT_EQ(ask(1, base).status, 404);
    EXPECT_EQ(ask(1, base + "/preseed.cfg", Method::put).status, 405);
    EXPECT_EQ(state("r1n01"), InstallState::loading) << "nothing was fetched";
}

TEST_F(ControlTest, ATemplateWithAnErrorIs500AndOneEvent) {
    reload(make_broken_site());
    boot_to(1, InstallState::loading);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(ask(1, "/answers/" + token("r1n01") + "/broken.cfg").status, 500);
    }
    EXPECT_EQ(logged(EventKind::render_failed), 1U);
    EXPECT_NE(log.back().message.find("templates/broken.mustache:1:1"), std::string::npos)
        << log.back().message;
}

TEST_F(ControlTest, AMissingKernelIsSaidByTheScriptAndByOneEvent) {
    content.files.erase("debian12/linux");
    lease(1);
    seen(1);
    step();
    for (int i = 0; i < 3; ++i) {
        const std::string script = ask(1, "/boot/ipxe").body;
        EXPECT_NE(script.find("debian12/linux"), std::string::npos) << script;
        EXPECT_EQ(script.find("kernel http"), std::string::npos) << script;
        wait(30s);
    }
    EXPECT_EQ(logged(EventKind::content_missing), 1U);
    content.files.emplace("debian12/linux", 5);
    EXPECT_NE(ask(1, "/boot/ipxe").body.find("/answers/"), std::string::npos);
}

TEST_F(ControlTest, ReportsOfNoSuchKindAre404AndUnknownFieldsAreIgnored) {
    boot_to(1, InstallState::installing);
    const std::string report = "/report/" + token("r1n01");
    EXPECT_EQ(ask(1, report + "/rebooted").status, 404);
    EXPECT_EQ(ask(1, report).status, 404);
    EXPECT_EQ(ask(1, report + "/progress?percent=nonsense&x=y").status, 200);
    EXPECT_EQ(node("r1n01").install.percent, 0);
    EXPECT_EQ(ask(1, report + "/progress?percent=12.5").status, 200);
    EXPECT_EQ(node("r1n01").install.percent, 12);
    EXPECT_EQ(ask(1, report + "/progress?percent=99999").status, 200);
    EXPECT_EQ(node("r1n01").install.percent, 100);
    EXPECT_EQ(ask(1, report + "/progress?percent=5&message=a%0Ab%00c%FFd").status, 200);
    EXPECT_EQ(node("r1n01").install.message, "a?b?c?d");
    EXPECT_EQ(get("/api/v1/nodes/r1n01").json()["message"], "a?b?c?d");
}

TEST_F(ControlTest, AFailureIsShownWithItsReason) {
    boot_to(1, InstallState::installing);
    EXPECT_EQ(ask(1, "/report/" + token("r1n01") + "/failed?message=no%20disk%20/dev/vda").status,
              200);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
    EXPECT_EQ(node("r1n01").install.message,
              "attempt 1 of 2 failed: the installer said: no disk /dev/vda");
    boot_to(1, InstallState::failed);
    EXPECT_EQ(state("r1n01"), InstallState::failed);
}

TEST_F(ControlTest, TftpGetsScriptsAndNothingElse) {
    boot_to(1, InstallState::loading);
    for (const auto& [path, status] :
         std::map<std::string, unsigned>{{"/boot/grub.cfg", 200},
                                         {"/answers/" + token("r1n01") + "/preseed.cfg", 404},
                                         {"/report/" + token("r1n01") + "/installed", 404}}) {
        DynamicRequest request;
        request.transport = DynamicRequest::Transport::tftp;
        request.client.address = address_of(1);
        request.server = Ipv4Address{{10, 0, 0, 1}};
        request.path = path;
        const auto ticket = send(std::move(request), WorkerId{0});
        step();
        EXPECT_EQ(replies.at(ticket).status, status) << path;
    }
}

TEST_F(ControlTest, TheServersAddressIsTheSitesElseTheOneThatWasAsked) {
    lease(1);
    step();
    EXPECT_NE(ask(1, "/boot/ipxe").body.find("http://10.0.0.1/"), std::string::npos);
    Site site = make_site();
    site.server_address = Ipv4Address{{192, 0, 2, 1}};
    reload(site);
    EXPECT_NE(ask(1, "/boot/ipxe").body.find("http://192.0.2.1/"), std::string::npos);
}

TEST_F(ControlTest, TransfersOfStrangersAreNobodys) {
    sample(55, "/files/debian12/linux", 100);
    step();
    EXPECT_EQ(node("r1n01").bytes_served, 0U);
}

TEST_F(ControlTest, AnswersAreNotForTheAddressOfAnotherMachine) {
    boot_to(1, InstallState::loading);
    boot_to(2, InstallState::booting);
    const std::string path = "/answers/" + token("r1n01") + "/preseed.cfg";
    const Said refused = ask(2, path);
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.body.find("r1n02"), std::string::npos) << "a stranger learns no names";
    EXPECT_EQ(state("r1n01"), InstallState::loading) << "it changed nothing";
    ASSERT_EQ(log.back().kind, EventKind::token_refused);
    EXPECT_EQ(log.back().node, "r1n01");
    EXPECT_NE(log.back().message.find("10.0.0.2, which another machine has leased, r1n02"),
              std::string::npos)
        << log.back().message;
    EXPECT_EQ(ask(1, path).status, 200);
    EXPECT_EQ(ask(99, path).status, 200) << "an address that nobody has: its second card, say";
    EXPECT_EQ(ask(98, "/boot/ipxe?mac=" + to_text(mac_of(2))).status, 200);
    EXPECT_EQ(ask(98, path).status, 200) << "many machines' address, behind a translator";
}

TEST_F(ControlTest, AnswersAreHadSoManyTimesAnAttempt) {
    Site site = make_site();
    site.profiles.at("debian12").answers_fetches = 2;
    site.profiles.at("debian12").answers.emplace("more.cfg", "debian.mustache");
    reload(site);
    boot_to(1, InstallState::loading);
    const std::string base = "/answers/" + token("r1n01");
    EXPECT_EQ(ask(1, base + "/preseed.cfg").status, 200);
    EXPECT_EQ(ask(1, base + "/preseed.cfg", DynamicRequest::Method::head).status, 200);
    EXPECT_EQ(ask(1, base + "/preseed.cfg").status, 200) << "HEAD fetches nothing";
    EXPECT_EQ(ask(1, base + "/more.cfg").status, 200) << "each for itself";
    wait(progress_interval);
    restart(site);
    const Said refused = ask(1, base + "/preseed.cfg");
    EXPECT_EQ(refused.status, 403);
    EXPECT_NE(refused.body.find("2 times"), std::string::npos) << refused.body;
    EXPECT_EQ(ask(1, base + "/preseed.cfg", DynamicRequest::Method::head).status, 403);
    post("/api/v1/nodes/r1n01/install");
    boot_to(1, InstallState::loading);
    EXPECT_EQ(ask(1, "/answers/" + token("r1n01") + "/preseed.cfg").status, 200)
        << "the next attempt has its own";
}

} // namespace
} // namespace muster::test
