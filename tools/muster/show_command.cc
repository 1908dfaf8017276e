// SPDX-License-Identifier: Apache-2.0
// muster show -- everything about one machine.
#include "tools/muster/command.hh"
#include "tools/muster/node.hh"
#include "tools/muster/timeline.hh"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <ctime>

namespace muster::cli {
namespace {

void add_options(po::options_description& options) {
    options.add_options()(
        "json", "Print the node as one JSON object, as the API gives it, with its \"timeline\".");
}

std::string time_text(UnixTime at) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S %z}", fmt::localtime(std::time_t{at.ms / 1000}));
}

/// How a field reads: as the table has it where it has units, else the JSON.
std::string value_text(const std::string& key, const Json& value, const Node& node) {
    if (key == "since" && node.since) {
        const auto age = wall_now() - *node.since;
        return fmt::format("{} ({} ago)", time_text(*node.since),
                           age_text(std::chrono::duration_cast<std::chrono::milliseconds>(age)));
    }
    if ((key == "bytes_served" || key == "expected_bytes") && value.is_number_unsigned()) {
        const auto bytes = value.get<std::uint64_t>();
        return bytes < 1024 ? bytes_text(bytes) : fmt::format("{} ({})", bytes_text(bytes), bytes);
    }
    if (key == "stage_percent" && value.is_number()) {
        return fmt::format("{} %", value.dump());
    }
    if (value.is_null() || (value.is_structured() && value.empty())) {
        return "-";
    }
    if (value.is_string()) {
        return value.get<std::string>().empty() ? "-" : printable(value.get<std::string>());
    }
    Json one = Json::object();
    one["value"] = value;
    const std::string joined = text_of(one, "value");
    return printable(joined.empty() ? value.dump() : joined);
}

void print_fields(const Json& json, const Look& look) {
    const Node node = read_node(json);
    std::size_t width = 0;
    for (const auto& [key, value] : json.items()) {
        width = std::max(width, key.size());
    }
    for (const auto& [key, value] : json.items()) {
        const Colour colour = key == "state" ? colour_of(node.state) : Colour::none;
        print(fmt::format("{:<{}}  {}\n", printable(key), width,
                          coloured(value_text(key, value, node), colour, look)));
    }
}

Exit run(Session& session) {
    const std::string& name = session.arguments().front();
    ApiClient& api = session.api();
    Json node = require(api.get(api_path({"nodes", name})));
    Json timeline = require(api.get(api_path({"nodes", name, "timeline"})));
    if (!node.is_object()) {
        throw Failure{fmt::format("{}: the answer is no node", session.server())};
    }
    if (session.has("json")) {
        node["timeline"] = std::move(timeline);
        print_json(node);
        return Exit::success;
    }
    const Look look = look_of(STDOUT_FILENO);
    print_fields(node, look);
    const std::string text = timeline_text(read_timeline(timeline), look);
    print(text.empty() ? "\nNo network boot was seen yet.\n"
                       : "\nTimeline, in seconds since the first offer:\n" + text);
    return Exit::success;
}

} // namespace

const Command show_command{
    .name = "show",
    .arguments = "NODE [--json]",
    .summary = "Show everything about one machine, with its timeline.",
    .details = "Shows all that is known of a machine, then what it did and when, in seconds since "
               "the first DHCP offer of the attempt.",
    .examples = "  muster show r1n01",
    .argument = "NODE",
    .arguments_min = 1,
    .arguments_max = 1,
    .add_options = add_options,
    .run = run,
};

} // namespace muster::cli
