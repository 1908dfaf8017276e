// SPDX-License-Identifier: Apache-2.0
// The key `mirrors` of a site: paths of the data plane that are caches of servers elsewhere.
#pragma once

#include "core/base/time.hh"

#include <span>
#include <string>
#include <string_view>

namespace muster {

/// One item of `mirrors`.
struct MirrorPlan {
    std::string path;     ///< `/debian`: a leading slash, none at the end; needs no escapes
    std::string upstream; ///< `http://deb.debian.org/debian`: no slash, query or user at the end
    Duration revalidate = std::chrono::minutes{1}; ///< how long an index counts as fresh
    std::string ca{}; ///< PEM file with who may vouch for the upstream; empty: the system's
};

/// The mirror that a path (with or without query) lies in: the longest one; null: none.
[[nodiscard]] inline const MirrorPlan* find_mirror(std::span<const MirrorPlan> mirrors,
                                                   std::string_view path) noexcept {
    const MirrorPlan* found = nullptr;
    for (const MirrorPlan& mirror : mirrors) {
        const bool inside = path.starts_with(mirror.path) &&
                            (path.size() == mirror.path.size() || path[mirror.path.size()] == '/' ||
                             path[mirror.path.size()] == '?');
        if (inside && (found == nullptr || mirror.path.size() > found->path.size())) {
            found = &mirror;
        }
    }
    return found;
}

} // namespace muster
