// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/node.hh"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace muster::cli {

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
    if (const auto since = number_of(json, "since")) {
        node.since = UnixTime{static_cast<std::int64_t>(*since)};
    }
    node.stage_percent = number_of(json, "stage_percent");
    node.bytes_served = number_of(json, "bytes_served").value_or(0);
    node.expected_bytes = number_of(json, "expected_bytes").value_or(0);
    node.message = text_of(json, "message");
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
