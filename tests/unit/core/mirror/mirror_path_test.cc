// SPDX-License-Identifier: Apache-2.0
#include "core/mirror/mirror_path.hh"

#include <gtest/gtest.h>

#include <vector>

namespace muster::test {
namespace {

const std::vector<MirrorPlan> plans{{.path = "/debian", .upstream = "http://deb.example/debian"},
                                    {.path = "/debian/security", .upstream = "https://sec.example"},
                                    {.path = "/img", .upstream = "http://img.example:8080"}};

TEST(MirrorPath, TheLongestMirrorThatAPathLiesInCounts) {
    EXPECT_EQ(find_mirror(plans, "/debian/pool/a.deb"), &plans[0]);
    EXPECT_EQ(find_mirror(plans, "/debian"), &plans[0]);
    EXPECT_EQ(find_mirror(plans, "/debian?x"), &plans[0]);
    EXPECT_EQ(find_mirror(plans, "/debian/security/dists"), &plans[1]);
    EXPECT_EQ(find_mirror(plans, "/debian/securityx"), &plans[0]);
    EXPECT_EQ(find_mirror(plans, "/debianx/pool"), nullptr);
    EXPECT_EQ(find_mirror(plans, "/files/debian"), nullptr);
    EXPECT_EQ(find_mirror({}, "/debian"), nullptr);
}

TEST(MirrorPath, OneFileHasOneSpellingUpstream) {
    EXPECT_EQ(mirror_target("/debian/pool/g++_12~rc1:2.deb", false, ""),
              "/debian/pool/g++_12~rc1:2.deb");
    EXPECT_EQ(mirror_target("/debian/a b", false, ""), "/debian/a%20b");
    EXPECT_EQ(mirror_target("/debian/a%3ab", false, ""), "/debian/a%253ab");
    EXPECT_EQ(mirror_target("/debian/a?b#c", false, "q=1"), "/debian/a%3Fb%23c?q=1");
    EXPECT_EQ(mirror_target("/debian/\xC3\xA4", false, ""), "/debian/%C3%A4");
    EXPECT_EQ(mirror_target("/debian/dists", true, ""), "/debian/dists/");
    EXPECT_EQ(mirror_target("/debian/a\nb", false, ""), std::nullopt);
    EXPECT_EQ(mirror_target("/debian/\x7F", false, ""), std::nullopt);
    EXPECT_EQ(mirror_target("/" + std::string(mirror_target_size_max, 'a'), false, ""),
              std::nullopt);
}

TEST(MirrorPath, WhatFollowsTheMirrorGoesBehindItsUpstream) {
    EXPECT_EQ(upstream_url(plans[0], "/debian/pool/a.deb"), "http://deb.example/debian/pool/a.deb");
    EXPECT_EQ(upstream_url(plans[0], "/debian"), "http://deb.example/debian/");
    EXPECT_EQ(upstream_url(plans[0], "/debian/"), "http://deb.example/debian/");
    EXPECT_EQ(upstream_url(plans[0], "/debian?a"), "http://deb.example/debian/?a");
    EXPECT_EQ(upstream_url(plans[2], "/img/x?a=/b"), "http://img.example:8080/x?a=/b");
}

TEST(MirrorPath, PackagesAreKnownByTheirNamesAndAllElseMayChange) {
    const std::string hash(64, 'a');
    for (const std::string& name :
         {std::string{"/d/pool/m/muster_1.0_amd64.deb"}, std::string{"/d/pool/x.udeb"},
          std::string{"/f/Packages/b/bash-5.rpm"}, "/d/dists/x/by-hash/SHA256/" + hash,
          "/f/repodata/" + hash + "-primary.xml.gz", std::string{"/d/pool/m/muster_1.orig.tar.xz"},
          std::string{"/arch/core/bash-5.pkg.tar.zst"}}) {
        EXPECT_EQ(mirror_kind(name), MirrorKind::package) << name;
    }
    for (const std::string name :
         {"/d/dists/bookworm/InRelease", "/d/dists/x/Release", "/d/dists/x/Release.gpg",
          "/d/dists/x/main/binary-amd64/Packages.xz", "/f/repodata/repomd.xml", "/d/pool/",
          "/d/pool/main", "/arch/core/bash-5.pkg.tar.zst.sig", "/img/latest.iso", "/d/x.tar.xz",
          "/d/x.deb?token=1", "/d", "/d/by-hash/"}) {
        EXPECT_EQ(mirror_kind(name), MirrorKind::index) << name;
    }
}

} // namespace
} // namespace muster::test
