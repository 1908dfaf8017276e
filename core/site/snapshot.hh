// SPDX-License-Identifier: Apache-2.0
// What workers need of a site, as one immutable value that control publishes.
#pragma once

#include "core/site/dhcp_plan.hh"
#include "core/site/mirror_plan.hh"

#include <map>
#include <string>
#include <vector>

namespace muster {

struct Snapshot {
    std::uint64_t revision = 0;
    DhcpPlan dhcp;
    std::vector<NodeBoot> nodes; ///< all that are known
    std::vector<MirrorPlan> mirrors;
    std::string files_root;                     ///< absolute path of the site's files/ folder
    std::map<std::string, std::string> loaders; ///< name → absolute path, as found at load
};

} // namespace muster
