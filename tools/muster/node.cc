// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/node.hh"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace muster::cli {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

} // namespace

std::string text_of(const Json& json, std::string_view key) {
    const auto found = json.find(key);
    if (found == json.end()) {
        return {};
    }
    if (found->is_string()) {
        return found->get<std::string>();
    }
    std::string joined;
    if (found->is_array()) {
        for (const Json& entry : *found) {
            if (entry.is_string()) {
                joined += joined.empty() ? "" : ",";
                joined += entry.get_ref<const std::string&>();
            }
        }
    }
    return joined;
}

std::optional<std::uint64_t> number_of(const Json& json, std::string_view key) {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_number()) {
        return std::nullopt;
    }
    if (found->is_number_unsigned()) {
        return found->get<std::uint64_t>();
    }
    const auto value = found->get<double>();
    if (!(value >= 0) || value >= 1e18) { // also what is not a number at all
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(value);
}

std::optional<UnixTime> read_rfc3339(std::string_view text) {
    // Where a digit stands for itself, the character must be that of the pattern.
    constexpr std::string_view pattern = "0000-00-00T00:00:00";
    bool fits = text.size() > pattern.size() && text.ends_with('Z');
    for (std::size_t at = 0; fits && at < pattern.size(); ++at) {
        fits = pattern[at] == '0' ? is_digit(text[at]) : text[at] == pattern[at];
    }
    if (!fits) {
        return std::nullopt;
    }
    std::string_view fraction = text.substr(pattern.size());
    fraction.remove_suffix(1);
    const bool digits = std::ranges::all_of(fraction.substr(fraction.empty() ? 0 : 1), is_digit);
    if (!fraction.empty() && (fraction.size() < 2 || fraction.front() != '.' || !digits)) {
        return std::nullopt;
    }
    const auto number = [](std::string_view figures) {
        int value = 0;
        for (const char c : figures) {
            value = value * 10 + (c - '0');
        }
        return value;
    };
    using namespace std::chrono;
    const year_month_day date{year{number(text.substr(0, 4))},
                              month{static_cast<unsigned>(number(text.substr(5, 2)))},
                              day{static_cast<unsigned>(number(text.substr(8, 2)))}};
    const int hour = number(text.substr(11, 2));
    const int minute = number(text.substr(14, 2));
    const int second = number(text.substr(17, 2));
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) {
        return std::nullopt;
    }
    const std::string thousandths = std::string{fraction}.append(fraction.empty() ? ".000" : "000");
    const auto at = sys_days{date} + hours{hour} + minutes{minute} + seconds{second} +
                    milliseconds{number(std::string_view{thousandths}.substr(1, 3))};
    return UnixTime{at.time_since_epoch().count()};
}

Node read_node(const Json& json) {
    Node node;
    if (!json.is_object()) {
        return node;
    }
    node.name = text_of(json, "name");
    node.mac = text_of(json, "mac");
    node.address = text_of(json, "address");
    node.profile = text_of(json, "profile");
    node.state = text_of(json, "state");
    node.attempt = number_of(json, "attempt");
    node.since = read_rfc3339(text_of(json, "since"));
    node.stage_percent = number_of(json, "stage_percent");
    node.bytes_served = number_of(json, "bytes_served").value_or(0);
    node.expected_bytes = number_of(json, "expected_bytes").value_or(0);
    node.message = text_of(json, "message");
    if (const auto place = number_of(json, "queue_place")) {
        node.message = fmt::format("waits to load, place {}", *place);
    }
    if (const auto tags = json.find("tags"); tags != json.end() && tags->is_array()) {
        for (const Json& tag : *tags) {
            if (tag.is_string()) {
                node.tags.push_back(tag.get<std::string>());
            }
        }
    }
    return node;
}

std::optional<unsigned> percent_of(const Node& node) {
    if (node.state == "installed") {
        return 100;
    }
    if (node.state != "booting" && node.state != "loading" && node.state != "installing") {
        return std::nullopt;
    }
    if (node.stage_percent) {
        return static_cast<unsigned>(std::min<std::uint64_t>(*node.stage_percent, 100));
    }
    if (node.expected_bytes == 0) {
        return 0;
    }
    const auto part =
        static_cast<double>(node.bytes_served) / static_cast<double>(node.expected_bytes);
    return static_cast<unsigned>(std::min(part, 1.0) * 100);
}

Colour colour_of(std::string_view state) {
    if (state == "installed") {
        return Colour::green;
    }
    if (state == "failed") {
        return Colour::red;
    }
    if (state == "booting" || state == "loading" || state == "installing") {
        return Colour::yellow;
    }
    return state == "new" ? Colour::blue : state == "ignored" ? Colour::dim : Colour::none;
}

std::string summary_of(const std::vector<Node>& nodes) {
    std::string out = fmt::format("{} node{}", nodes.size(), nodes.size() == 1 ? "" : "s");
    std::string_view separator = ": ";
    for (const std::string_view state : node_states) {
        const auto count = std::ranges::count(nodes, state, &Node::state);
        if (count > 0) {
            out += fmt::format("{}{} {}", separator, count, state);
            separator = ", ";
        }
    }
    return out;
}

UnixTime wall_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

} // namespace muster::cli
