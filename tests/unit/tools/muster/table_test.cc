// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/table.hh"

#include <gtest/gtest.h>

#include <sstream>

namespace muster::cli {
namespace {

Table machines() {
    Table table{{{"NAME", Align::left, 6}, {"DONE", Align::right}, {"MESSAGE", Align::left, 8}}};
    table.add({{"r1n01"}, {"5%"}, {"partitioning the disk"}});
    table.add({{"a-longer-name", Colour::red}, {"100%"}, {""}});
    return table;
}

Look terminal(std::size_t width) {
    Look look;
    look.width = width;
    look.redraws = true;
    return look;
}

TEST(Table, AlignsColumnsAndEndsNoLineInBlanks) {
    EXPECT_EQ(machines().text(Look{}), "NAME           DONE  MESSAGE\n"
                                       "r1n01            5%  partitioning the disk\n"
                                       "a-longer-name  100%  -\n");
}

TEST(Table, ShrinksTheLastColumnFirst) {
    EXPECT_EQ(machines().text(terminal(35)), "NAME           DONE  MESSAGE\n"
                                             "r1n01            5%  partitionin...\n"
                                             "a-longer-name  100%  -\n");
    EXPECT_EQ(machines().text(terminal(25)), "NAME       DONE  MESSAGE\n"
                                             "r1n01        5%  parti...\n"
                                             "a-long...  100%  -\n");
}

TEST(Table, FitsEveryWidth) {
    for (std::size_t width = 1; width < 60; ++width) {
        std::istringstream lines{machines().text(terminal(width))};
        std::size_t count = 0;
        for (std::string line; std::getline(lines, line); ++count) {
            EXPECT_LE(display_width(line), width) << line;
        }
        EXPECT_EQ(count, 3U);
    }
}

TEST(Table, ColoursWithoutChangingTheLayout) {
    Look look = terminal(80);
    look.colours = true;
    const std::string text = machines().text(look);
    EXPECT_NE(text.find("\x1b[1;31ma-longer-name\x1b[0m  100%"), std::string::npos) << text;
    look.colours = false;
    EXPECT_EQ(machines().text(look).find('\x1b'), std::string::npos);
}

TEST(Table, ShowsNoControlCharacters) {
    Table table{{{"MESSAGE"}}};
    table.add({{"\x1b[2Jgone\nnext"}});
    EXPECT_EQ(table.text(Look{}), "MESSAGE\n?[2Jgone?next\n");
}

} // namespace
} // namespace muster::cli
