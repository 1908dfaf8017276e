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

struct TimelineWait {
    std::string cause; ///< `dhcp_collecting`, …
    double ms = 0;
};

struct TimelineAttempt {
    std::uint64_t attempt = 0;
    std::vector<TimelineMark> marks; ///< in the order of time
    std::vector<TimelineWait> waits; ///< the longest first; without those of no time
};

/// Shape:   {"attempts": [{"attempt": 2, "marks": {"offer": MS, "loader": MS, …},
///            "waited_ms_by_cause": {"dhcp_collecting": MS, …}}, …]}
/// Returns: the attempts as given; what has another shape is left out.
[[nodiscard]] std::vector<TimelineAttempt> read_timeline(const Json& json);

/// A table of all marks: attempt, what, seconds since the first mark of the attempt (its first
/// offer), seconds since the mark before.
[[nodiscard]] std::string timeline_text(const std::vector<TimelineAttempt>& attempts,
                                        const Look& look);

/// A table of what was waited for: attempt, seconds, cause. Empty: for nothing.
[[nodiscard]] std::string waits_text(const std::vector<TimelineAttempt>& attempts,
                                     const Look& look);

} // namespace muster::cli
