// SPDX-License-Identifier: Apache-2.0
#include "core/control/flight_json.hh"

#include <nlohmann/json.hpp>

namespace muster {
namespace {

using Json = nlohmann::json;

/// Of those that share a UUID, as many names as a sentence takes.
constexpr std::size_t names_max = 5;

constexpr bool is_transfer(FlightKind kind) noexcept {
    return kind == FlightKind::loader || kind == FlightKind::payload || kind == FlightKind::file;
}

std::vector<std::string> others_of_uuid(const NodeRecord& node, const Ledger& ledger) {
    std::vector<std::string> names;
    if (!node.uuid) {
        return names;
    }
    for (const auto& [name, other] : ledger.nodes().all()) {
        if (other.uuid == node.uuid && name != node.name() && names.size() < names_max) {
            names.push_back(name);
        }
    }
    return names;
}

} // namespace

Json flight_json(std::span<const FlightEntry> entries) {
    Json list = Json::array();
    for (const FlightEntry& entry : entries) {
        Json json{{"boot", entry.boot},   {"time", entry.at.ms},         {"last", entry.last.ms},
                  {"count", entry.count}, {"kind", to_text(entry.kind)}, {"text", entry.text}};
        if (is_transfer(entry.kind)) {
            json["bytes"] = entry.bytes;
            json["end"] = to_text(entry.end);
        }
        list.push_back(std::move(json));
    }
    return list;
}

Json findings_json(const NodeRecord& node, std::span<const FlightEntry> entries,
                   const Installs& installs, const Ledger& ledger, UnixTime now) {
    const Profile* const profile = installs.profile_of(node);
    const FlightStory story{.node = node,
                            .entries = entries,
                            .has_answers = profile != nullptr && !profile->answers.empty(),
                            .same_uuid = others_of_uuid(node, ledger),
                            .now = now};
    Json list = Json::array();
    for (const Finding& finding : find_troubles(story)) {
        list.push_back({{"code", finding.code}, {"message", finding.text}});
    }
    return list;
}

} // namespace muster
