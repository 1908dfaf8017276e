// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/text.hh"

#include <gtest/gtest.h>

#include <array>

namespace muster::cli {
namespace {

using namespace std::chrono_literals;

TEST(Printable, LeavesTextAsItIs) {
    for (const char* text : {"", "plain text", "Grüße, 日本語, 🙂", "~!@#$%^&*()"}) {
        EXPECT_EQ(printable(text), text);
    }
}

// An installer's report could else move the cursor of the operator who looks at it.
TEST(Printable, ReplacesEveryControlCharacter) {
    for (int c = 0; c < 0x20; ++c) {
        EXPECT_EQ(printable(std::string{'a', static_cast<char>(c), 'b'}), "a?b") << c;
    }
    EXPECT_EQ(printable("\x7F"), "?");
    for (int c = 0x80; c < 0xA0; ++c) { // C1 as UTF-8: U+009B is the CSI of some terminals
        EXPECT_EQ(printable(std::string{'\xC2', static_cast<char>(c)}), "?") << c;
    }
    EXPECT_EQ(printable("\u202Eevil\u2066"), "?evil?");
}

TEST(Printable, KeepsLinesInDocumentsOnly) {
    EXPECT_EQ(printable("a\n\tb"), "a??b");
    EXPECT_EQ(printable_document("a\n\tb\x1b[2J"), "a\n\tb?[2J");
}

TEST(Printable, ReplacesWhatIsNoUtf8) {
    EXPECT_EQ(printable("\x80"), "?") << "a continuation without a lead";
    EXPECT_EQ(printable("\xC0\x80"), "??") << "overlong NUL";
    EXPECT_EQ(printable("\xE0\x80\x80"), "???") << "overlong, three bytes";
    EXPECT_EQ(printable("\xED\xA0\x80"), "???") << "a surrogate";
    EXPECT_EQ(printable("\xF4\x90\x80\x80"), "????") << "past U+10FFFF";
    EXPECT_EQ(printable("\xE2\x82"), "??") << "cut short";
    EXPECT_EQ(printable("\xE2(x"), "?(x") << "the byte after a broken lead is not swallowed";
}

TEST(DisplayWidth, CountsCells) {
    EXPECT_EQ(display_width("abc"), 3U);
    EXPECT_EQ(display_width("äöü…"), 4U);
    EXPECT_EQ(display_width("日本"), 4U);
    EXPECT_EQ(display_width("e\u0301"), 1U) << "a combining accent has no width";
}

TEST(Fit, NeverPassesTheWidth) {
    constexpr std::array texts{"", "a", "abcdefgh", "日本語テキスト", "aé日x🙂"};
    for (const char* text : texts) {
        for (std::size_t width = 0; width < 20; ++width) {
            for (const Glyphs& glyphs : {Glyphs::unicode(), Glyphs::ascii()}) {
                const std::string shown = fit(text, width, glyphs);
                EXPECT_LE(display_width(shown), width) << text << " in " << width;
                EXPECT_EQ(printable(shown), shown) << "cut within a character";
            }
        }
    }
    EXPECT_EQ(fit("abcdef", 6, Glyphs::ascii()), "abcdef");
    EXPECT_EQ(fit("abcdef", 5, Glyphs::ascii()), "ab...");
    EXPECT_EQ(fit("abcdef", 5, Glyphs::unicode()), "abcd…");
}

TEST(BytesText, ChangesUnitBeforeFourDigits) {
    EXPECT_EQ(bytes_text(0), "0 B");
    EXPECT_EQ(bytes_text(1023), "1023 B");
    EXPECT_EQ(bytes_text(1024), "1.0 KiB");
    EXPECT_EQ(bytes_text(1024 * 1024 - 1), "1.0 MiB");
    EXPECT_EQ(bytes_text(1536ULL << 20U), "1.5 GiB");
    EXPECT_EQ(bytes_text(UINT64_MAX), "16.0 EiB");
}

TEST(AgeText, TakesTheTwoLargestUnits) {
    EXPECT_EQ(age_text(-5s), "0s");
    EXPECT_EQ(age_text(999ms), "0s");
    EXPECT_EQ(age_text(59s), "59s");
    EXPECT_EQ(age_text(60s), "1m00s");
    EXPECT_EQ(age_text(3599s), "59m59s");
    EXPECT_EQ(age_text(3600s), "1h00m");
    EXPECT_EQ(age_text(24h), "1d00h");
    EXPECT_EQ(age_text(100h + 30min), "4d04h");
}

} // namespace
} // namespace muster::cli
