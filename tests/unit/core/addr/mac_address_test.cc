// SPDX-License-Identifier: Apache-2.0
#include "core/addr/mac_address.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(MacAddress, ReadsAllThreeForms) {
    const MacAddress expected{{0x52, 0x54, 0x00, 0x4D, 0x0A, 0xFF}};
    for (const char* text : {"52:54:00:4d:0a:ff", "52-54-00-4D-0A-FF", "5254004d0aff"}) {
        EXPECT_EQ(read_mac_address(text), expected) << text;
    }
    EXPECT_EQ(to_text(expected), "52:54:00:4d:0a:ff");
    EXPECT_EQ(to_text(expected, '-'), "52-54-00-4d-0a-ff");
    EXPECT_EQ(to_text(expected, '\0'), "5254004d0aff");
}

TEST(MacAddress, RefusesEverythingElse) {
    for (const char* text :
         {"", "52:54:00:4d:0a", "52:54:00:4d:0a:f", "52:54:00:4d:0a:fg", "52:54-00:4d:0a:ff",
          "52.54.00.4d.0a.ff", "5254004d0af", "52:54:00:4d:0a:ff:"}) {
        EXPECT_FALSE(read_mac_address(text)) << text;
    }
}

} // namespace
} // namespace muster
