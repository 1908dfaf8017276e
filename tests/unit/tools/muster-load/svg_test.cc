// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/svg.hh"

#include <gtest/gtest.h>

namespace muster::load {
namespace {

TEST(Svg, ADocumentIsWhole) {
    Svg svg{100, 50};
    svg.rectangle({1, 2}, 3, 4, "#fff", "a <tip>");
    svg.line({0, 0}, {1, 1}, "black");
    svg.area({{0, 0}, {1, 0}, {1, 1}}, "red");
    svg.text({5, 5}, "a & b", Svg::Anchor::end, true);
    const std::string document = std::move(svg).document();
    EXPECT_NE(document.find("<title>a &lt;tip&gt;</title>"), std::string::npos);
    EXPECT_NE(document.find("text-anchor=\"end\" font-weight=\"bold\">a &amp; b</text>"),
              std::string::npos);
    EXPECT_NE(document.find("points=\"0.0,0.0 1.0,0.0 1.0,1.0 \""), std::string::npos);
}

TEST(Svg, StepsOfAxesAreRound) {
    EXPECT_EQ(round_step(10, 10), 1);
    EXPECT_EQ(round_step(100, 10), 10);
    EXPECT_EQ(round_step(61, 10), 10);
    EXPECT_EQ(round_step(1000, 8), 200);
    EXPECT_DOUBLE_EQ(round_step(0.7, 10), 0.1);
    EXPECT_EQ(round_step(0, 10), 1);
}

} // namespace
} // namespace muster::load
