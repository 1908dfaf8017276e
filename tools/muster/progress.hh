// SPDX-License-Identifier: Apache-2.0
// Progress bars of fixed width.
#pragma once

#include "tools/muster/text.hh"

namespace muster::cli {

/// A bar of `cells` cells, of which `percent` are full, and the number: `███░░░░░░░  32 %`. Always
/// `cells` + 6 wide. A bar is full at 100 only and empty at 0 only; above 100 counts as 100.
[[nodiscard]] std::string progress_bar(unsigned percent, std::size_t cells, const Glyphs& glyphs);

} // namespace muster::cli
