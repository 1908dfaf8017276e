// SPDX-License-Identifier: Apache-2.0
#include "core/site/scalar.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(Duration, ReadsNumbersWithUnits) {
    using namespace std::chrono;
    EXPECT_EQ(read_duration("30s"), Duration{seconds{30}});
    EXPECT_EQ(read_duration("5m"), Duration{minutes{5}});
    EXPECT_EQ(read_duration("1h"), Duration{hours{1}});
    EXPECT_EQ(read_duration("2h30m"), Duration{minutes{150}});
    EXPECT_EQ(read_duration("1d"), Duration{hours{24}});
    EXPECT_EQ(read_duration("500ms"), Duration{milliseconds{500}});
    EXPECT_EQ(read_duration("1d2h3m4s5ms"),
              Duration{hours{26} + minutes{3} + seconds{4} + milliseconds{5}});
    EXPECT_EQ(read_duration("0"), Duration{0});
    EXPECT_EQ(read_duration("366d"), duration_max);
}

TEST(Duration, RefusesEverythingElse) {
    for (const char* text : {"",
                             "5",
                             "m",
                             "s5",
                             "5x",
                             "5 m",
                             " 5m",
                             "5m ",
                             "-5m",
                             "+5m",
                             "5m5m",
                             "5m2h",
                             "1.5h",
                             "5ms1s",
                             "367d",
                             "366d1ms",
                             "99999999999999999999d",
                             "18446744073709551615ms",
                             "5M",
                             "00",
                             "5mm",
                             "1h1"}) {
        EXPECT_FALSE(read_duration(text).has_value()) << text;
    }
}

TEST(Size, ReadsNumbersWithUnits) {
    EXPECT_EQ(read_size("4096"), 4096U);
    EXPECT_EQ(read_size("512B"), 512U);
    EXPECT_EQ(read_size("64MiB"), std::uint64_t{64} << 20U);
    EXPECT_EQ(read_size("10GB"), 10'000'000'000U);
    EXPECT_EQ(read_size("1KiB"), 1024U);
    EXPECT_EQ(read_size("1kB"), 1000U);
    EXPECT_EQ(read_size("16777215TiB"), 16'777'215 * (std::uint64_t{1} << 40U));
    EXPECT_EQ(read_size("18446744073709551615"), UINT64_MAX);
}

TEST(Size, RefusesEverythingElse) {
    for (const char* text : {"", "MiB", "1.5MiB", "64 MiB", "-1", "64mib", "64M", "16777216TiB",
                             "18446744073709551616", "1MiBx"}) {
        EXPECT_FALSE(read_size(text).has_value()) << text;
    }
}

// As iPXE and EDK2 send it: CLIENTS.md, option 97.
TEST(Uuid, HasItsFirstThreeFieldsLittleEndian) {
    EXPECT_EQ(read_uuid("01234567-89ab-CDEF-0123-456789abcdef"),
              (std::array<std::uint8_t, 16>{0x67, 0x45, 0x23, 0x01, 0xab, 0x89, 0xef, 0xcd, 0x01,
                                            0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}));
}

TEST(Uuid, EveryWrongCharacterIsRefused) {
    const std::string good = "01234567-89ab-cdef-0123-456789abcdef";
    ASSERT_TRUE(read_uuid(good).has_value());
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (const char wrong : {'g', ' ', '/', ':', '@', '`', '\0'}) {
            std::string text = good;
            text[i] = wrong;
            EXPECT_FALSE(read_uuid(text).has_value()) << i;
        }
        EXPECT_FALSE(read_uuid(good.substr(0, i)).has_value()) << i;
    }
    EXPECT_FALSE(read_uuid(good + "0").has_value());
}

TEST(HostName, LabelsAndLengths) {
    const std::string label(63, 'a');
    for (const std::string& name :
         {std::string{"a"}, std::string{"a-b"}, std::string{"1a.B-2.c"}, label}) {
        EXPECT_TRUE(is_host_name(name, 63)) << name;
    }
    for (const std::string& name :
         {std::string{}, std::string{"."}, std::string{"a."}, std::string{".a"},
          std::string{"a..b"}, std::string{"-a"}, std::string{"a-"}, std::string{"a.-b"},
          std::string{"a_b"}, label + "a"}) {
        EXPECT_FALSE(is_host_name(name, 253)) << name;
    }
    EXPECT_FALSE(is_host_name(label + ".a", 63));
    EXPECT_TRUE(is_host_name(label + ".a", 253));
}

TEST(Names, PlainAndVariable) {
    EXPECT_TRUE(is_plain_name("preseed.cfg"));
    EXPECT_TRUE(is_plain_name("user-data_2"));
    for (const char* name : {"", ".", "..", ".a", "-a", "a/b", "a b", "a\\b", "a%2fb"}) {
        EXPECT_FALSE(is_plain_name(name)) << name;
    }
    EXPECT_TRUE(is_plain_name(std::string(64, 'a')));
    EXPECT_FALSE(is_plain_name(std::string(65, 'a')));
    EXPECT_TRUE(is_variable_name("_a-1"));
    for (const char* name : {"", "1a", "-a", "a.b", "a b"}) {
        EXPECT_FALSE(is_variable_name(name)) << name;
    }
}

// Every byte: only those that no loader gives a meaning to pass.
TEST(BootPath, TakesOnlySafeCharacters) {
    for (unsigned byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool safe = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') ||
                          std::string_view{"._-+~/"}.find(c) != std::string_view::npos;
        EXPECT_EQ(why_not_boot_path(std::string{"a"} + c + "b").empty(), safe) << byte;
        const bool safe_url = safe || std::string_view{":%?&=@"}.find(c) != std::string_view::npos;
        EXPECT_EQ(why_not_boot_path(std::string{"http://h/a"} + c + "b").empty(), safe_url) << byte;
    }
}

} // namespace
} // namespace muster
