// SPDX-License-Identifier: Apache-2.0
// The programs that say whether an installer would take its answers, and what they say.
#pragma once

#include "tools/muster/preseed_rule.hh"
#include "tools/muster/program.hh"

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muster::cli {

/// For one text: they take a second at most, unless something is wrong with them.
inline constexpr std::chrono::seconds validator_time_max{30};

enum class AnswerKind : std::uint8_t { preseed, kickstart, cloud_config, xml, ignition, other };

/// By the name that the installer asks for, the template, and what the text begins with.
[[nodiscard]] AnswerKind answer_kind(std::string_view name, std::string_view template_file,
                                     std::string_view text);

struct Validator {
    AnswerKind kind{};
    std::string_view package;           ///< Debian's; empty: Debian has none
    std::vector<std::string> arguments; ///< the file's name follows
    [[nodiscard]] const std::string& program() const { return arguments.front(); }
};

/// The validator of a kind; null: there is none.
[[nodiscard]] const Validator* validator_of(AnswerKind kind);

/// What the end of a validator means for `text`, which it read from `file`.
[[nodiscard]] std::optional<AnswerProblem>
read_verdict(const ProgramEnd& end, std::string_view file, std::string_view text);

/// That line of a text, from 1, without its end; empty where there is none.
[[nodiscard]] std::string_view line_of(std::string_view text, std::size_t number);

} // namespace muster::cli
