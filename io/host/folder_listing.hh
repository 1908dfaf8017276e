// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/content/content.hh"

#include <string_view>

namespace muster {

/// An HTML page with what is in a folder: names that do not begin with a dot, folders first, sizes
/// and dates. Blocks for metadata, of folder_listing_max names at most.
///
/// `folder` is an open directory; it is read from its start. `path` is where it lies below the tree
/// (no slash around it; empty: the tree itself), for title and links. Null: it cannot be read.
[[nodiscard]] ContentRef make_folder_listing(int folder, std::string_view path);

inline constexpr std::size_t folder_listing_max = 5000;

} // namespace muster
