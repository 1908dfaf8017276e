// SPDX-License-Identifier: Apache-2.0
// Every answers file of a site, rendered for its nodes and shown to its installer's validator.
#pragma once

#include "core/site/site.hh"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace muster::cli {

enum class Thoroughness : std::uint8_t {
    none, ///< shows nothing to anyone
    some, ///< of each answers file of a profile the first distinct_texts_max texts
    all,
};
/// A validator needs up to a second for a text, and a site may have 10,000 of them.
inline constexpr std::size_t distinct_texts_max = 100;

struct AnswersReport {
    std::vector<std::string> failures;            ///< each for a terminal, of one or two lines
    std::map<std::string, std::size_t> validated; ///< texts by validator
    std::set<std::string> missing;                ///< validators that are not installed
    std::size_t left_out = 0;                     ///< texts that nobody was shown
};

/// Renders every answers file for every node, and for unknown machines if they are installed. Of
/// texts that differ in name, MAC and address of the node alone, which the site's own check has
/// looked at, the first one's stands for all. Throws Failure when it has no place for its files.
[[nodiscard]] AnswersReport check_answers(const Site& site, Thoroughness how);

} // namespace muster::cli
