// SPDX-License-Identifier: Apache-2.0
// What the admin API serves as it is, carried inside of musterd: the page.
#pragma once

#include "core/control/control_options.hh"

#include <span>

namespace muster {

/// By path; without the page if this build has none.
[[nodiscard]] std::map<std::string, AdminAsset, std::less<>> admin_assets();

/// As tools/page/embed.py writes them.
struct EmbeddedAsset {
    std::string_view path;
    std::string_view type;
    std::string_view policy;
    std::string_view etag; ///< of `plain`, without quotes
    std::string_view plain;
    std::string_view gzip;
};
[[nodiscard]] std::span<const EmbeddedAsset> embedded_assets() noexcept;

} // namespace muster
