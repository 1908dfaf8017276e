// SPDX-License-Identifier: Apache-2.0
// Tokens of the admin API: each role at each call of the table, and how tokens are made and
// removed.
#include "core/base/sha256.hh"

#include "tests/unit/core/control/control_fixture.hh"

namespace muster::test {
namespace {

using TokenMethod = DynamicRequest::Method;

class ApiTokensTest : public ControlTest {
protected:
    static std::string shown(const std::string& text) { return "Bearer " + text; }

    /// The text of a new token; as who makes it.
    std::string make(const std::string& name, std::string_view role, const std::string& by = {}) {
        const Said said =
            api(TokenMethod::post, fmt::format("/api/v1/tokens/{}?role={}", name, role), {},
                by.empty() ? "" : shown(by));
        EXPECT_EQ(said.status, 201) << said.body;
        return said.status == 201 ? said.json()["token"].get<std::string>() : std::string{};
    }
    Said with(const std::string& token, TokenMethod method, const std::string& path) {
        return api(method, path, {}, shown(token));
    }
    Said look(const std::string& token) { return with(token, TokenMethod::get, "/api/v1/nodes"); }
};

TEST_F(ApiTokensTest, EachRoleMayMakeTheCallsOfTheTableAndNoOther) {
    const std::string admin = make("root", "admin");
    const std::map<ApiRole, std::string> tokens{{ApiRole::view, make("looker", "view", admin)},
                                                {ApiRole::operate, make("ops", "operate", admin)},
                                                {ApiRole::admin, admin}};
    for (const ApiRoute& route : api_routes) {
        std::string path{route.path};
        if (const auto at = path.find("{name}"); at != std::string::npos) {
            path.replace(at, 6, "nobody");
        }
        EXPECT_EQ(api(route.method, path).status == 401, route.least != ApiRole::anyone) << path;
        for (const auto& [role, token] : tokens) {
            const Said said = with(token, route.method, path);
            EXPECT_EQ(said.status == 403, role < route.least) << path << " as " << to_text(role);
            EXPECT_NE(said.status, 401) << path;
            if (said.status == 403) {
                const std::string text = said.json()["error"]["message"];
                EXPECT_NE(text.find(fmt::format("needs the role {}", to_text(route.least))),
                          std::string::npos)
                    << text;
            }
        }
    }
    EXPECT_GT(control->counters().api_forbidden, 0U);
}

TEST_F(ApiTokensTest, WhatARoleForbidsIsNotDone) {
    const std::string admin = make("root", "admin");
    const std::string viewer = make("looker", "view", admin);
    EXPECT_EQ(with(viewer, TokenMethod::post, "/api/v1/nodes/r1n01/ignore").status, 403);
    EXPECT_EQ(state("r1n01"), InstallState::ready);
    EXPECT_EQ(with(viewer, TokenMethod::post, "/api/v1/tokens/more?role=admin").status, 403);
    EXPECT_EQ(with(viewer, TokenMethod::del, "/api/v1/tokens/root").status, 403);
    EXPECT_EQ(control->ledger().api_tokens().size(), 2U);
}

TEST_F(ApiTokensTest, WithoutATokenTheApiIsOpenAndWithTheFirstItIsNot) {
    EXPECT_EQ(get("/api/v1/nodes").status, 200);
    const std::string admin = make("root", "admin");
    EXPECT_EQ(get("/api/v1/nodes").status, 401);
    EXPECT_EQ(get("/nonsense").status, 401);
    EXPECT_EQ(get("/healthz").status, 200);
    EXPECT_EQ(look(admin).status, 200);
    EXPECT_EQ(with(admin, TokenMethod::del, "/api/v1/tokens/root").status, 200);
    EXPECT_EQ(get("/api/v1/nodes").status, 200);
}

TEST_F(ApiTokensTest, TokensOutliveARestartAndRemovedOnesDoNot) {
    const std::string admin = make("root", "admin");
    const std::string viewer = make("looker", "view", admin);
    const std::string gone = make("gone", "view", admin);
    EXPECT_EQ(with(admin, TokenMethod::del, "/api/v1/tokens/gone").status, 200);
    restart();
    EXPECT_EQ(get("/api/v1/nodes").status, 401);
    EXPECT_EQ(look(admin).status, 200);
    EXPECT_EQ(look(viewer).status, 200);
    EXPECT_EQ(look(gone).status, 401);
}

TEST_F(ApiTokensTest, OnlyADigestIsKeptAndTheListHasNeither) {
    const std::string admin = make("root", "admin");
    EXPECT_EQ(admin.size(), 7U + 64U);
    const ApiTokenRecord& kept = control->ledger().api_tokens().at("root");
    EXPECT_EQ(kept.digest, sha256(admin));
    const Said list = with(admin, TokenMethod::get, "/api/v1/tokens");
    EXPECT_EQ(
        list.json()["tokens"],
        Json::parse(R"([{"name": "root", "role": "admin", "made": "2023-11-14T22:13:20.000Z"}])"));
    const Json events = with(admin, TokenMethod::get, "/api/v1/events").json();
    EXPECT_EQ(events.dump().find(admin), std::string::npos);
    EXPECT_NE(events.dump().find("token root is made, role admin"), std::string::npos);
}

TEST_F(ApiTokensTest, TheTokenOfTheOptionIsAnAdminBesideThem) {
    options.admin_token = "secret";
    restart();
    EXPECT_EQ(get("/api/v1/nodes").status, 401);
    const std::string viewer = make("looker", "view", "secret"); // no admin token is needed first
    EXPECT_EQ(look("secret").status, 200);
    EXPECT_EQ(look(viewer).status, 200);
    EXPECT_EQ(with("secret", TokenMethod::del, "/api/v1/tokens/looker").status, 200);
    EXPECT_EQ(get("/api/v1/nodes").status, 401);
}

TEST_F(ApiTokensTest, NobodyLocksEveryoneOut) {
    EXPECT_EQ(api(TokenMethod::post, "/api/v1/tokens/first?role=view").status, 409);
    EXPECT_EQ(get("/api/v1/nodes").status, 200);
    const std::string admin = make("root", "admin");
    make("looker", "view", admin);
    EXPECT_EQ(with(admin, TokenMethod::del, "/api/v1/tokens/root").status, 409);
    const std::string second = make("second", "admin", admin);
    EXPECT_EQ(with(admin, TokenMethod::del, "/api/v1/tokens/root").status, 200);
    EXPECT_EQ(with(second, TokenMethod::del, "/api/v1/tokens/second").status, 409);
}

TEST_F(ApiTokensTest, WhatIsNoTokenIsRefusedInWords) {
    for (const std::string path :
         {"x?role=root", "x?role=anyone", "x?role=", "x", "a%20b?role=admin"}) {
        EXPECT_EQ(api(TokenMethod::post, "/api/v1/tokens/" + path).status, 400) << path;
    }
    EXPECT_EQ(
        api(TokenMethod::post, "/api/v1/tokens/" + std::string(65, 'a') + "?role=admin").status,
        400);
    const std::string admin = make("root", "admin");
    EXPECT_EQ(with(admin, TokenMethod::post, "/api/v1/tokens/root?role=view").status, 409);
    EXPECT_EQ(with(admin, TokenMethod::del, "/api/v1/tokens/nobody").status, 404);
    for (std::size_t n = 1; n < api_tokens_max; ++n) {
        make(fmt::format("t{}", n), "view", admin);
    }
    EXPECT_EQ(with(admin, TokenMethod::post, "/api/v1/tokens/more?role=view").status, 507);
}

TEST_F(ApiTokensTest, ATokenThatCannotBeKeptIsNotTold) {
    store.set_full(true);
    EXPECT_EQ(api(TokenMethod::post, "/api/v1/tokens/root?role=admin").status, 503);
    EXPECT_EQ(get("/api/v1/nodes").status, 200);
    store.set_full(false);
    wait(2s);
    const std::string admin = make("root", "admin");
    store.set_full(true);
    EXPECT_EQ(with(admin, TokenMethod::del, "/api/v1/tokens/root").status, 503);
    EXPECT_EQ(get("/api/v1/nodes").status, 401) << "it is still there";
}

TEST_F(ApiTokensTest, OneBatchChangesOneToken) {
    const auto ask_for = [this](const std::string& path) {
        DynamicRequest request;
        request.method = TokenMethod::post;
        request.path = path;
        return send(std::move(request), admin_worker);
    };
    const auto first = ask_for("/api/v1/tokens/a?role=admin");
    const auto second = ask_for("/api/v1/tokens/b?role=admin");
    step();
    EXPECT_EQ(replies.at(first).status, 201);
    EXPECT_EQ(replies.at(second).status, 503);
    EXPECT_GT(replies.at(second).retry_after_s, 0U);
    EXPECT_EQ(control->ledger().api_tokens().size(), 1U);
}

TEST_F(ApiTokensTest, WrongTokensAreLimitedPerAddress) {
    const std::string admin = make("root", "admin");
    const auto from = [&](unsigned n, const std::string& authorization) {
        DynamicRequest request;
        request.path = "/api/v1/nodes";
        request.client.address = address_of(n);
        request.authorization = authorization;
        const auto ticket = send(std::move(request), admin_worker);
        step();
        return replies.at(ticket);
    };
    for (unsigned i = 0; i < 3 * token_failures_max; ++i) {
        EXPECT_EQ(from(1, "").status, 401) << "who shows none guesses nothing";
    }
    for (unsigned i = 0; i < token_failures_max; ++i) {
        EXPECT_EQ(from(1, "Bearer guess").status, 401);
    }
    const Said limited = from(1, shown(admin));
    EXPECT_EQ(limited.status, 429);
    EXPECT_EQ(limited.retry_after_s, 60U);
    EXPECT_EQ(from(2, shown(admin)).status, 200);
    wait(token_failures_span);
    EXPECT_EQ(from(1, shown(admin)).status, 200);
    EXPECT_EQ(control->counters().api_limited, 1U);
}

} // namespace
} // namespace muster::test
