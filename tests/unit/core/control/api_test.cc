// SPDX-License-Identifier: Apache-2.0
// The admin API; what it says of nodes is compared with tests/data/api_*.json
// (MUSTER_GOLDEN_UPDATE=1 rewrites them).
#include "core/control/api.hh"

#include "core/control/api_json.hh"

#include "tests/unit/core/control/control_fixture.hh"

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace muster::test {
namespace {

using Method = DynamicRequest::Method;

void expect_golden(const std::string& name, const Json& json) {
    const std::string path =
        std::string{std::getenv("MUSTER_SOURCE")} + "/tests/data/" + name; // NOLINT: one thread
    const std::string text = json.dump(2) + "\n";
    if (std::getenv("MUSTER_GOLDEN_UPDATE") != nullptr) { // NOLINT: one thread
        std::ofstream{path} << text;
    }
    std::ifstream file{path};
    std::stringstream golden;
    golden << file.rdbuf();
    EXPECT_EQ(text, golden.str());
}

TEST_F(ControlTest, NodesLeasesEventsAndTheTimelineAreTheGoldenOnes) {
    boot_to(1, InstallState::loading);
    wait(12s);
    ask(1, "/answers/" + token("r1n01") + "/preseed.cfg");
    ask(1, "/report/" + token("r1n01") + "/progress?percent=40&message=unpacking");
    expect_golden("api_nodes.json", get("/api/v1/nodes").json());
    expect_golden("api_timeline.json", get("/api/v1/nodes/r1n01/timeline").json());
    expect_golden("api_leases.json", get("/api/v1/leases").json());
    expect_golden("api_site.json", get("/api/v1/site").json());
    expect_golden("api_profiles.json", get("/api/v1/profiles").json());
}

TEST_F(ControlTest, NodesAreFilteredAndPaged) {
    Site site = make_site();
    for (unsigned n = 3; n <= 12; ++n) {
        site.nodes.push_back(spec_of(fmt::format("r1n{:02}", n), n));
        site.nodes.back().tags = {n % 2 == 0 ? "even" : "odd"};
    }
    reload(site);
    boot_to(4, InstallState::booting);
    EXPECT_EQ(get("/api/v1/nodes").json()["nodes"].size(), 12U);
    EXPECT_EQ(get("/api/v1/nodes?state=booting").json()["nodes"].size(), 1U);
    EXPECT_EQ(get("/api/v1/nodes?tag=even").json()["nodes"].size(), 5U);
    EXPECT_EQ(get("/api/v1/nodes?tag=even&state=ready").json()["nodes"].size(), 4U);
    EXPECT_EQ(get("/api/v1/nodes?profile=other").json()["nodes"].size(), 0U);
    EXPECT_EQ(get("/api/v1/nodes?state=nonsense").status, 400);
    std::vector<std::string> names;
    std::string after;
    for (int page = 0; page < 10; ++page) {
        const Json json = get("/api/v1/nodes?limit=5&after=" + after).json();
        for (const Json& one : json["nodes"]) {
            names.push_back(one["name"]);
        }
        if (json["next"].is_null()) {
            break;
        }
        after = json["next"];
    }
    EXPECT_EQ(names.size(), 12U);
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST_F(ControlTest, APageThatEndsWithTheListHasNoNext) {
    EXPECT_TRUE(get("/api/v1/nodes?limit=2").json()["next"].is_null());
    EXPECT_EQ(get("/api/v1/nodes?limit=1").json()["next"], "r1n01");
}

TEST_F(ControlTest, LeasesOfBothFamiliesArePagedAsOneList) {
    for (unsigned n = 1; n <= 3; ++n) {
        lease(n);
        Lease6Commit commit;
        commit.lease.address = advanced(read_ipv6_address("fd00:79::100").value(), n);
        commit.lease.mac = mac_of(n);
        commit.lease.expires = now.wall + 1h;
        tell(commit);
    }
    step();
    for (const unsigned limit : {1U, 2U, 3U, 5U, 6U, 7U}) {
        std::vector<std::string> addresses;
        std::string after;
        for (int page = 0; page < 10; ++page) {
            const Json json =
                get(fmt::format("/api/v1/leases?limit={}&after={}", limit, after)).json();
            for (const Json& one : json["leases"]) {
                addresses.push_back(one["address"]);
            }
            if (json["next"].is_null()) {
                break;
            }
            EXPECT_EQ(json["leases"].size(), limit);
            after = json["next"];
        }
        EXPECT_EQ(addresses,
                  (std::vector<std::string>{"10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00:79::101",
                                            "fd00:79::102", "fd00:79::103"}))
            << limit;
    }
}

TEST_F(ControlTest, LeasesAndEventsArePaged) {
    for (unsigned n = 1; n <= 5; ++n) {
        lease(n);
    }
    step();
    EXPECT_EQ(get("/api/v1/leases?limit=2").json()["next"], "10.0.0.2");
    EXPECT_EQ(get("/api/v1/leases?after=10.0.0.4").json()["leases"].size(), 1U);
    EXPECT_EQ(get("/api/v1/leases?after=x").status, 400);
    boot_to(1, InstallState::loading);
    const Json events = get("/api/v1/events").json()["events"];
    ASSERT_GE(events.size(), 3U);
    EXPECT_EQ(get("/api/v1/events?after=1").json()["events"].size(), events.size() - 1);
    EXPECT_EQ(get("/api/v1/events?limit=1").json()["next"], 1);
    EXPECT_EQ(get("/api/v1/events?after=999999").json()["events"].size(), 0U);
    EXPECT_EQ(get("/api/v1/events?after=x").status, 400);
}

TEST_F(ControlTest, ANodeIsAddedChangedAndRemoved) {
    const Json body{{"mac", {"52:54:00:00:00:07"}},
                    {"profile", "debian12"},
                    {"address", "10.0.0.77"},
                    {"tags", {"x"}},
                    {"variables", {{"disk", "/dev/sda"}}}};
    const Said added = put("/api/v1/nodes/extra", body);
    EXPECT_EQ(added.status, 201) << added.body;
    EXPECT_EQ(added.json()["state"], "ready");
    EXPECT_EQ(added.json()["address"], "10.0.0.77");
    EXPECT_EQ(boots.at(mac_of(7)).action, BootAction::install);
    EXPECT_EQ(boots.at(mac_of(7)).reserved, (Ipv4Address{{10, 0, 0, 77}}));
    EXPECT_STREQ(boots.at(mac_of(7)).name.data(), "extra");
    restart();
    Json changed = body;
    changed["mac"] = {"52:54:00:00:00:08"};
    EXPECT_EQ(put("/api/v1/nodes/extra", changed).status, 200);
    EXPECT_TRUE(boots.at(mac_of(7)).removed);
    EXPECT_EQ(boots.at(mac_of(8)).action, BootAction::install);
    EXPECT_EQ(api(Method::del, "/api/v1/nodes/extra").status, 200);
    EXPECT_TRUE(boots.at(mac_of(8)).removed);
    EXPECT_EQ(get("/api/v1/nodes/extra").status, 404);
    restart();
    EXPECT_EQ(get("/api/v1/nodes/extra").status, 404);
}

TEST_F(ControlTest, BadNodesAreRefusedWithTheReason) {
    const Json good{{"mac", {"52:54:00:00:00:07"}}, {"profile", "debian12"}};
    const auto refused = [&](const std::string& name, const Json& body, unsigned status) {
        const Said said = put("/api/v1/nodes/" + name, body);
        EXPECT_EQ(said.status, status) << name << " " << body << "\n" << said.body;
        EXPECT_TRUE(said.json()["error"]["message"].is_string()) << said.body;
        EXPECT_TRUE(said.json()["error"]["code"].is_string()) << said.body;
    };
    Json bad = good;
    bad["mac"] = {"nonsense"};
    refused("extra", bad, 400);
    bad = good;
    bad["profile"] = "other";
    refused("extra", bad, 400);
    bad = good;
    bad["colour"] = "red";
    refused("extra", bad, 400);
    bad = good;
    bad["name"] = "different";
    refused("extra", bad, 400);
    refused("bad_name", good, 400);
    refused("extra", Json::array(), 400);
    refused("r1n01", good, 409);
    bad = good;
    bad["mac"] = {"52:54:00:00:00:01"};
    const Said taken = put("/api/v1/nodes/extra", bad);
    EXPECT_GE(taken.status, 400);
    EXPECT_EQ(api(Method::put, "/api/v1/nodes/extra", "{broken").status, 400);
    EXPECT_EQ(api(Method::put, "/api/v1/nodes/extra", std::string(100'000, ' ')).status, 400);
    EXPECT_EQ(api(Method::del, "/api/v1/nodes/r1n01").status, 409);
    EXPECT_EQ(api(Method::del, "/api/v1/nodes/nobody").status, 404);
    EXPECT_EQ(control->ledger().nodes().size(), 2U);
}

TEST_F(ControlTest, TwoNodesOfTheApiCannotShareAddresses) {
    EXPECT_EQ(
        put("/api/v1/nodes/one",
            {{"mac", {"52:54:00:00:00:21"}}, {"profile", "debian12"}, {"address", "10.0.0.50"}})
            .status,
        201);
    EXPECT_EQ(
        put("/api/v1/nodes/two", {{"mac", {"52:54:00:00:00:21"}}, {"profile", "debian12"}}).status,
        409);
    EXPECT_EQ(
        put("/api/v1/nodes/two",
            {{"mac", {"52:54:00:00:00:22"}}, {"profile", "debian12"}, {"address", "10.0.0.50"}})
            .status,
        409);
}

TEST_F(ControlTest, AddingADiscoveredMachineKeepsWhatIsKnownOfIt) {
    seen(9);
    step();
    EXPECT_EQ(post("/api/v1/nodes/node-525400000009/boot-local").status, 200);
    EXPECT_EQ(
        put("/api/v1/nodes/mine", {{"mac", {"52:54:00:00:00:09"}}, {"profile", "debian12"}}).status,
        200);
    EXPECT_EQ(state("mine"), InstallState::installed);
    EXPECT_EQ(get("/api/v1/nodes/node-525400000009").status, 404);
}

TEST_F(ControlTest, OrdersAreFollowedAndNoted) {
    EXPECT_EQ(post("/api/v1/nodes/r1n01/ignore").json()["state"], "ignored");
    EXPECT_EQ(boots.at(mac_of(1)).action, BootAction::ignore);
    EXPECT_EQ(post("/api/v1/nodes/r1n01/boot-local").json()["state"], "installed");
    EXPECT_EQ(boots.at(mac_of(1)).action, BootAction::boot_local);
    EXPECT_EQ(post("/api/v1/nodes/r1n01/install").json()["state"], "ready");
    EXPECT_EQ(boots.at(mac_of(1)).action, BootAction::install);
    EXPECT_EQ(logged(EventKind::order), 3U);
    EXPECT_EQ(post("/api/v1/nodes/nobody/install").status, 404);
    EXPECT_EQ(post("/api/v1/nodes/r1n01/explode").status, 404);
    EXPECT_EQ(post("/api/v1/nodes/r1n01").status, 405);
}

TEST_F(ControlTest, AnOrderByTagReachesAllOfThem) {
    boot_to(1, InstallState::installed);
    boot_to(2, InstallState::installed);
    EXPECT_EQ(post("/api/v1/nodes/install?tag=rack1").json()["nodes"], (Json{"r1n01", "r1n02"}));
    EXPECT_EQ(state("r1n01"), InstallState::ready);
    EXPECT_EQ(state("r1n02"), InstallState::ready);
    EXPECT_EQ(post("/api/v1/nodes/install?tag=none").json()["nodes"], Json::array());
    EXPECT_EQ(post("/api/v1/nodes/install").status, 400);
}

TEST_F(ControlTest, RenderShowsWhatTheNodeWouldGetAndGivesNothingAway) {
    reload(make_broken_site());
    boot_to(1, InstallState::loading);
    const std::uint64_t commits = store.commits();
    const std::string text = get("/api/v1/nodes/r1n01/render").body;
    EXPECT_EQ(text.find(token("r1n01")), std::string::npos);
    const Json json = Json::parse(text);
    EXPECT_EQ(json["files"]["preseed.cfg"], "host r1n01 report http://10.0.0.1/report/PREVIEW\n");
    EXPECT_TRUE(json["files"].contains("boot/ipxe"));
    EXPECT_TRUE(json["files"].contains("boot/grub.cfg"));
    EXPECT_TRUE(json["files"].contains("boot/pxelinux.cfg/default"));
    EXPECT_TRUE(json["problems"].contains("broken.cfg"));
    EXPECT_EQ(store.commits(), commits);
    EXPECT_EQ(state("r1n01"), InstallState::loading);
}

TEST_F(ControlTest, NoAnswerOfTheApiHoldsALiveToken) {
    boot_to(1, InstallState::installing);
    for (const char* const path :
         {"/api/v1/nodes", "/api/v1/nodes/r1n01", "/api/v1/nodes/r1n01/timeline",
          "/api/v1/nodes/r1n01/render", "/api/v1/events", "/api/v1/site", "/metrics"}) {
        EXPECT_EQ(get(path).body.find(token("r1n01")), std::string::npos) << path;
    }
}

TEST_F(ControlTest, ATokenIsWantedForEverythingThatSaysAnything) {
    options.admin_token = "secret";
    restart();
    unsigned client = 0; // each wrong one from an address of its own: they are limited
    for (const char* const path : {"/metrics", "/api/v1/nodes", "/api/v1/site", "/nonsense"}) {
        EXPECT_EQ(get(path).status, 401) << path;
        for (const char* const bad :
             {"", "Bearer ", "Bearer secre", "Bearer secret2", "Bearer Secret", "secret",
              "Basic secret", "Bearer secretsecret"}) {
            DynamicRequest request;
            request.path = path;
            request.authorization = bad;
            request.client.address = address_of(++client);
            const auto ticket = send(std::move(request), admin_worker);
            step();
            EXPECT_EQ(replies.at(ticket).status, 401) << path << " " << bad;
        }
        EXPECT_NE(api(Method::get, path, {}, "Bearer secret").status, 401) << path;
    }
    EXPECT_EQ(post("/api/v1/nodes/r1n01/ignore").status, 401);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
    EXPECT_EQ(get("/healthz").status, 200);
    EXPECT_EQ(get("/readyz").status, 200);
    EXPECT_EQ(get("/").status, 200) << "it asks for the token itself";
    EXPECT_GT(control->counters().api_unauthorized, 0U);
}

TEST_F(ControlTest, TheApiIsNotOnTheDataPlaneNorTheOtherWayRound) {
    EXPECT_EQ(ask(1, "/api/v1/nodes").status, 404);
    EXPECT_EQ(ask(1, "/metrics").status, 404);
    EXPECT_EQ(ask(1, "/").status, 404);
    EXPECT_EQ(get("/boot/ipxe").status, 404);
}

TEST_F(ControlTest, UnknownPathsAndMethodsAreErrorsInJson) {
    for (const char* const path :
         {"/api/v1/", "/api/v1", "/api/v1/nonsense", "/api/v1/nodes/a/b/c",
          "/api/v1/nodes/r1n01/nonsense", "/api/v2/nodes", "/favicon.ico", "/api/v1/site/x"}) {
        const Said said = get(path);
        EXPECT_EQ(said.status, 404) << path;
        EXPECT_EQ(said.type, json_type);
        EXPECT_TRUE(said.json()["error"]["code"].is_string());
    }
    EXPECT_EQ(post("/api/v1/site").status, 405);
    EXPECT_EQ(api(Method::del, "/api/v1/nodes").status, 405);
    EXPECT_EQ(put("/api/v1/nodes/r1n01/install", {}).status, 405);
}

TEST_F(ControlTest, MetricsAreTheControlsAndTheScrapes) {
    options.scrape = [](Exposition& exposition) {
        exposition.add(Exposition::Kind::counter, "muster_other_total", "", "Other.", 7);
    };
    restart();
    boot_to(1, InstallState::installed);
    const std::string text = get("/metrics").body;
    for (const char* const line :
         {"muster_other_total 7\n", "muster_nodes{state=\"installed\"} 1\n",
          "muster_nodes{state=\"ready\"} 1\n", "muster_install_attempts_total{event=\"begun\"} 1\n",
          "muster_install_attempts_total{event=\"installed\"} 1\n", "muster_leases 1\n",
          "muster_store_up 1\n", "# TYPE muster_store_commits_total counter\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
    }
}

TEST_F(ControlTest, ThePageIsWholeAndAsksNobodyElse) {
    const Said page = get("/");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.type, html_type);
    EXPECT_TRUE(page.body.starts_with("<!DOCTYPE html>"));
    EXPECT_TRUE(page.body.ends_with("</html>\n"));
    EXPECT_EQ(page.body.find("http://"), std::string::npos);
    EXPECT_EQ(page.body.find("https://"), std::string::npos);
    EXPECT_EQ(page.body.find("innerHTML"), std::string::npos) << "text of machines is no markup";
}

TEST(Rfc3339, IsUtcWithMilliseconds) {
    EXPECT_EQ(rfc3339_text(UnixTime{0}), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(rfc3339_text(UnixTime{1'709'164'799'999}), "2024-02-28T23:59:59.999Z");
    EXPECT_EQ(rfc3339_text(UnixTime{1'709'164'800'000}), "2024-02-29T00:00:00.000Z");
}

TEST_F(ControlTest, ADryRunSaysWhatAnOrderWouldDoAndDoesNothing) {
    Site site = make_site();
    site.nodes.push_back(spec_of("r1n03", 3, ""));
    reload(site);
    boot_to(1, InstallState::installed);
    boot_to(2, InstallState::loading);
    const auto commits = store.commits();
    const Json all = post("/api/v1/nodes/install?tag=rack1&dry-run=true").json();
    ASSERT_EQ(all.at("nodes").size(), 2U);
    EXPECT_EQ(all["nodes"][0]["name"], "r1n01");
    EXPECT_EQ(all["nodes"][0]["overwrites"], true);
    EXPECT_EQ(all["nodes"][0]["ends_attempt"], false);
    EXPECT_EQ(all["nodes"][1]["overwrites"], false) << "its installer has not reported yet";
    EXPECT_EQ(all["nodes"][1]["ends_attempt"], true);
    EXPECT_EQ(all["without_profile"], Json::array({"r1n03"}));
    EXPECT_EQ(post("/api/v1/nodes/r1n01/install?dry-run=true").json()["nodes"][0]["profile"],
              "debian12");
    EXPECT_EQ(post("/api/v1/nodes/r1n01/install?dry-run=yes").status, 400);
    EXPECT_EQ(post("/api/v1/nodes/install?tag=rack1&dry-run=").status, 400);
    EXPECT_EQ(post("/api/v1/nodes/nobody/install?dry-run=true").status, 404);
    EXPECT_EQ(state("r1n01"), InstallState::installed);
    EXPECT_EQ(state("r1n02"), InstallState::loading);
    EXPECT_EQ(store.commits(), commits);
    EXPECT_EQ(post("/api/v1/nodes/r1n01/install?dry-run=false").status, 200);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
}

TEST_F(ControlTest, ARateOrdersOneAfterTheOtherAndStopEndsIt) {
    Site site = make_site();
    for (unsigned n = 3; n <= 6; ++n) {
        site.nodes.push_back(spec_of(fmt::format("r1n{:02}", n), n));
    }
    site.nodes.back().profile.clear();
    reload(site);
    for (const unsigned n : {1U, 2U, 4U}) {
        boot_to(n, InstallState::installed);
    }
    boot_to(3, InstallState::installing);

    const Json looked = post("/api/v1/nodes/install?tag=rack1&rate=2&dry-run=true").json();
    EXPECT_EQ(looked["scheduled"].size(), 2U);
    EXPECT_EQ(looked["scheduled"][0]["overwrites"], true);
    EXPECT_EQ(state("r1n01"), InstallState::installed);

    const UnixTime at = now.wall;
    const Json said = post("/api/v1/nodes/install?tag=rack1&rate=2").json();
    EXPECT_EQ(said["nodes"], Json::array({"r1n01", "r1n05"}))
        << "the first, and one that is ready anyway";
    EXPECT_EQ(said["running"], Json::array({"r1n03"}));
    EXPECT_EQ(said["without_profile"], Json::array({"r1n06"}));
    ASSERT_EQ(said["scheduled"].size(), 2U);
    EXPECT_EQ(said["scheduled"][0], (Json{{"name", "r1n02"}, {"at", rfc3339_text(at + 30s)}}));
    EXPECT_EQ(said["scheduled"][1], (Json{{"name", "r1n04"}, {"at", rfc3339_text(at + 60s)}}));
    EXPECT_EQ(get("/api/v1/nodes/r1n02").json()["install_at"], rfc3339_text(at + 30s));
    EXPECT_EQ(boots.at(mac_of(2)).action, BootAction::boot_local) << "it boots as before";

    restart(site);
    wait(30s);
    EXPECT_EQ(state("r1n02"), InstallState::ready);
    EXPECT_EQ(state("r1n04"), InstallState::installed);
    EXPECT_TRUE(get("/api/v1/nodes/r1n02").json()["install_at"].is_null());

    boot_to(1, InstallState::booting);
    const Json stopped = post("/api/v1/nodes/stop?tag=rack1").json();
    EXPECT_EQ(stopped["withdrawn"], Json::array({"r1n02", "r1n04"}));
    EXPECT_EQ(stopped["running"], Json::array({"r1n01", "r1n03"}));
    EXPECT_EQ(stopped["ready"], Json::array({"r1n05"}));
    wait(5min);
    EXPECT_EQ(state("r1n02"), InstallState::installed);
    EXPECT_EQ(state("r1n04"), InstallState::installed);
    EXPECT_EQ(boots.at(mac_of(2)).action, BootAction::boot_local);
}

TEST_F(ControlTest, StopNamesWhatItTakes) {
    boot_to(1, InstallState::installed);
    EXPECT_EQ(post("/api/v1/nodes/r1n01/install").status, 200);
    EXPECT_EQ(post("/api/v1/nodes/r1n01/stop").json()["withdrawn"], Json::array({"r1n01"}));
    EXPECT_EQ(state("r1n01"), InstallState::installed);
    EXPECT_EQ(post("/api/v1/nodes/stop").json()["ready"], Json::array({"r1n02"})) << "all nodes";
    EXPECT_EQ(post("/api/v1/nodes/nobody/stop").status, 404);
    EXPECT_EQ(post("/api/v1/nodes/r1n01/install?rate=5").status, 400);
    EXPECT_EQ(post("/api/v1/nodes/stop?tag=").status, 400);
    for (const char* const rate : {"", "0", "-1", "1x", "60001", "4294967297"}) {
        EXPECT_EQ(post(fmt::format("/api/v1/nodes/install?tag=rack1&rate={}", rate)).status, 400)
            << rate;
    }
    EXPECT_EQ(state("r1n01"), InstallState::installed);
}

} // namespace
} // namespace muster::test
