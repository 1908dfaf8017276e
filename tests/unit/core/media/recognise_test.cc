// SPDX-License-Identifier: Apache-2.0
#include "core/media/medium.hh"
#include "core/media/recognisers.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Medium medium(std::initializer_list<std::string> files,
              std::map<std::string, std::string> texts = {}, std::string name = "medium.iso") {
    Medium out;
    out.name = std::move(name);
    for (const std::string& file : files) {
        out.entries[file] = {};
    }
    for (auto& [path, text] : texts) {
        out.entries[path] = {};
        out.texts[path] = text;
    }
    return out;
}

Recognised known(const Medium& from) {
    auto found = recognise(from);
    EXPECT_TRUE(found.has_value()) << (found ? "" : found.error());
    return found ? *std::move(found) : Recognised{};
}

std::string refusal(const Medium& from) {
    const auto found = recognise(from);
    EXPECT_FALSE(found.has_value()) << found->system;
    return found ? "" : found.error();
}

const std::string pxeboot = "images/pxeboot/";
constexpr const char* debian_info =
    "Debian GNU/Linux 12.4.0 \"Bookworm\" - Official amd64 NETINST with firmware 20231210-17:56";

TEST(Recognise, OfDebiansPackageTheTextInstaller) {
    const std::string images = "usr/lib/debian-installer/images/12/amd64/";
    const std::string inner = "/debian-installer/amd64/";
    const Recognised found =
        known(medium({images + "gtk" + inner + "linux", images + "gtk" + inner + "initrd.gz",
                      images + "text" + inner + "linux", images + "text" + inner + "initrd.gz"},
                     {{images + "text/version.info",
                       "Debian version:  12 (bookworm)\nInstaller build: 2023\n"}}));
    EXPECT_EQ(found.system, "Debian 12 (bookworm)");
    EXPECT_EQ(found.architecture, "amd64");
    EXPECT_EQ(found.kept.at(0).from, images + "text" + inner + "linux");
    EXPECT_EQ(found.kernel, "linux");
    EXPECT_THAT(found.initrd, ElementsAre("initrd.gz"));
    EXPECT_EQ(found.variables.at("suite"), "bookworm");
    EXPECT_TRUE(found.netboot_required.empty());
}

TEST(Recognise, AGraphicalInstallerIsBetterThanNone) {
    const Recognised found =
        known(medium({"gtk/debian-installer/arm64/linux", "gtk/debian-installer/arm64/initrd.gz"}));
    EXPECT_EQ(found.kept.at(0).from, "gtk/debian-installer/arm64/linux");
    EXPECT_EQ(found.architecture, "arm64");
    EXPECT_FALSE(found.variables.contains("suite"));
}

TEST(Recognise, ADebianIsoNeedsAnotherKernel) {
    const Recognised found = known(medium({"install.amd/vmlinuz", "install.amd/initrd.gz",
                                           "dists/bookworm/Release", "pool/main/a.deb"},
                                          {{".disk/info", debian_info}}));
    EXPECT_EQ(found.system, "Debian 12.4.0 (bookworm)");
    EXPECT_EQ(found.release, "12");
    EXPECT_FALSE(found.netboot_required.empty());
    EXPECT_TRUE(found.kept.empty());
    EXPECT_THAT(refusal(medium({"live/vmlinuz"}, {{".disk/info", debian_info}})),
                HasSubstr("dists/ and pool/"));
    EXPECT_THAT(refusal(medium({"dists/a", "pool/b"}, {{".disk/info", debian_info}})),
                HasSubstr("install.*/vmlinuz"));
}

TEST(Recognise, UbuntuIsNotDebian) {
    const std::map<std::string, std::string> info = {
        {".disk/info", "Ubuntu-Server 24.04 LTS \"Noble Numbat\" - Release arm64 (20240423)"}};
    const Recognised found = known(
        medium({"casper/vmlinuz", "casper/initrd", "dists/noble/Release", "pool/a.deb"}, info));
    EXPECT_EQ(found.system, "Ubuntu-Server 24.04");
    EXPECT_EQ(found.architecture, "arm64");
    EXPECT_EQ(found.whole_as, "medium.iso");
    EXPECT_THAT(refusal(medium({"casper/initrd"}, info)), HasSubstr("there is no casper/vmlinuz"));
    EXPECT_THAT(refusal(medium({"casper/vmlinuz"}, info)), HasSubstr("there is no casper/initrd"));
    EXPECT_THAT(refusal(medium({"casper/vmlinuz", "casper/initrd"}, info, "folder")),
                HasSubstr("import the .iso file"));
    EXPECT_EQ(known(medium({"casper/vmlinuz", "casper/initrd.gz"})).system, "Ubuntu");
}

