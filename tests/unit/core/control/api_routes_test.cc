// SPDX-License-Identifier: Apache-2.0
// The table of calls, against docs/openapi.json: what is answered is described, and the reverse.
#include "core/control/api_routes.hh"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <set>

namespace muster::test {
namespace {

using RouteMethod = DynamicRequest::Method;

nlohmann::json described_api() {
    const std::string source = std::getenv("MUSTER_SOURCE"); // NOLINT: one thread
    std::ifstream file{source + "/docs/openapi.json"};
    return nlohmann::json::parse(file);
}

std::string key_of(RouteMethod method) {
    switch (method) {
    case RouteMethod::get:
        return "get";
    case RouteMethod::head:
        return "head";
    case RouteMethod::post:
        return "post";
    case RouteMethod::put:
        return "put";
    case RouteMethod::del:
        return "delete";
    }
    return {};
}

TEST(ApiRoutes, AreThoseOfTheDocument) {
    std::set<std::string> answered;
    for (const ApiRoute& route : api_routes) {
        answered.insert(key_of(route.method) + " " + std::string{route.path});
    }
    EXPECT_EQ(answered.size(), api_routes.size()) << "one is listed twice";
    std::set<std::string> described;
    const nlohmann::json api = described_api();
    for (const auto& [path, methods] : api["paths"].items()) {
        for (const auto& [method, call] : methods.items()) {
            described.insert(method + " " + path);
        }
    }
    EXPECT_EQ(answered, described);
}

TEST(ApiRoutes, WantTheRoleThatTheDocumentSays) {
    const nlohmann::json api = described_api();
    ASSERT_FALSE(api["security"].empty());
    for (const ApiRoute& route : api_routes) {
        const auto& call = api.at("paths").at(std::string{route.path}).at(key_of(route.method));
        const bool open = route.least == ApiRole::anyone;
        EXPECT_EQ(open, call.contains("security") && call["security"].empty()) << route.path;
        EXPECT_EQ(open ? "anyone" : call.value("x-role", ""), to_text(route.least)) << route.path;
        const auto& responses = call["responses"];
        EXPECT_EQ(open, !responses.contains("401")) << route.path;
        EXPECT_EQ(open, !responses.contains("429")) << route.path;
        EXPECT_EQ(route.least > ApiRole::view, responses.contains("403")) << route.path;
    }
}

TEST(ApiRoutes, ChangeNothingForWhoeverMayOnlyLook) {
    for (const ApiRoute& route : api_routes) {
        EXPECT_TRUE(route.method == RouteMethod::get || route.least >= ApiRole::operate)
            << route.path;
    }
}

TEST(ApiRoutes, EachIsFoundByItsPathAndMethod) {
    for (const ApiRoute& route : api_routes) {
        std::string path{route.path};
        if (const auto at = path.find("{name}"); at != std::string::npos) {
            path.replace(at, 6, "r1n01");
        }
        const ApiMatch match = match_route(route.method, path);
        EXPECT_EQ(match.route, &route) << path;
        EXPECT_EQ(match.name, path == route.path ? "" : "r1n01") << path;
    }
}

TEST(ApiRoutes, HeadIsWhatGetIs) {
    EXPECT_EQ(match_route(RouteMethod::head, "/metrics").route,
              match_route(RouteMethod::get, "/metrics").route);
    EXPECT_EQ(match_route(RouteMethod::head, "/api/v1/nodes/install").route->call,
              ApiCall::show_node);
    EXPECT_EQ(match_route(RouteMethod::head, "/api/v1/nodes/r1n01/install").route, nullptr);
}

TEST(ApiRoutes, AMachineMayBeNamedLikeAnOrder) {
    EXPECT_EQ(match_route(RouteMethod::post, "/api/v1/nodes/install").route->call,
              ApiCall::install_nodes);
    const ApiMatch match = match_route(RouteMethod::put, "/api/v1/nodes/install");
    EXPECT_EQ(match.route->call, ApiCall::put_node);
    EXPECT_EQ(match.name, "install");
    EXPECT_EQ(match_route(RouteMethod::post, "/api/v1/nodes/stop/stop").name, "stop");
}

TEST(ApiRoutes, TellAPathThatIsUnknownFromAMethodThatIs) {
    for (const char* const path :
         {"", "nodes", "//", "/api", "/api/v1", "/api/v1/nodes//timeline", "/api/v1/nodes//",
          "/api/v1/nodes/a/b/c", "/api/v1/nodes/a/timeline/b", "/metrics/a", "/api/v2/nodes"}) {
        const ApiMatch match = match_route(RouteMethod::get, path);
        EXPECT_EQ(match.route, nullptr) << path;
        EXPECT_FALSE(match.known_path) << path;
    }
    const ApiMatch match = match_route(RouteMethod::del, "/api/v1/site");
    EXPECT_EQ(match.route, nullptr);
    EXPECT_TRUE(match.known_path);
}

} // namespace
} // namespace muster::test
