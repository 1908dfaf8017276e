// SPDX-License-Identifier: Apache-2.0
// What standard output is: a terminal of some width that may show colours, or a file or pipe.
#pragma once

#include "tools/muster/text.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster::cli {

enum class Colour : std::uint8_t { none, dim, red, green, yellow, blue };

/// How output may look. A file or pipe gets every character and no colour, so that what reads it
/// does not depend on the window of whoever started it.
struct Look {
    std::optional<std::size_t> width;  ///< cells of a line; none: unlimited
    std::optional<std::size_t> height; ///< lines; none: unlimited
    bool redraws = false;              ///< the cursor can be moved
    bool colours = false;
    Glyphs glyphs = Glyphs::ascii();
};

/// Looks at a file descriptor and the environment (NO_COLOR as in no-color.org, TERM, locale).
/// `width` and `height` are those of now: ask again before every frame.
[[nodiscard]] Look look_of(int file_descriptor);

/// The text between the escape sequences of `colour`, or as it is.
[[nodiscard]] std::string coloured(std::string_view text, Colour colour, const Look& look);

} // namespace muster::cli
