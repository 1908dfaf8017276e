// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/preseed_rule.hh"

#include <gtest/gtest.h>

namespace muster::cli {
namespace {

std::string words_at(std::string_view text, std::size_t line) {
    const auto problem = preseed_problem(text);
    EXPECT_TRUE(problem) << text;
    EXPECT_EQ(problem ? problem->line : 0, line) << text;
    return problem ? problem->words : "";
}

TEST(PreseedRule, TakesQuestionsCommentsAndLinesThatGoOn) {
    EXPECT_EQ(preseed_problem(""), std::nullopt);
    EXPECT_EQ(preseed_problem("# d-i\n\n  # too\nd-i debian-installer/locale string en_US\n"
                              "tasksel tasksel/first multiselect\n"
                              "d-i\tpassword\tpassword secret # word\n"
                              "d-i a/b seen true\n"
                              "d-i preseed/late_command string one; \\\n  two \\\n  # three\n"
                              "d-i c/d boolean true"),
              std::nullopt);
}

TEST(PreseedRule, RefusesWhatIsNoQuestion) {
    EXPECT_NE(words_at("\n# x\nd-i\n", 3).find("OWNER QUESTION TYPE VALUE"), std::string::npos);
    EXPECT_NE(words_at("d-i a/b\n", 1).find("'a/b' is no question"), std::string::npos);
    EXPECT_NE(words_at("d-i a/b string x\nd-i c/d strnig y\n", 2).find("'strnig'"),
              std::string::npos);
}

TEST(PreseedRule, RefusesAQuestionThatIsThePartOfAValue) {
    EXPECT_NE(words_at("d-i a/b string x \\\nd-i c/d string y\n", 2).find("backslash"),
              std::string::npos);
    // What only looks like one: a command that names a path and a word that is a type.
    EXPECT_EQ(preseed_problem("d-i a/b string x; \\\n  cp /bin/x string\n"), std::nullopt);
    // The backslash at the end of a comment joins nothing.
    EXPECT_EQ(preseed_problem("# x \\\nd-i a/b string y\n"), std::nullopt);
}

} // namespace
} // namespace muster::cli
