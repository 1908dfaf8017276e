// SPDX-License-Identifier: Apache-2.0
// What usually goes wrong on the way to an installed system, recognised in a flight recorder.
#pragma once

#include "core/flight/flight_entry.hh"
#include "core/node/node_record.hh"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// Something that a person has to look at, with what would help.
struct Finding {
    std::string_view code; ///< stable, for programs: `offers-ignored`
    std::string text;      ///< one or two sentences

    friend bool operator==(const Finding&, const Finding&) = default;
};

struct FlightStory {
    const NodeRecord& node;
    std::span<const FlightEntry> entries; ///< of the node, oldest first
    bool has_answers = false;             ///< its profile has files that an installer fetches
    std::vector<std::string> same_uuid;   ///< other nodes that show the UUID of this one
    UnixTime now;
};

/// Of the latest boot, and of the latest attempt. Nothing for a machine that does well.
[[nodiscard]] std::vector<Finding> find_troubles(const FlightStory& story);

} // namespace muster
