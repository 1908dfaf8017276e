// SPDX-License-Identifier: Apache-2.0
#include "core/media/sums.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

const std::string md5(32, 'a');
const std::string sha1(40, 'b');
const std::string sha256(64, 'c');
const std::string sha512(128, 'd');

Sums lines(std::string_view text) {
    Sums sums;
    read_sum_lines(text, "SUMS", sums);
    return sums;
}

TEST(Sums, ReadsTheFormsOfMd5sumAndOfBsd) {
    const Sums sums = lines(md5 + "  ./pool/a b.deb\n" + sha1 + " *boot/linux\r\n" +
                            "SHA256 (x (1).iso) = " + sha256 + "\n" + sha512 + "  last");
    ASSERT_EQ(sums.size(), 4U);
    EXPECT_EQ(sums.at("pool/a b.deb").hex, md5);
    EXPECT_EQ(sums.at("pool/a b.deb").kind, SumKind::md5);
    EXPECT_EQ(sums.at("boot/linux").kind, SumKind::sha1);
    EXPECT_EQ(sums.at("x (1).iso").hex, sha256);
    EXPECT_EQ(sums.at("last").kind, SumKind::sha512);
    EXPECT_EQ(sums.at("last").from, "SUMS");
}

TEST(Sums, PassesOverEverythingElse) {
    EXPECT_TRUE(lines("").empty());
    EXPECT_TRUE(
        lines("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# SHA256 HASH\n").empty());
    EXPECT_TRUE(lines(md5 + "\n" + md5 + "  \n" + std::string(31, 'a') + "  short\n").empty());
    EXPECT_TRUE(lines(std::string(32, 'g') + "  no-digit\n").empty());
    EXPECT_TRUE(lines("SHA256 (x = " + sha256 + "\nSHA256 ) = (" + sha256 + "\n").empty());
}

TEST(Sums, TheStrongestOfAFileCounts) {
    for (const auto& text : {md5 + "  f\n" + sha512 + "  f\n", sha512 + "  f\n" + md5 + "  f\n"}) {
        EXPECT_EQ(lines(text).at("f").kind, SumKind::sha512);
    }
    EXPECT_EQ(lines(std::string(64, 'A') + "  f\n").at("f").hex, std::string(64, 'a'));
}

TEST(Sums, ReadsOnlyTheSectionOfATreeinfo) {
    Sums sums;
    read_treeinfo_sums("[general]\nversion = md5:" + md5 +
                           "\n[checksums]\nimages/install.img = sha256:" + sha256 +
                           "\nnonsense\nplain = " + sha256 + "\n[tree]\narch = md5:" + md5 + "\n",
                       ".treeinfo", sums);
    ASSERT_EQ(sums.size(), 1U);
    EXPECT_EQ(sums.at("images/install.img").hex, sha256);
}

TEST(Sums, PathsAreThoseOfTheMedium) {
    Medium medium;
    medium.texts["arch/x86_64/airootfs.sha512"] = sha512 + "  airootfs.sfs\n";
    medium.texts["md5sum.txt"] = md5 + "  ./casper/vmlinuz\n";
    medium.texts[".disk/info"] = md5 + "  no list of sums\n";
    const Sums sums = sums_of(medium);
    ASSERT_EQ(sums.size(), 2U);
    EXPECT_EQ(sums.at("arch/x86_64/airootfs.sfs").from, "arch/x86_64/airootfs.sha512");
    EXPECT_TRUE(sums.contains("casper/vmlinuz"));
}

TEST(Sums, KnowsListsByTheirNames) {
    for (const auto* name :
         {"md5sum.txt", "SHA256SUMS", "SHA512SUMS", "CHECKSUMS", "sha256sums.txt", "x.iso.sha256",
          "x.iso.sha512", "flatcar.iso.DIGESTS", "Fedora-Server-39-1.5-x86_64-CHECKSUM"}) {
        EXPECT_TRUE(is_sums_file(name)) << name;
    }
    for (const auto* name : {"", "linux", "SHA256SUMS.gpg", "x.iso", "sums"}) {
        EXPECT_FALSE(is_sums_file(name)) << name;
    }
}

} // namespace
} // namespace muster
