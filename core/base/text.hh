// SPDX-License-Identifier: Apache-2.0
// Small work on text that several parts need.
#pragma once

#include <string>
#include <string_view>

namespace muster {

/// Without the characters of `blanks` at both ends. Borrows from `text`.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text,
                                                 std::string_view blanks = " \t\r\n") noexcept {
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// For HTML, XML and SVG: text, or an attribute in double quotes. Control characters, which XML 1.0
/// section 2.2 does not allow and which would only confuse a reader, become `?`.
[[nodiscard]] std::string escaped_markup(std::string_view text);

} // namespace muster
