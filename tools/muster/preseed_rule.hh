// SPDX-License-Identifier: Apache-2.0
// What every line of a preseed file must be.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace muster::cli {

/// What is wrong with an answers file, and where.
struct AnswerProblem {
    std::size_t line = 0; ///< of the rendered text, from 1; 0: of no one line
    std::string words;

    friend bool operator==(const AnswerProblem&, const AnswerProblem&) = default;
};

/// The first line that is neither empty nor a comment nor `OWNER QUESTION TYPE [VALUE]`, or that a
/// backslash at the end of the line before has made a part of that line's value. debconf's own
/// reader skips lines of unknown type and takes any text for a value.
[[nodiscard]] std::optional<AnswerProblem> preseed_problem(std::string_view text);

} // namespace muster::cli
