// SPDX-License-Identifier: Apache-2.0
// muster nodes -- the machines, one line each.
#include "tools/muster/command.hh"
#include "tools/muster/node.hh"
#include "tools/muster/values.hh"

#include <fmt/format.h>
#include <unistd.h>

namespace muster::cli {
namespace {

void add_nodes_options(po::options_description& options) {
    add_filter_options(options);
    options.add_options()("json", "Print the nodes as one JSON array, as the API gives them.");
}

std::string since_text(const Node& node, UnixTime now) {
    if (!node.since) {
        return {};
    }
    return age_text(std::chrono::duration_cast<std::chrono::milliseconds>(now - *node.since));
}

Exit run_nodes(Session& session) {
    const Query query = filter_query(session);
    const Json nodes = require(get_pages(session.api(), {"nodes"}, "nodes", query));
    if (session.has("json")) {
        print_json(nodes);
        return Exit::success;
    }
    Table table{{{"NAME", Align::left, 8},
                 {"STATE"},
                 {"DONE", Align::right},
                 {"FOR", Align::right},
                 {"TRY", Align::right},
                 {"PROFILE", Align::left, 7},
                 {"ADDRESS"},
                 {"MAC", Align::left, 17},
                 {"TAGS", Align::left, 4},
                 {"MESSAGE", Align::left, 7}}};
    const UnixTime now = wall_now();
    for (const Json& json : nodes) {
        const Node node = read_node(json);
        const auto percent = percent_of(node);
        table.add({{node.name},
                   {node.state, colour_of(node.state)},
                   {percent ? fmt::format("{}%", *percent) : ""},
                   {since_text(node, now)},
                   {node.attempt.value_or(0) > 0 ? fmt::to_string(*node.attempt) : ""},
                   {node.profile},
                   {node.address},
                   {node.mac},
                   {fmt::to_string(fmt::join(node.tags, ","))},
                   {node.message}});
    }
    print(table.text(look_of(STDOUT_FILENO)));
    return Exit::success;
}

} // namespace

const Command nodes_command{
    .name = "nodes",
    .arguments = "[--state STATE] [--tag TAG] [--profile PROFILE] [--json]",
    .summary = "List the machines and how far each is.",
    .details =
        "Lists the machines muster knows: state, per cent done within that state, how long it "
        "has been in it (FOR), number of the attempt (TRY), and what the machine said last. "
        "On a terminal the last columns are cut to fit; into a file or pipe nothing is.",
    .examples = "  muster nodes --state failed        what needs a look\n"
                "  muster nodes --tag rack1 --json    for a script",
    .argument = "",
    .arguments_min = 0,
    .arguments_max = 0,
    .add_options = add_nodes_options,
    .run = run_nodes,
};

} // namespace muster::cli
