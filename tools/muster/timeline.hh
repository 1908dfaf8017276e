// SPDX-License-Identifier: Apache-2.0
// What the flight recorder holds of a node's boots, read from the API and laid out for people.
#pragma once

#include "core/base/time.hh"

#include "tools/muster/api_client.hh"
#include "tools/muster/terminal.hh"

#include <string>
#include <vector>

namespace muster::cli {

struct TimelineMark {
    std::string name; ///< `offer`, `loader`, …
    UnixTime at;
};

struct TimelineAttempt {
    std::uint64_t attempt = 0;
    std::vector<TimelineMark> marks; ///< in the order of time
};

/// Shape:   {"attempts": [{"attempt": 2, "marks": {"offer": MS, "loader": MS, …}}, …]}
/// Returns: the attempts as given; what has another shape is left out.
[[nodiscard]] std::vector<TimelineAttempt> read_timeline(const Json& json);

/// A table of all marks: attempt, what, seconds since the first mark of the attempt (its first
/// offer), seconds since the mark before.
[[nodiscard]] std::string timeline_text(const std::vector<TimelineAttempt>& attempts,
                                        const Look& look);

} // namespace muster::cli
