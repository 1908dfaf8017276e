// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/preseed_rule.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace muster::cli {
namespace {

/// The types of debconf's questions (debconf-devel(7)), and the flag that may stand in their place.
constexpr std::array<std::string_view, 10> question_types{
    "string", "boolean", "select", "multiselect", "note",
    "text",   "title",   "error",  "password",    "seen"};

std::string_view first_word(std::string_view& text) {
    constexpr std::string_view blanks = " \t";
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(blanks));
    text.remove_prefix(word.size());
    return word;
}

bool is_question_type(std::string_view word) {
    return std::find(question_types.begin(), question_types.end(), word) != question_types.end();
}

/// Begins as a question does: a value that holds one is most likely an accident.
bool looks_like_question(std::string_view line) {
    const std::string_view owner = first_word(line);
    const std::string_view question = first_word(line);
    return !owner.empty() && question.find('/') != std::string_view::npos &&
           question.find('/') != 0 && is_question_type(first_word(line));
}

std::string why_no_question(std::string_view line) {
    const std::string_view owner = first_word(line);
    const std::string_view question = first_word(line);
    const std::string_view type = first_word(line);
    if (question.empty() || type.empty()) {
        return fmt::format("'{}' is no question: expected OWNER QUESTION TYPE VALUE",
                           question.empty() ? owner : question);
    }
    if (!is_question_type(type)) {
        return fmt::format("{} has the unknown type '{}'; known are: {}", question, type,
                           fmt::join(question_types, ", "));
    }
    return {};
}

} // namespace

std::optional<AnswerProblem> preseed_problem(std::string_view text) {
    bool continues = false;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const bool blank = line.find_first_not_of(" \t\r") == std::string_view::npos;
        const bool comment =
            !continues &&
            line.substr(std::min(line.find_first_not_of(" \t"), line.size())).starts_with('#');
        if (continues && looks_like_question(line)) {
            return AnswerProblem{number, "the backslash at the end of the line before makes this "
                                         "question a part of that one's value"};
        }
        if (!continues && !blank && !comment) {
            if (std::string why = why_no_question(line); !why.empty()) {
                return AnswerProblem{number, std::move(why)};
            }
        }
        continues = !comment && line.ends_with('\\');
    }
    return {};
}

} // namespace muster::cli
