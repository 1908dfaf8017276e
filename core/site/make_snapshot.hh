// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/site/site.hh"
#include "core/site/snapshot.hh"

namespace muster {

/// What the control adds to a site to publish it.
struct SnapshotParts {
    std::map<std::string, std::string> loaders; ///< as resolve_loaders() found them
    std::vector<NodeBoot> nodes;                ///< of every known node
    BootPorts ports; ///< `https` is what there is; the site says whether it is told of
    std::uint64_t revision = 0;
};

/// The part of a site that workers need.
[[nodiscard]] Snapshot make_snapshot(const Site& site, SnapshotParts parts);

} // namespace muster
