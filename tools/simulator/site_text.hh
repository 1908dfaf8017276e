// SPDX-License-Identifier: Apache-2.0
// The site folder of a simulated server, as files in memory, and the site that its loader reads.
#pragma once

#include "core/site/site.hh"
#include "core/site/site_files.hh"

#include <map>
#include <memory>

namespace muster::sim {

class MemorySiteFiles final : public SiteFiles {
public:
    std::map<std::string, std::string, std::less<>> files; ///< path below the site → text

    [[nodiscard]] Result<std::vector<std::string>, SiteFileError>
    list(std::string_view folder) const override;
    [[nodiscard]] Result<std::string, SiteFileError> read(std::string_view path) const override;
};

/// What differs from site to site.
struct SiteShape {
    std::uint32_t machines = 1;
    std::string loader = "auto";
    Duration lease{1h};
    Duration booting{3min};
    Duration installing{10min};
    unsigned retries = 3;
    std::uint32_t reserved = 0;    ///< machines that nodes.yaml names, with an address of their own
    bool reserved_in_pool = false; ///< those addresses are of the pool, and somebody may have them
    std::uint32_t addresses = 0;   ///< in the pool; 0: enough for all
};

[[nodiscard]] std::map<std::string, std::string, std::less<>> site_files(const SiteShape& shape);
/// Reads the files as musterd does. Aborts if it has problems: the shape is ours.
[[nodiscard]] std::shared_ptr<const Site> read_site(const SiteShape& shape);

} // namespace muster::sim
