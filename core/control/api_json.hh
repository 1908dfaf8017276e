// SPDX-License-Identifier: Apache-2.0
// What the admin API says of things, as JSON. Keys are fixed by INTERFACES.md.
#pragma once

#include "core/control/installs.hh"

#include <nlohmann/json.hpp>

namespace muster {

/// RFC 3339 in UTC with milliseconds: `2026-03-01T12:00:00.000Z`.
[[nodiscard]] std::string rfc3339_text(UnixTime time);

[[nodiscard]] nlohmann::json node_json(const NodeRecord& node, const Installs& installs,
                                       const Ledger& ledger);
/// What a list of all nodes is drawn from: a fraction of node_json(), and its revision, which tells
/// which of two is the later one.
[[nodiscard]] nlohmann::json node_brief_json(const NodeRecord& node, const Installs& installs,
                                             const Ledger& ledger);
/// Seconds since the first offer of each step that the latest attempt has reached.
[[nodiscard]] nlohmann::json seconds_json(const BootTimeline& boot);
/// By cause, in milliseconds: all causes, also those that took no time.
[[nodiscard]] nlohmann::json waited_json(const BootTimeline& boot);
/// All that is kept of the node's attempts and events.
[[nodiscard]] nlohmann::json timeline_json(const NodeRecord& node, const Ledger& ledger);
[[nodiscard]] nlohmann::json event_json(const Event& event);
[[nodiscard]] nlohmann::json lease_json(const LeaseRecord& lease, const Ledger& ledger);
[[nodiscard]] nlohmann::json lease_json(const Lease6Record& lease, const Ledger& ledger);
[[nodiscard]] nlohmann::json profile_json(const Profile& profile, const ContentIndex& content);
[[nodiscard]] nlohmann::json site_json(const Site& site);

/// Text for the wire; bytes of others that are not UTF-8 are replaced.
[[nodiscard]] std::string json_text(const nlohmann::json& json);

} // namespace muster
