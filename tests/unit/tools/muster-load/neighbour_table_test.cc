// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/neighbour_table.hh"

#include <gtest/gtest.h>

namespace muster::load {
namespace {

TEST(NeighbourTable, SumsOverProcessorsWhereverTheColumnStands) {
    EXPECT_EQ(neighbour_table_overflows_in("entries allocs table_fulls\n"
                                           "00000003 00000577 000001c7\n"
                                           "00000003 000007f7 0000013a\n"),
              0x1C7U + 0x13AU);
    EXPECT_EQ(neighbour_table_overflows_in("entries table_fulls allocs\n1 f 1\n"), 15U);
}

TEST(NeighbourTable, WhatDoesNotSayIsZero) {
    EXPECT_EQ(neighbour_table_overflows_in(""), 0U);
    EXPECT_EQ(neighbour_table_overflows_in("entries allocs\n1 2\n"), 0U);
    EXPECT_EQ(neighbour_table_overflows_in("entries table_fulls\n1\n"), 0U);
}

} // namespace
} // namespace muster::load
