// SPDX-License-Identifier: Apache-2.0
#include "core/media/profile_text.hh"

#include "core/site/loader.hh"

#include "tests/unit/core/site/memory_site_files.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Recognised example() {
    Recognised found;
    found.system = "Debian 12 (bookworm)";
    found.what = "network installer";
    found.architecture = "amd64";
    found.family = "debian";
    found.release = "12.4.0";
    found.kernel = "linux";
    found.initrd = {"initrd.gz"};
    found.kept = {{"a/linux", "linux"}, {"a/initrd.gz", "initrd.gz"}};
    found.cmdline = "url={{answers_url}}/preseed.cfg tree=@ more=@/x other=^/y";
    found.answers = {{"preseed.cfg", "p.mustache"}};
    found.variables = {{"suite", "bookworm"}, {"tree", "@"}};
    found.starts_installer = true;
    return found;
}

/// The profile as a site's loader reads it.
Profile read(const std::string& yaml) {
    const auto site = load_site(
        MemorySiteFiles{
            {{"site.yaml", "subnets:\n  - {subnet: 10.0.0.0/24, pools: [10.0.0.10-10.0.0.20]}\n"},
             {"profiles/deb.yaml", yaml},
             {"nodes.yaml", "- {name: n1, mac: 52:54:00:00:00:01, profile: deb}\n"},
             {"templates/p.mustache", "suite {{suite}}\n"}}},
        "/etc/muster");
    EXPECT_TRUE(site.has_value()) << yaml << to_text(site.error().front());
    return site ? site->profiles.at("deb") : Profile{};
}

TEST(ProfileText, TheLoaderReadsIt) {
    const Profile profile = read(profile_yaml(example(), "deb", "x.tar").value());
    EXPECT_EQ(profile.kernel, "deb/linux");
    EXPECT_EQ(profile.initrd, (std::vector<std::string>{"deb/initrd.gz"}));
    EXPECT_EQ(profile.cmdline, "url={{answers_url}}/preseed.cfg tree={{files_url}}/deb "
                               "more={{files_url}}/deb/x other={{files_url}}/deb/y");
    EXPECT_EQ(profile.answers, (std::map<std::string, std::string>{{"preseed.cfg", "p.mustache"}}));
    EXPECT_EQ(profile.variables, (Variables{{"suite", "bookworm"}, {"tree", "deb"}}));
}

TEST(ProfileText, WhatAMediumSaysOfItselfIsNoYaml) {
    Recognised found = example();
    found.system = "x\nretries: 77 #";
    found.variables["suite"] = "a\"\nkernel: evil\\";
    const Profile profile = read(profile_yaml(found, "deb", "y\nretries: 78").value());
    EXPECT_EQ(profile.retries, 3U);
    EXPECT_EQ(profile.kernel, "deb/linux");
    EXPECT_EQ(profile.variables["suite"], "a\"?kernel: evil\\");
}

TEST(ProfileText, PathsThatNoLoaderTakesAreRefused) {
    Recognised found = example();
    found.kernel = "a b";
    EXPECT_THAT(profile_yaml(found, "deb", "x").error(), HasSubstr("kernel 'a b'"));
    found = example();
    found.initrd = {"${x}"};
    EXPECT_THAT(profile_yaml(found, "deb", "x").error(), HasSubstr("initrd '${x}'"));
}

TEST(ProfileText, AnothersKernelLiesInItsOwnFolder) {
    Recognised iso = example();
    iso.netboot_required = "it looks for a CD";
    iso.kept.clear();
    const Recognised both = with_netboot(iso, example()).value();
    EXPECT_EQ(both.kernel, "netboot/linux");
    EXPECT_EQ(both.initrd, (std::vector<std::string>{"netboot/initrd.gz"}));
    EXPECT_TRUE(both.netboot_required.empty());
    EXPECT_THAT(both.cmdline, HasSubstr("other=@/netboot/y"));
}

TEST(ProfileText, AnotherMustFit) {
    Recognised netboot = example();
    netboot.family = "alpine";
    EXPECT_THAT(with_netboot(example(), netboot).error(), HasSubstr("does not go with"));
    netboot = example();
    netboot.release = "11";
    EXPECT_THAT(with_netboot(example(), netboot).error(), HasSubstr("another release"));
    netboot.release = "12";
    EXPECT_TRUE(with_netboot(example(), netboot).has_value());
    netboot.architecture = "arm64";
    EXPECT_THAT(with_netboot(example(), netboot).error(), HasSubstr("is for arm64"));
    netboot = example();
    netboot.starts_installer = false;
    EXPECT_THAT(with_netboot(example(), netboot).error(), HasSubstr("no netboot archive"));
    Recognised alpine = example();
    alpine.family = "alpine";
    alpine.release = "3.19.0";
    netboot = alpine;
    netboot.release = "3.18.9";
    EXPECT_THAT(with_netboot(alpine, netboot).error(), HasSubstr("another release"));
    netboot.release = "3.19.9";
    EXPECT_TRUE(with_netboot(alpine, netboot).has_value());
}

TEST(ProfileText, AnImageIsWrittenByTheMinimalInstaller) {
    const DiskContent content{.what = "Disk image (raw, GPT)\nx",
                              .file = "disk.raw",
                              .sha256 = "00ff",
                              .answer_template = "minimal-image.mustache",
                              .cloud_init = true};
    const std::string text = disk_profile_yaml(content, "golden", "a\nb.img");
    EXPECT_THAT(text,
                HasSubstr("# Disk image (raw, GPT)?x. Written by `muster import` from a?b.img.\n"
                          "kernel: minimal/linux\n"));
    EXPECT_THAT(text, HasSubstr("  image: \"golden/disk.raw\"\n  sha256: \"00ff\"\n"));
    EXPECT_THAT(text, HasSubstr("  user-data: cloud-user-data.mustache\n"));
    EXPECT_THAT(text, HasSubstr("  seed: \"user-data meta-data vendor-data\""));
    EXPECT_EQ(disk_profile_answers(content).size(), 4U);
    const DiskContent tree{.what = "Root file system",
                           .file = "root.tar",
                           .sha256 = {},
                           .answer_template = "minimal-tree.mustache"};
    const std::string other = disk_profile_yaml(tree, "t", "root.tar");
    EXPECT_THAT(other, Not(HasSubstr("sha256")));
    EXPECT_THAT(other, Not(HasSubstr("seed")));
    EXPECT_EQ(disk_profile_answers(tree).size(), 1U);
}

} // namespace
} // namespace muster
