// SPDX-License-Identifier: Apache-2.0
// muster token -- who may use the admin API, and for what.
#include "tools/muster/command.hh"
#include "tools/muster/node.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace muster::cli {
namespace {

constexpr std::array<std::string_view, 3> roles{"view", "operate", "admin"};

void add_token_options(po::options_description& options) {
    options.add_options()(
        "role", po::value<std::string>()->value_name("view|operate|admin"),
        "What a new token may do. view: look; operate: order installs, change machines and see "
        "what they are given, too; admin: make and remove tokens, too. Required.")(
        "json", "Print what the API gave.");
}

std::string role_of(const Session& session) {
    const auto role = session.value("role");
    if (!role) {
        throw UsageError{"token new: --role is missing; allowed: view, operate, admin"};
    }
    if (std::ranges::find(roles, *role) == roles.end()) {
        throw UsageError{fmt::format("token new: --role '{}' is no role; allowed: view, operate, "
                                     "admin",
                                     printable(*role))};
    }
    return *role;
}

Exit make_token(Session& session, const std::string& name) {
    const Json made =
        require(session.api().post(api_path({"tokens", name}, {{"role", role_of(session)}})));
    if (session.has("json")) {
        print_json(made);
        return Exit::success;
    }
    print(text_of(made, "token") + '\n'); // alone, so that it can go into a file
    fmt::print(stderr, "muster: musterd keeps only its digest: this is the one time it is shown\n");
    return Exit::success;
}

Exit list_tokens(Session& session) {
    const Json tokens = require(get_pages(session.api(), {"tokens"}, "tokens", {}));
    if (session.has("json")) {
        print_json(tokens);
        return Exit::success;
    }
    Table table{{{"NAME", Align::left, 8}, {"ROLE"}, {"MADE"}}};
    for (const Json& token : tokens) {
        table.add({{text_of(token, "name")}, {text_of(token, "role")}, {text_of(token, "made")}});
    }
    print(table.text(look_of(STDOUT_FILENO)));
    return Exit::success;
}

Exit remove_token(Session& session, const std::string& name) {
    require(session.api().remove(api_path({"tokens", name})));
    print(fmt::format("{}: removed\n", printable(name)));
    return Exit::success;
}

Exit run_token(Session& session) {
    const auto& arguments = session.arguments();
    const std::string& verb = arguments.front();
    const bool named = verb == "new" || verb == "remove";
    if (!named && verb != "list") {
        throw UsageError{fmt::format("token: '{}' is none of new, list, remove", printable(verb))};
    }
    if (named != (arguments.size() == 2) || (named && arguments.back().empty())) {
        throw UsageError{named ? fmt::format("token {}: NAME is missing", verb)
                               : std::string{"token list: it takes no name"}};
    }
    if (verb != "new" && session.has("role")) {
        throw UsageError{fmt::format("token {}: --role is for a new one", verb)};
    }
    return verb == "new"    ? make_token(session, arguments.back())
           : verb == "list" ? list_tokens(session)
                            : remove_token(session, arguments.back());
}

} // namespace

const Command token_command{
    .name = "token",
    .arguments = "new NAME --role view|operate|admin [--json] |\n"
                 "                    list [--json] | remove NAME",
    .summary = "Make, list and remove tokens of the API.",
    .details =
        "Without any token, whoever reaches musterd's admin address may do everything. From the "
        "first one on, which must have the role admin, each call wants one whose role is high "
        "enough. 'new' prints the token, this one time: musterd keeps only its digest. Should all "
        "be lost, start musterd with --admin-token-file: what that file has is an admin's.",
    .examples = "  muster token new root --role admin > ~/.muster-token\n"
                "  muster token new prometheus --role view --token-file ~/.muster-token",
    .argument = "new|list|remove",
    .arguments_min = 1,
    .arguments_max = 2,
    .add_options = add_token_options,
    .run = run_token,
};

} // namespace muster::cli
