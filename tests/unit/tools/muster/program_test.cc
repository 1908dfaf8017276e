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

TEST(Program, OneThatTakesTooLongIsEndedWithWhatItStarted) {
    using std::chrono::milliseconds;
    const ProgramEnd end =
        run_program({"sh", "-c", "echo first; sleep 1000 & sleep 1000"}, milliseconds{100});
    EXPECT_TRUE(end.started);
    EXPECT_TRUE(end.too_slow);
    EXPECT_EQ(end.status, -1);
    EXPECT_EQ(end.output, "first\n");
    // So is one that says no more, but does not end.
    EXPECT_TRUE(
        run_program({"sh", "-c", "exec sleep 1000 >/dev/null 2>&1"}, milliseconds{100}).too_slow);
    const ProgramEnd quick = run_program({"sh", "-c", "exit 4"}, milliseconds{60'000});
    EXPECT_FALSE(quick.too_slow);
    EXPECT_EQ(quick.status, 4);
}

TEST(Program, TheLastLineIsTheLastThatSaysSomething) {
    EXPECT_EQ(last_line("a\nb\n\n  \n"), "b");
    EXPECT_EQ(last_line("only"), "only");
    EXPECT_EQ(last_line("\n"), "it said nothing");
}

} // namespace
} // namespace muster::cli
