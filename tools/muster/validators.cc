// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/validators.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <regex>

namespace muster::cli {
namespace {

constexpr std::size_t words_max = 600; ///< of a validator, in a message

bool has_line_beginning(std::string_view text, std::string_view begin) {
    return text.starts_with(begin) ||
           text.find("\n" + std::string{begin}) != std::string_view::npos;
}

std::string_view without_blanks(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    text.remove_suffix(text.size() - std::min(text.find_last_not_of(blanks) + 1, text.size()));
    return text;
}

/// The lines that say something, joined; `file` is a name that means nothing to the reader.
std::string said(const ProgramEnd& end, std::string_view file) {
    std::string words;
    std::string_view rest = end.output;
    while (!rest.empty() && words.size() < words_max) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        std::string clean{without_blanks(line)};
        for (auto at = clean.find(file); at != std::string::npos; at = clean.find(file)) {
            const bool colon = clean.substr(at + file.size()).starts_with(':');
            clean.erase(at, file.size() + (colon ? 1 : 0));
        }
        if (clean.find_first_not_of(" ^~:") != std::string::npos && clean != "Error:") {
            words += (words.empty() ? "" : " | ") + clean;
        }
    }
    if (words.size() > words_max) {
        words.resize(words_max);
        words += "...";
    }
    return words.empty() ? "it does not say why" : words;
}

std::size_t number_in(const std::ssub_match& match) {
    const std::string digits = match.str();
    std::size_t number = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return end.ec == std::errc{} ? number : 0;
}

/// Where a validator says that something is wrong: `FILE:3: …`, `… line 3 …`, or, of cloud-init's
/// schema, the path of a key (`users.0: …`), of which the first part is looked for.
std::size_t line_said(const std::string& output, std::string_view file, std::string_view text) {
    if (const auto at = output.find(fmt::format("{}:", file)); at != std::string::npos) {
        static const std::regex after_file{"^(\\d+):"};
        const std::string rest = output.substr(at + file.size() + 1, 12);
        if (std::smatch found; std::regex_search(rest, found, after_file)) {
            return number_in(found[1]);
        }
    }
    static const std::regex line{"\\bline (\\d+)"};
    if (std::smatch found; std::regex_search(output, found, line)) {
        return number_in(found[1]);
    }
    static const std::regex path{"schema errors: ([A-Za-z_][\\w-]*)"};
    if (std::smatch found; std::regex_search(output, found, path)) {
        const std::string key = found[1].str() + ":";
        for (std::size_t number = 1; !text.empty(); ++number) {
            if (text.starts_with(key)) {
                return number;
            }
            text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
        }
    }
    return 0;
}

} // namespace

AnswerKind answer_kind(std::string_view name, std::string_view template_file,
                       std::string_view text) {
    const auto named = [&](std::string_view part) {
        return name.find(part) != std::string_view::npos ||
               template_file.find(part) != std::string_view::npos;
    };
    if (text.starts_with("#cloud-config")) {
        return AnswerKind::cloud_config;
    }
    if (name.ends_with(".ign") || named("ignition")) {
        return AnswerKind::ignition;
    }
    if (name.ends_with(".xml") || without_blanks(text).starts_with("<?xml")) {
        return AnswerKind::xml;
    }
    if (named("kickstart") || name.ends_with(".ks") || has_line_beginning(text, "%packages")) {
        return AnswerKind::kickstart;
    }
    if (named("preseed") || has_line_beginning(text, "d-i ")) {
        return AnswerKind::preseed;
    }
    return AnswerKind::other;
}

const Validator* validator_of(AnswerKind kind) {
    static const std::array<Validator, 5> validators{{
        {AnswerKind::preseed, "debconf", {"debconf-set-selections", "--checkonly"}},
        {AnswerKind::kickstart, "", {"ksvalidator"}},
        {AnswerKind::cloud_config, "cloud-init", {"cloud-init", "schema", "--config-file"}},
        {AnswerKind::xml, "libxml2-utils", {"xmllint", "--noout", "--nonet"}},
        {AnswerKind::ignition, "ignition", {"ignition-validate"}},
    }};
    const auto* const found = std::find_if(validators.begin(), validators.end(),
                                           [&](const Validator& one) { return one.kind == kind; });
    return found == validators.end() ? nullptr : found;
}

std::optional<AnswerProblem> read_verdict(const ProgramEnd& end, std::string_view file,
                                          std::string_view text) {
    if (end.too_slow) {
        return AnswerProblem{0, fmt::format("did not end within {} s", validator_time_max.count())};
    }
    if (end.status == 0) {
        return {};
    }
    if (end.status < 0) {
        return AnswerProblem{0, "a signal ended it: " + said(end, file)};
    }
    return AnswerProblem{line_said(end.output, file, text), said(end, file)};
}

std::string_view line_of(std::string_view text, std::size_t number) {
    for (; number > 1 && !text.empty(); --number) {
        text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    }
    return number == 1 ? without_blanks(text.substr(0, text.find('\n'))) : std::string_view{};
}

} // namespace muster::cli