TEST(Recognise, UbuntusNetbootSaysWhereItsIsoIs) {
    const auto with = [](const std::string& config) {
        return medium({"arm64/linux", "arm64/initrd"}, {{"arm64/grub/grub.cfg", config}});
    };
    EXPECT_EQ(known(with("\tlinux linux iso-url=https://a.example/u.iso ip=dhcp ---\n"))
                  .variables.at("iso_url"),
              "https://a.example/u.iso");
    EXPECT_EQ(known(with("linux linux url=http://a.example/u.iso")).variables.at("iso_url"),
              "http://a.example/u.iso");
    EXPECT_THAT(refusal(with("linux linux ip=dhcp")), HasSubstr("names the ISO"));
}

TEST(Recognise, TreeinfoOfBothForms) {
    const std::string packages = "BaseOS/repodata/repomd.xml";
    const Recognised rocky = known(medium(
        {pxeboot + "vmlinuz", pxeboot + "initrd.img", packages},
        {{".treeinfo", "[release]\nname = Rocky Linux\nversion = 9.3\n[tree]\narch = x86_64\n"}}));
    EXPECT_EQ(rocky.system, "Rocky Linux 9.3");
    EXPECT_THAT(rocky.cmdline, HasSubstr("inst.repo=@ "));
    EXPECT_TRUE(rocky.variables.empty());
    const Recognised old = known(medium(
        {"k/vmlinuz", "k/initrd"},
        {{".treeinfo", "[general]\nfamily = CentOS Stream\nversion = 9\narch = "
                       "aarch64\n[images-aarch64]\nkernel = k/vmlinuz\ninitrd = k/initrd\n"}}));
    EXPECT_EQ(old.kernel, "k/vmlinuz");
    EXPECT_EQ(old.variables.at("repository"),
              "https://mirror.stream.centos.org/9-stream/BaseOS/aarch64/os/");
    EXPECT_THAT(old.cmdline, HasSubstr("inst.stage2=@ "));
}

TEST(Recognise, DiscinfoWhereThereIsNoTreeinfo) {
    const auto files = {pxeboot + "vmlinuz", pxeboot + "initrd.img"};
    const Recognised fedora =
        known(medium(files, {{".discinfo", "1699999999.1\nFedora 39\nx86_64\n"}}));
    EXPECT_EQ(fedora.system, "Fedora 39");
    EXPECT_EQ(fedora.architecture, "x86_64");
    const Recognised bare = known(medium(files, {{".discinfo", "1699999999.1\n39\nx86_64"}}));
    EXPECT_EQ(bare.system, "Fedora 39");
    const Recognised rhel =
        known(medium(files, {{".discinfo", "1\nRed Hat Enterprise Linux 9.3\nx86_64\n"}}));
    EXPECT_EQ(rhel.system, "Red Hat Enterprise Linux 9.3");
    EXPECT_EQ(rhel.variables.at("repository"), "");
    for (const auto* text : {"1", "1\n", "1\n\n", "1\n2\n"}) {
        EXPECT_TRUE(recognise(medium(files, {{".discinfo", text}})).has_value()) << text;
    }
}

TEST(Recognise, Suse) {
    const Recognised leap = known(
        medium({"boot/x86_64/loader/linux", "boot/x86_64/loader/initrd", "repodata/repomd.xml"},
               {{"media.1/products", "/ openSUSE-Leap 15.5-1\n"}}));
    EXPECT_EQ(leap.system, "openSUSE-Leap 15.5");
    EXPECT_THAT(leap.cmdline, HasSubstr("install=@ "));
    const Recognised online =
        known(medium({"boot/aarch64/loader/linux", "boot/aarch64/loader/initrd"},
                     {{"media.1/products", "/ SLES 15.6-0\n"}}));
    EXPECT_THAT(online.cmdline, HasSubstr("install={{repository}} "));
    EXPECT_EQ(
        known(medium({"boot/x86_64/loader/linux", "boot/x86_64/loader/initrd", "media.1/media"}))
            .system,
        "SUSE");
}

