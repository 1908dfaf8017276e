// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/progress.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster::cli {

std::string progress_bar(unsigned percent, std::size_t cells, const Glyphs& glyphs) {
    percent = std::min(percent, 100U);
    // Rounded down, so that 99 % does not look done; the first percent shows all the same.
    std::size_t full = cells * percent / 100;
    if (full == 0 && percent > 0 && cells > 1) {
        full = 1;
    }
    std::string bar;
    for (std::size_t cell = 0; cell < cells; ++cell) {
        bar += cell < full ? glyphs.full : glyphs.empty;
    }
    return fmt::format("{} {:>3} %", bar, percent);
}

} // namespace muster::cli
