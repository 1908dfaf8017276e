// SPDX-License-Identifier: Apache-2.0
// A grub.cfg, read into a list of steps: commands, and jumps for `if`, `while`, `until` and `for`.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

struct GrubCode;

struct GrubStep {
    enum class Kind : std::uint8_t {
        command,     ///< `words`, as they stand in the file: quotes and all
        jump,        ///< to `target`
        jump_if_not, ///< when the last command failed
        jump_if,     ///< when it did not
        for_begin,   ///< `words` but the first are the values of the variable that the first names
        for_next,    ///< takes the next value, or jumps when there is none left
        menu_entry,  ///< `words` are its title and options, `body` what it runs
    };
    Kind kind{};
    std::vector<std::string> words{};
    std::size_t target = 0;
    bool negated = false; ///< `! command`
    std::shared_ptr<const GrubCode> body{};
};

struct GrubCode {
    std::vector<GrubStep> steps;
};

/// Nullopt: a syntax error, with which GRUB runs nothing of the file.
[[nodiscard]] std::optional<GrubCode> read_grub_code(std::string_view text);

} // namespace muster
