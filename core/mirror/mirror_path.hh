// SPDX-License-Identifier: Apache-2.0
// What a path below a mirror is called upstream, and how long its content may be believed.
#pragma once

#include "core/site/mirror_plan.hh"

#include <optional>
#include <string>
#include <string_view>

namespace muster {

/// Longest target that is asked for upstream; in longer ones nobody keeps packages.
inline constexpr std::size_t mirror_target_size_max = 2048;

/// A canonical path in the form that goes upstream: escaped again, with its closing slash and its
/// query, so that one name of a file has one spelling whatever the client escaped.
///
/// `path` is decoded and canonical, `slash` says that it ended with one, `query` is as it came.
/// Returns: nullopt if it holds a control character or is too long.
/// Source:  RFC 3986 section 3.3: what stands for itself in a path.
[[nodiscard]] std::optional<std::string> mirror_target(std::string_view path, bool slash,
                                                       std::string_view query);

/// The whole URL of such a target, which lies in `mirror`.
[[nodiscard]] std::string upstream_url(const MirrorPlan& mirror, std::string_view target);

/// How a content may be kept.
enum class MirrorKind : std::uint8_t {
    package, ///< its name is never given to other bytes: asked for once
    index,   ///< may change: asked again after MirrorPlan::revalidate
};

/// By its name. Packages are what lies in a `by-hash` folder, names that begin with a hash (as in
/// `repodata/`), and the endings of package formats; whatever is not known to be one is an index,
/// which costs one conditional request a minute. A query makes an index of anything.
[[nodiscard]] MirrorKind mirror_kind(std::string_view target) noexcept;

} // namespace muster