TEST(Recognise, AlpineOfEachFlavour) {
    const Recognised iso = known(medium({"boot/vmlinuz-virt", "boot/initramfs-virt",
                                         "boot/modloop-virt", "apks/aarch64/APKINDEX.tar.gz"},
                                        {{".alpine-release", "alpine-virt 3.19.1 240126"}}));
    EXPECT_EQ(iso.system, "Alpine Linux 3.19.1");
    EXPECT_EQ(iso.architecture, "aarch64");
    EXPECT_TRUE(iso.netboot_helps);
    const Recognised netboot =
        known(medium({"boot/vmlinuz-lts", "boot/initramfs-lts", "boot/modloop-lts"}, {},
                     "alpine-netboot-3.18.4-x86_64.tar.gz"));
    EXPECT_EQ(netboot.variables.at("repository"),
              "http://dl-cdn.alpinelinux.org/alpine/v3.18/main");
    EXPECT_EQ(known(medium({"boot/vmlinuz-lts", "boot/initramfs-lts", "boot/modloop-lts"}))
                  .variables.at("repository"),
              "http://dl-cdn.alpinelinux.org/alpine/latest-stable/main");
}

TEST(Recognise, SystemsThatRunFromMemory) {
    EXPECT_EQ(known(medium({"flatcar/vmlinuz", "flatcar/cpio.gz"})).kernel, "flatcar/vmlinuz");
    const std::string stem = "fedora-coreos-39.1.2.3-live";
    const Recognised loose =
        known(medium({stem + "-kernel.aarch64", stem + "-kernel.aarch64.sig",
                      stem + "-initramfs.aarch64.img", stem + "-rootfs.aarch64.img"}));
    EXPECT_EQ(loose.system, "Fedora CoreOS 39.1.2.3");
    EXPECT_EQ(loose.kernel, stem + "-kernel.aarch64");
    EXPECT_EQ(loose.architecture, "aarch64");
    EXPECT_EQ(known(medium({"arch/boot/x86_64/vmlinuz-linux",
                            "arch/boot/x86_64/initramfs-linux.img", "arch/x86_64/airootfs.erofs"},
                           {{"arch/version", "2026.01.01\n"}}))
                  .system,
              "Arch Linux 2026.01.01");
    EXPECT_THAT(
        refusal(medium({"arch/boot/x86_64/vmlinuz-linux", "arch/boot/x86_64/initramfs-linux.img"})),
        HasSubstr("airootfs"));
}

TEST(Recognise, NothingInNothing) {
    EXPECT_THAT(refusal({}), HasSubstr("Looked for:"));
    EXPECT_THAT(refusal(medium({"README"})), HasSubstr("openSUSE, SLES: boot/ARCH/loader/linux"));
}

TEST(Medium, LinksLeadWhereTheySay) {
    EXPECT_EQ(link_destination("a/b", "c"), "a/c");
    EXPECT_EQ(link_destination("a/b", "../c"), "c");
    EXPECT_EQ(link_destination("a", "."), ".");
    EXPECT_EQ(link_destination("a/b/c", "..//./d/"), "a/d");
    for (const auto& [path, target] : std::initializer_list<std::pair<const char*, const char*>>{
             {"a", ".."}, {"a/b", "../.."}, {"a", "/etc"}, {"a", ""}, {"a/b", "../c/../../d"}}) {
        EXPECT_EQ(link_destination(path, target), "") << path << " " << target;
    }
    Medium of = medium({"real"});
    of.entries["one"] = {MediumEntryKind::link, 0, "two", false};
    of.entries["two"] = {MediumEntryKind::link, 0, "real", false};
    of.entries["round"] = {MediumEntryKind::link, 0, "round", false};
    of.entries["lost"] = {MediumEntryKind::link, 0, "nothing", false};
    EXPECT_EQ(of.resolved("one"), "real");
    EXPECT_EQ(of.resolved("round"), "");
    EXPECT_EQ(of.resolved("lost"), "");
}

TEST(Medium, WordsOfSmallFiles) {
    EXPECT_EQ(first_number_word("Debian GNU/Linux 12.4.0 x"), "12.4.0");
    EXPECT_EQ(first_number_word("none here"), "");
    EXPECT_EQ(first_number_word(""), "");
    EXPECT_EQ(between("a (b) c", '(', ')'), "b");
    EXPECT_EQ(between("a (b c", '(', ')'), "");
    EXPECT_EQ(ini_value("[a]\nk=1\n[b]\n k = 2 \n", "b", "k"), "2");
    EXPECT_EQ(ini_value("[a]\nk=1\n", "b", "k"), "");
}

} // namespace
} // namespace muster
