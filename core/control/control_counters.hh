// SPDX-License-Identifier: Apache-2.0
// What the control counts. Its own thread writes and reads them.
#pragma once

#include <cstdint>

namespace muster {

struct ControlCounters {
    std::uint64_t commits = 0;
    std::uint64_t commit_failures = 0;
    std::uint64_t records = 0; ///< written by commits
    std::uint64_t leases_committed = 0;
    std::uint64_t leases_refused = 0; ///< because the store did not take them
    std::uint64_t scripts = 0;
    std::uint64_t answers = 0;
    std::uint64_t reports = 0;
    std::uint64_t api_requests = 0;
    std::uint64_t api_unauthorized = 0;
    std::uint64_t api_forbidden = 0; ///< the token's role is too low
    std::uint64_t api_limited = 0;   ///< after too many wrong tokens
    std::uint64_t tokens_refused = 0;
    std::uint64_t unknown_clients = 0;    ///< asked for a script from an address of no node
    std::uint64_t store_unavailable = 0;  ///< requests answered 503 because the store failed
    std::uint64_t overload = 0;           ///< messages refused because too many were waiting
    std::uint64_t machines_not_added = 0; ///< seen when the node table was full
    std::uint64_t attempts_begun = 0;
    std::uint64_t attempts_failed = 0;
    std::uint64_t installs_completed = 0;
    std::uint64_t events = 0;
};

} // namespace muster
