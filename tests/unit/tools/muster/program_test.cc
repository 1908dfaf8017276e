// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/program.hh"

#include <gtest/gtest.h>

namespace muster::cli {
namespace {

TEST(Program, GivesStatusAndBothStreams) {
    const ProgramEnd end = run_program({"sh", "-c", "echo one; echo two >&2; exit 3"});
    EXPECT_TRUE(end.started);
    EXPECT_EQ(end.status, 3);
    EXPECT_EQ(end.output, "one\ntwo\n");
}

TEST(Program, ReadsNothingAndMayDieOfASignal) {
    EXPECT_EQ(run_program({"cat"}).output, "");
    EXPECT_EQ(run_program({"sh", "-c", "kill -9 $$"}).status, -1);
}

TEST(Program, OneThatIsNotThereDidNotStart) {
    EXPECT_FALSE(run_program({"no-such-program-of-any-kind"}).started);
}

TEST(Program, TheLastLineIsTheLastThatSaysSomething) {
    EXPECT_EQ(last_line("a\nb\n\n  \n"), "b");
    EXPECT_EQ(last_line("only"), "only");
    EXPECT_EQ(last_line("\n"), "it said nothing");
}

} // namespace
} // namespace muster::cli
