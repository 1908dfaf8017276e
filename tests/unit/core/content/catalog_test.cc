// SPDX-License-Identifier: Apache-2.0
#include "core/content/catalog.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

std::string shown(const Route& route) {
    switch (route.kind) {
    case Route::Kind::open:
        return (route.root == ContentRoot::files ? "files:" : "loaders:") + route.path;
    case Route::Kind::dynamic:
        return "dynamic:" + route.path;
    case Route::Kind::none:
        return "none";
    case Route::Kind::refused:
        return "refused";
    }
    return {};
}

TEST(Catalog, RoutesTheHttpTree) {
    EXPECT_EQ(shown(route_http("/files/debian12/linux")), "files:debian12/linux");
    EXPECT_EQ(shown(route_http("/loaders/ipxe.efi")), "loaders:ipxe.efi");
    EXPECT_EQ(shown(route_http("/boot/ipxe")), "dynamic:/boot/ipxe");
    EXPECT_EQ(shown(route_http("/answers/T/preseed.cfg")), "dynamic:/answers/T/preseed.cfg");
    EXPECT_EQ(shown(route_http("/report/T/started")), "dynamic:/report/T/started");
    EXPECT_EQ(shown(route_http("/")), "none");
    EXPECT_EQ(shown(route_http("/linux")), "none");
    EXPECT_EQ(shown(route_http("/files")), "files:") << "the tree itself: a listing";
    EXPECT_EQ(shown(route_http("/files/")), "files:");
    EXPECT_EQ(shown(route_http("/loaders")), "none");
}

TEST(Catalog, NothingLeavesTheTree) {
    for (const char* path : {"/files/../site.yaml", "/files/a/../../b", "/..", "/files/.."}) {
        EXPECT_EQ(shown(route_http(path)), "refused") << path;
        EXPECT_EQ(shown(route_tftp(path)), "refused") << path;
    }
    EXPECT_EQ(shown(route_tftp("..\\..\\etc\\passwd")), "refused");
    EXPECT_EQ(shown(route_http(std::string_view{"/files/a\0b", 10})), "refused");
    EXPECT_EQ(shown(route_tftp("/etc/passwd")), "files:etc/passwd") << "below files/, not the root";
}

TEST(Catalog, FoldsWhatBootLoadersDouble) {
    EXPECT_EQ(shown(route_http("//grubx64.efi")), "loaders:grubx64.efi"); // shim over HTTP
    EXPECT_EQ(shown(route_http("/files//./a//b")), "files:a/b");
}

TEST(Catalog, TftpHasTheSameTreeAndTheNamesThatLoadersDerive) {
    EXPECT_EQ(shown(route_tftp("loaders/shimx64.efi")), "loaders:shimx64.efi");
    EXPECT_EQ(shown(route_tftp("loaders\\shimx64.efi\xFF")), "loaders:shimx64.efi");
    EXPECT_EQ(shown(route_tftp("files/a/linux")), "files:a/linux");
    EXPECT_EQ(shown(route_tftp("a/linux")), "files:a/linux");
    EXPECT_EQ(shown(route_tftp("/grub/grub.cfg")), "dynamic:/boot/grub.cfg");
    EXPECT_EQ(shown(route_tftp("/grub/x86_64-efi/command.lst")),
              "loaders:grub/x86_64-efi/command.lst");
    EXPECT_EQ(shown(route_tftp("loaders/pxelinux.cfg/01-52-54-00-4d-00-01")),
              "dynamic:/boot/pxelinux.cfg/01-52-54-00-4d-00-01");
    EXPECT_EQ(shown(route_tftp("pxelinux.cfg/default")), "dynamic:/boot/pxelinux.cfg/default");
    EXPECT_EQ(shown(route_tftp("boot/grub.cfg")), "dynamic:/boot/grub.cfg");
}

TEST(Catalog, AnswersAndReportsAreNotForTftp) {
    EXPECT_EQ(shown(route_tftp("answers/T/preseed.cfg")), "none");
    EXPECT_EQ(shown(route_tftp("/report/T/installed")), "none");
    EXPECT_EQ(shown(route_tftp("")), "none");
}

} // namespace
} // namespace muster
