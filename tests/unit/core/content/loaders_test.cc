// SPDX-License-Identifier: Apache-2.0
#include "core/content/loaders.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace muster {
namespace {

/// A file system that holds the given paths.
class FakeFiles final : public LoaderFiles {
public:
    explicit FakeFiles(std::set<std::string> paths) : paths_(std::move(paths)) {}
    [[nodiscard]] bool exists(const std::string& path) const override {
        return paths_.contains(path);
    }
    [[nodiscard]] std::vector<std::string> list(const std::string& folder) const override {
        std::vector<std::string> names;
        for (const std::string& path : paths_) {
            if (path.starts_with(folder + "/") &&
                path.find('/', folder.size() + 1) == std::string::npos) {
                names.push_back(path.substr(folder.size() + 1));
            }
        }
        return names;
    }

private:
    std::set<std::string> paths_;
};

/// What the packages of Debian 12 hold (dpkg -L), of each kind one.
const std::set<std::string> debian12 = {
    "/usr/lib/ipxe/undionly.kpxe",
    "/usr/lib/ipxe/ipxe.efi",
    "/usr/lib/ipxe/snponly.efi",
    "/usr/lib/ipxe/ipxe.pxe",
    "/usr/lib/PXELINUX/pxelinux.0",
    "/usr/lib/PXELINUX/lpxelinux.0",
    "/usr/lib/syslinux/modules/bios/ldlinux.c32",
    "/usr/lib/syslinux/modules/bios/libcom32.c32",
    "/usr/lib/syslinux/modules/efi64/ldlinux.e64",
    "/usr/lib/syslinux/modules/efi64/libcom32.c32",
    "/usr/lib/SYSLINUX.EFI/efi64/syslinux.efi",
    "/usr/lib/shim/shimx64.efi",
    "/usr/lib/shim/shimx64.efi.signed",
    "/usr/lib/shim/mmx64.efi.signed",
    "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
    "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed",
    "/usr/lib/grub/x86_64-efi/command.lst",
    "/usr/lib/grub/x86_64-efi/tftp.mod",
    "/usr/lib/grub/x86_64-efi/kernel.img",
};

TEST(Loaders, AreFoundWhereDebianPutsThem) {
    const LoaderTable table = resolve_loaders({}, FakeFiles{debian12});
    EXPECT_TRUE(table.missing.empty());
    const auto path = [&](const char* name) {
        return table.found.at(name);
    };
    EXPECT_EQ(path("undionly.kpxe"), "/usr/lib/ipxe/undionly.kpxe");
    EXPECT_EQ(path("lpxelinux.0"), "/usr/lib/PXELINUX/lpxelinux.0");
    EXPECT_EQ(path("ldlinux.c32"), "/usr/lib/syslinux/modules/bios/ldlinux.c32");
    EXPECT_EQ(path("libcom32.c32"), "/usr/lib/syslinux/modules/bios/libcom32.c32");
    EXPECT_EQ(path("efi64/libcom32.c32"), "/usr/lib/syslinux/modules/efi64/libcom32.c32");
    EXPECT_EQ(path("efi64/ldlinux.e64"), "/usr/lib/syslinux/modules/efi64/ldlinux.e64");
    EXPECT_EQ(path("mmx64.efi"), "/usr/lib/shim/mmx64.efi.signed");
    EXPECT_EQ(path("grub/x86_64-efi/command.lst"), "/usr/lib/grub/x86_64-efi/command.lst");
    EXPECT_EQ(path("grub/x86_64-efi/tftp.mod"), "/usr/lib/grub/x86_64-efi/tftp.mod");
    EXPECT_FALSE(table.found.contains("grub/x86_64-efi/kernel.img"));
}

TEST(Loaders, SignedOnesComeFirstAndGrubIsTheOneForTheNetwork) {
    const LoaderTable table = resolve_loaders({}, FakeFiles{debian12});
    EXPECT_EQ(table.found.at("shimx64.efi"), "/usr/lib/shim/shimx64.efi.signed");
    EXPECT_EQ(table.found.at("grubx64.efi"),
              "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed");
    auto unsigned_only = debian12;
    unsigned_only.erase("/usr/lib/shim/shimx64.efi.signed");
    EXPECT_EQ(resolve_loaders({}, FakeFiles{unsigned_only}).found.at("shimx64.efi"),
              "/usr/lib/shim/shimx64.efi");
}

TEST(Loaders, WhatAChainNeedsAndIsNotThereIsNamedWithItsPackage) {
    const LoaderTable table = resolve_loaders({}, FakeFiles{{}});
    EXPECT_TRUE(table.found.empty());
    std::vector<std::string> names;
    for (const MissingLoader& missing : table.missing) {
        names.push_back(missing.name + " " + missing.package);
        EXPECT_TRUE(missing.path.starts_with("/usr/lib/")) << missing.path;
    }
    EXPECT_EQ(names, (std::vector<std::string>{"grubx64.efi grub-efi-amd64-signed", "ipxe.efi ipxe",
                                               "ldlinux.c32 syslinux-common",
                                               "lpxelinux.0 pxelinux", "shimx64.efi shim-signed",
                                               "snponly.efi ipxe", "undionly.kpxe ipxe"}));
}

TEST(Loaders, OverridesWinAndAreMissingIfTheyAreNotThere) {
    auto files = debian12;
    files.insert("/srv/ipxe.efi");
    const LoaderTable table = resolve_loaders(
        {{"ipxe.efi", "/srv/ipxe.efi"}, {"snponly.efi", "/srv/gone.efi"}}, FakeFiles{files});
    EXPECT_EQ(table.found.at("ipxe.efi"), "/srv/ipxe.efi");
    EXPECT_FALSE(table.found.contains("snponly.efi")) << "the packaged one is not what was asked";
    EXPECT_EQ(table.missing, (std::vector<MissingLoader>{{"snponly.efi", "", "/srv/gone.efi"}}));
}

TEST(Loaders, KnowsTheNamesThatCanBeOverridden) {
    for (const char* name : {"ipxe.efi", "shimx64.efi", "grubaa64.efi", "chain.c32",
                             "efi64/ldlinux.e64", "grub/x86_64-efi/http.mod"}) {
        EXPECT_TRUE(is_loader_name(name)) << name;
    }
    for (const char* name : {"", "ipxe", "/ipxe.efi", "../x.c32", "a/b.c32", ".c32", "grub/x.mod",
                             "grub/x86_64-efi/a/b.mod", "x.mod", "ldlinux.e64"}) {
        EXPECT_FALSE(is_loader_name(name)) << name;
    }
    const auto names = loader_names();
    EXPECT_TRUE(std::all_of(names.begin(), names.end(), is_loader_name));
}

} // namespace
} // namespace muster
