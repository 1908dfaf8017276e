// SPDX-License-Identifier: Apache-2.0
// muster show -- everything about one machine.
#include "tools/muster/command.hh"
#include "tools/muster/event_line.hh"
#include "tools/muster/flight.hh"
#include "tools/muster/node.hh"
#include "tools/muster/timeline.hh"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

namespace muster::cli {
namespace {

void add_show_options(po::options_description& options) {
    options.add_options()("json", "Print the node as one JSON object, as the API gives it, with "
                                  "the \"attempts\", \"recorder\", \"findings\" and \"events\" "
                                  "of its timeline.");
}

/// In what order people want to know; fields that are not listed follow.
constexpr std::array<std::string_view, 17> field_order{
    "name",         "state",          "message", "profile",   "address",  "mac",
    "macs",         "uuid",           "attempt", "since",     "deadline", "stage_percent",
    "bytes_served", "expected_bytes", "tags",    "variables", "origin"};
/// Shown elsewhere, or the same in another unit.
constexpr std::array<std::string_view, 2> left_out{"since_ms", "timeline"};
/// Of the events of a node, the latest so many.
constexpr std::size_t events_shown = 10;

std::string time_text(UnixTime at, UnixTime now) {
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - at);
    return fmt::format("{:%Y-%m-%d %H:%M:%S %z} ({}{}{})",
                       fmt::localtime(static_cast<std::time_t>(at.ms / 1000)),
                       passed.count() < 0 ? "in " : "", age_text(std::chrono::abs(passed)),
                       passed.count() < 0 ? "" : " ago");
}

std::string bytes_field(std::uint64_t bytes) {
    return bytes < 1024 ? bytes_text(bytes) : fmt::format("{} ({})", bytes_text(bytes), bytes);
}

/// `a, b` of a list, `a=1 b=2` of an object, `-` of nothing; whatever else as JSON.
std::string plain_text(const Json& value) {
    if (value.is_string()) {
        return value.get<std::string>();
    }
    if (!value.is_structured()) {
        return value.is_null() ? std::string{} : value.dump();
    }
    std::string out;
    for (const auto& [key, member] : value.items()) {
        const std::string text = member.is_structured() ? member.dump() : plain_text(member);
        out += out.empty() ? "" : value.is_array() ? ", " : " ";
        out += value.is_array() ? text : fmt::format("{}={}", key, text);
    }
    return out;
}

std::string field_text(std::string_view key, const Json& value, UnixTime now) {
    if ((key == "since" || key == "deadline") && value.is_string()) {
        if (const auto at = read_rfc3339(value.get<std::string>())) {
            return time_text(*at, now);
        }
    }
    if ((key == "bytes_served" || key == "expected_bytes") && value.is_number_unsigned()) {
        return bytes_field(value.get<std::uint64_t>());
    }
    if (key == "stage_percent" && value.is_number()) {
        return fmt::format("{} %", value.dump());
    }
    const std::string text = printable(plain_text(value));
    return text.empty() ? "-" : text;
}

bool is_shown(const std::string& key, const Json& value) {
    // One address is what `mac` says.
    const bool repeats = key == "macs" && value.is_array() && value.size() < 2;
    return !repeats && std::ranges::find(left_out, key) == left_out.end();
}

void print_fields(const Json& json, const Look& look) {
    std::vector<std::string> keys;
    std::size_t width = 0;
    for (const auto& [key, value] : json.items()) {
        if (is_shown(key, value)) {
            keys.push_back(key);
            width = std::max(width, key.size());
        }
    }
    std::ranges::stable_sort(
        keys, {}, [](const std::string& key) { return std::ranges::find(field_order, key); });
    const UnixTime now = wall_now();
    for (const std::string& key : keys) {
        const std::string text = field_text(key, json.at(key), now);
        const Colour colour = key == "state" ? colour_of(text) : Colour::none;
        print(fmt::format("{:<{}}  {}\n", printable(key), width, coloured(text, colour, look)));
    }
}

void print_events(const Json& timeline, const Look& look) {
    const auto events = timeline.find("events");
    if (events == timeline.end() || !events->is_array() || events->empty()) {
        return;
    }
    print("\nLatest events:\n");
    const std::size_t skipped = events->size() - std::min(events->size(), events_shown);
    for (std::size_t at = skipped; at < events->size(); ++at) {
        print(event_line((*events)[at], look));
    }
}

Exit run_show(Session& session) {
    const std::string& name = session.arguments().front();
    ApiClient& api = session.api();
    Json node = require(api.get(api_path({"nodes", name})));
    Json timeline = require(api.get(api_path({"nodes", name, "timeline"})));
    if (!node.is_object() || !timeline.is_object()) {
        throw Failure{fmt::format("{}: the answer is no node", session.server())};
    }
    if (session.has("json")) {
        for (auto& [key, value] : timeline.items()) {
            node[key] = std::move(value);
        }
        print_json(node);
        return Exit::success;
    }
    const Look look = look_of(STDOUT_FILENO);
    print_fields(node, look);
    const std::vector<TimelineAttempt> attempts = read_timeline(timeline);
    const std::string text = timeline_text(attempts, look);
    print(text.empty() ? "\nNo network boot was seen yet.\n"
                       : "\nTimeline, in seconds since the first offer:\n" + text);
    if (const std::string waits = waits_text(attempts, look); !waits.empty()) {
        print("\nWaited for, in seconds by cause:\n" + waits);
    }
    if (const std::string flight = flight_text(timeline, look); !flight.empty()) {
        print("\nFlight recorder, in seconds since each boot began:\n" + flight);
    }
    if (const std::string findings = findings_text(timeline, look); !findings.empty()) {
        print("\nLook at this:\n" + findings);
    }
    print_events(timeline, look);
    return Exit::success;
}

} // namespace

const Command show_command{
    .name = "show",
    .arguments = "NODE [--json]",
    .summary = "Show everything about one machine, with its timeline.",
    .details = "Shows all that is known of a machine, then what it did and when, in seconds since "
               "the first DHCP offer of the attempt, what its boots waited for, what the flight "
               "recorder holds of its last boots, what that says is wrong (a port in spanning "
               "tree, a second DHCP server, a loader that never came to its script, ...), and "
               "its latest events.",
    .examples = "  muster show r1n01",
    .argument = "NODE",
    .arguments_min = 1,
    .arguments_max = 1,
    .add_options = add_show_options,
    .run = run_show,
};

} // namespace muster::cli
