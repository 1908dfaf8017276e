// SPDX-License-Identifier: Apache-2.0
// The flight recorder of a node as JSON, with what it says is wrong.
#pragma once

#include "core/control/installs.hh"
#include "core/flight/findings.hh"

#include <nlohmann/json_fwd.hpp>

namespace muster {

/// A list of entries: `boot`, `time` and `last` (ms), `count`, `kind`, `text`, of transfers also
/// `bytes` and `end`.
[[nodiscard]] nlohmann::json flight_json(std::span<const FlightEntry> entries);

/// A list of `code` and `message`. Looks at every node once, for its UUID.
[[nodiscard]] nlohmann::json findings_json(const NodeRecord& node,
                                           std::span<const FlightEntry> entries,
                                           const Installs& installs, const Ledger& ledger,
                                           UnixTime now);

} // namespace muster
