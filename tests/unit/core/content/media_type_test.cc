// SPDX-License-Identifier: Apache-2.0
#include "core/content/media_type.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

// The first three are what EDK2 goes by (PROTOCOLS.md section 3); packages are as IANA has them.
TEST(MediaType, WhatBootClientsAndPackageToolsLookFor) {
    EXPECT_EQ(media_type("shimx64.efi"), "application/efi");
    EXPECT_EQ(media_type("debian-12.iso"), "application/vnd.efi-iso");
    EXPECT_EQ(media_type("disk.img"), "application/vnd.efi-img");
    EXPECT_EQ(media_type("boot.ipxe"), "text/plain");
    EXPECT_EQ(media_type("linux-image_6.1_amd64.deb"), "application/vnd.debian.binary-package");
    EXPECT_EQ(media_type("kernel-5.14.x86_64.rpm"), "application/x-rpm");
    EXPECT_EQ(media_type("initrd.gz"), "application/gzip");
    EXPECT_EQ(media_type("root.tar.zst"), "application/zstd");
}

TEST(MediaType, SuffixesIgnoreCaseAndTheLastOneCounts) {
    EXPECT_EQ(media_type("BOOTX64.EFI"), "application/efi");
    EXPECT_EQ(media_type("a.efi.gz"), "application/gzip");
    EXPECT_EQ(media_type("debian12/Disk.ImG"), "application/vnd.efi-img");
}

TEST(MediaType, WhatIsNotKnownIsJustBytes) {
    for (const char* name :
         {"vmlinuz", "linux", "", ".", "a.b", "filesystem.squashfs", "efi", "x.efi~", "i.im"}) {
        EXPECT_EQ(media_type(name), "application/octet-stream") << name;
    }
    EXPECT_EQ(media_type(".efi"), "application/octet-stream") << "a hidden file, not a suffix";
}

} // namespace
} // namespace muster
