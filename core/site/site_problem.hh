// SPDX-License-Identifier: Apache-2.0
// What is wrong with a site folder, and where. All problems are collected before any is told.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// A place in a file of the site folder. Lines and columns count from 1.
struct SitePlace {
    std::string file; ///< relative to the site folder
    unsigned line = 1;
    unsigned column = 1;

    friend auto operator<=>(const SitePlace&, const SitePlace&) = default;
};

struct SiteProblem {
    SitePlace place;
    std::string text;

    friend auto operator<=>(const SiteProblem&, const SiteProblem&) = default;
};

/// `file:line:column`; the file is given relative to `folder`, the site folder as the user named
/// it, so that an editor or a terminal can open it from there. An empty `folder` adds nothing.
[[nodiscard]] std::string to_text(const SitePlace& place, std::string_view folder = {});
/// `file:line:column: text`.
[[nodiscard]] std::string to_text(const SiteProblem& problem, std::string_view folder = {});

/// Sorts by place and drops repetitions.
void sort_problems(std::vector<SiteProblem>& problems);

/// Of `known`, the word that `word` was most likely meant to be; empty if none is near.
/// (Damerau-Levenshtein distance of at most a third of the word, at least 1.)
[[nodiscard]] std::string_view nearest_word(std::string_view word,
                                            const std::vector<std::string_view>& known);

/// `; did you mean 'WORD'?`, else `; known are: a, b, c` (if they are few), else nothing.
[[nodiscard]] std::string suggestion(std::string_view word, std::vector<std::string_view> known);

} // namespace muster
