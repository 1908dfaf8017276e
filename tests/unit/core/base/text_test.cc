// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(TextTest, TrimmedHasNoBlanksAtItsEnds) {
    EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
    EXPECT_EQ(trimmed("a"), "a");
    EXPECT_EQ(trimmed(" \n "), "");
    EXPECT_EQ(trimmed(""), "");
    EXPECT_EQ(trimmed("--a b--", "-"), "a b");
}

TEST(TextTest, MarkupHasNoMeaningLeft) {
    EXPECT_EQ(escaped_markup(R"(<a href="x">&amp;</a>)"),
              "&lt;a href=&quot;x&quot;&gt;&amp;amp;&lt;/a&gt;");
    EXPECT_EQ(escaped_markup("tab\there\x7F"), "tab?here?");
    EXPECT_EQ(escaped_markup("Gr\xC3\xBC\xC3\x9F"), "Gr\xC3\xBC\xC3\x9F");
}

} // namespace
} // namespace muster
