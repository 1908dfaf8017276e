// SPDX-License-Identifier: Apache-2.0
// Runs another program to its end.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster::cli {

struct ProgramEnd {
    bool started = false;  ///< false: there is no such program
    bool too_slow = false; ///< it was ended, with what it had started, because its time was over
    int status = -1;       ///< its exit status; -1: a signal ended it
    std::string output;    ///< of both streams
};

/// The first argument is the program, looked for in PATH. It gets no input. With a limit it is in a
/// process group of its own, and ended once that time is over.
[[nodiscard]] ProgramEnd run_program(const std::vector<std::string>& arguments,
                                     std::optional<std::chrono::milliseconds> limit = {});

/// The last line of a program's output that says something.
[[nodiscard]] std::string last_line(std::string_view output);

} // namespace muster::cli
