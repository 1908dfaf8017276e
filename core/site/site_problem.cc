// SPDX-License-Identifier: Apache-2.0
#include "core/site/site_problem.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace muster {
namespace {

/// Above this the list of what is known helps nobody.
constexpr std::size_t known_shown_max = 16;
/// A word longer than this is no typo of a known one, and the matrix stays small.
constexpr std::size_t word_size_max = 64;

char lower(char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment); `_`
/// and `-`, and the two cases of a letter, count as equal since they are the commonest slips.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    const auto same = [](char x, char y) {
        const auto fold = [](char c) {
            return c == '_' ? '-' : lower(c);
        };
        return fold(x) == fold(y);
    };
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        last[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = same(a[i - 1], b[j - 1]) ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
        }
        std::swap(before_last, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

} // namespace

std::string to_text(const SitePlace& place, std::string_view folder) {
    const std::string_view slash = folder.empty() || folder.ends_with('/') ? "" : "/";
    return fmt::format("{}{}{}:{}:{}", folder, slash, place.file, place.line, place.column);
}

std::string to_text(const SiteProblem& problem, std::string_view folder) {
    return to_text(problem.place, folder) + ": " + problem.text;
}

void sort_problems(std::vector<SiteProblem>& problems) {
    std::sort(problems.begin(), problems.end());
    problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
}

std::string_view nearest_word(std::string_view word, const std::vector<std::string_view>& known) {
    if (word.size() > word_size_max) {
        return {};
    }
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const std::string_view candidate : known) {
        if (candidate.size() > word_size_max) {
            continue;
        }
        if (const std::size_t distance = edit_distance(word, candidate); distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

std::string suggestion(std::string_view word, std::vector<std::string_view> known) {
    if (const std::string_view near = nearest_word(word, known); !near.empty()) {
        return fmt::format("; did you mean '{}'?", near);
    }
    if (known.empty() || known.size() > known_shown_max) {
        return {};
    }
    std::sort(known.begin(), known.end());
    return fmt::format("; known are: {}", fmt::join(known, ", "));
}

} // namespace muster
