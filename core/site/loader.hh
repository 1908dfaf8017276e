// SPDX-License-Identifier: Apache-2.0
// Reads a site folder. What the files may hold: INTERFACES.md, "The site folder".
#pragma once

#include "core/base/result.hh"
#include "core/site/site.hh"
#include "core/site/site_files.hh"
#include "core/site/site_problem.hh"

#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// Lease times that are taken: shorter ones are a renewal storm, longer ones never come back.
inline constexpr Duration lease_min = std::chrono::seconds{30};
inline constexpr Duration lease_max = std::chrono::hours{24 * 365};
inline constexpr unsigned retries_max = 100;
inline constexpr unsigned boot_slots_max = 100'000;

/// Reads site.yaml, profiles/*.yaml, nodes.yaml, nodes/**.yaml and templates/**.
///
/// `folder` is the site's absolute path, kept in the result; it is not opened.
/// Errors: all problems at once, sorted by place. Nothing of a site with problems is used.
[[nodiscard]] Result<Site, std::vector<SiteProblem>> load_site(const SiteFiles& files,
                                                               std::string folder);

/// Reads one node as YAML or JSON (a mapping like those of nodes.yaml) and checks it against
/// `site`, leaving out a node of the same name: what an operator adds while the site is served.
/// The places in problems are lines and columns of `text`, under the file name `node`.
[[nodiscard]] Result<NodeSpec, std::vector<SiteProblem>> read_node(std::string_view text,
                                                                   const Site& site);

} // namespace muster
