// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/progress.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster::cli {
namespace {

TEST(ProgressBar, ShowsBarAndNumber) {
    EXPECT_EQ(progress_bar(0, 10, Glyphs::ascii()), "..........   0 %");
    EXPECT_EQ(progress_bar(32, 10, Glyphs::ascii()), "###.......  32 %");
    EXPECT_EQ(progress_bar(100, 10, Glyphs::ascii()), "########## 100 %");
    EXPECT_EQ(progress_bar(50, 4, Glyphs::unicode()), "██░░  50 %");
}

TEST(ProgressBar, IsFullAtHundredOnlyAndEmptyAtZeroOnlyAndNeverShrinks) {
    for (std::size_t cells = 2; cells < 40; ++cells) {
        std::ptrdiff_t before = 0;
        for (unsigned percent = 0; percent <= 100; ++percent) {
            const std::string bar = progress_bar(percent, cells, Glyphs::ascii());
            const auto full = std::ranges::count(bar, '#');
            EXPECT_EQ(bar.size(), cells + 6);
            EXPECT_EQ(full == 0, percent == 0) << percent;
            EXPECT_EQ(full == static_cast<std::ptrdiff_t>(cells), percent == 100) << percent;
            EXPECT_GE(full, before);
            before = full;
        }
    }
}

TEST(ProgressBar, CountsMoreThanHundredAsHundred) {
    EXPECT_EQ(progress_bar(1000, 4, Glyphs::ascii()), "#### 100 %");
}

} // namespace
} // namespace muster::cli
