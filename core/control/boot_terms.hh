// SPDX-License-Identifier: Apache-2.0
// On which terms a machine may load: what goes before it, and what it shares with others.
#pragma once

#include <string>
#include <vector>

namespace muster {

struct Site;
struct NodeRecord;

/// Machines that have something in common, of which so many may load at once.
struct BootBudget {
    std::string name; ///< for people: `tag rack1`
    unsigned slots = 0;

    friend bool operator==(const BootBudget&, const BootBudget&) = default;
};

struct BootTerms {
    int priority = 0; ///< a higher one goes before
    std::vector<BootBudget> budgets;
};

/// As the site says: of its tags, its profile, the switch that it was last seen at (option 82.2),
/// and the relays of the subnet that its address is of.
[[nodiscard]] BootTerms boot_terms(const NodeRecord& node, const Site& site);

} // namespace muster
