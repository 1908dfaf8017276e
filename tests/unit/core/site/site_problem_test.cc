// SPDX-License-Identifier: Apache-2.0
#include "core/site/site_problem.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(SiteProblem, IsToldWithTheFolderAsTheUserNamedIt) {
    const SiteProblem problem{{"nodes.yaml", 3, 7}, "text"};
    EXPECT_EQ(to_text(problem), "nodes.yaml:3:7: text");
    EXPECT_EQ(to_text(problem, "."), "./nodes.yaml:3:7: text");
    EXPECT_EQ(to_text(problem, "sites/a/"), "sites/a/nodes.yaml:3:7: text");
    EXPECT_EQ(to_text(problem, "/etc/muster"), "/etc/muster/nodes.yaml:3:7: text");
}

TEST(SiteProblem, AreSortedByPlaceAsNumbersAndToldOnce) {
    std::vector<SiteProblem> problems{{{"b", 1, 1}, "x"}, {{"a", 10, 1}, "x"}, {{"a", 9, 12}, "x"},
                                      {{"a", 9, 2}, "y"}, {{"a", 9, 2}, "x"},  {{"b", 1, 1}, "x"}};
    sort_problems(problems);
    std::string told;
    for (const SiteProblem& problem : problems) {
        told += to_text(problem) + "\n";
    }
    EXPECT_EQ(told, "a:9:2: x\na:9:2: y\na:9:12: x\na:10:1: x\nb:1:1: x\n");
}

TEST(NearestWord, FindsSlipsAndNothingFar) {
    const std::vector<std::string_view> known{"kernel", "initrd", "cmdline", "unknown-nodes",
                                              "loader"};
    EXPECT_EQ(nearest_word("kernal", known), "kernel");  // replaced
    EXPECT_EQ(nearest_word("kerne", known), "kernel");   // left out
    EXPECT_EQ(nearest_word("kernnel", known), "kernel"); // doubled
    EXPECT_EQ(nearest_word("kenrel", known), "kernel");  // swapped
    EXPECT_EQ(nearest_word("Kernel", known), "kernel");  // case
    EXPECT_EQ(nearest_word("unknown_nodes", known), "unknown-nodes");
    EXPECT_EQ(nearest_word("cmd-line", known), "cmdline");
    EXPECT_EQ(nearest_word("xyz", known), "");
    EXPECT_EQ(nearest_word("", known), "");
    EXPECT_EQ(nearest_word(std::string(10'000, 'k'), known), "");
    EXPECT_EQ(nearest_word("kernel", {}), "");
}

TEST(Suggestion, NamesTheNearestElseAllIfTheyAreFew) {
    EXPECT_EQ(suggestion("loadr", {"kernel", "loader"}), "; did you mean 'loader'?");
    EXPECT_EQ(suggestion("zzz", {"kernel", "initrd"}), "; known are: initrd, kernel");
    EXPECT_EQ(suggestion("zzz", {}), "");
    EXPECT_EQ(suggestion("zzz", std::vector<std::string_view>(17, "kernel")), "");
}

} // namespace
} // namespace muster
