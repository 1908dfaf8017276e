// SPDX-License-Identifier: Apache-2.0
#include "core/site/loader_parts.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

struct MirrorsRead {
    std::vector<MirrorPlan> mirrors;
    std::string problems;
};

MirrorsRead read_mirrors(const std::string& text) {
    SiteDraft draft;
    if (const auto value = read_yaml("site.yaml", text, draft.problems)) {
        read_mirrors_yaml(*value, draft);
    }
    MirrorsRead read{draft.site.mirrors, {}};
    for (const SiteProblem& problem : draft.problems) {
        read.problems += to_text(problem) + "\n";
    }
    return read;
}

TEST(ReadMirrors, TakesPathUpstreamAndTheirSettings) {
    const auto read = read_mirrors("- {path: /debian, upstream: 'http://deb.example/debian/'}\n"
                                   "- path: /img/os\n"
                                   "  upstream: https://[fd00::1]:8443\n"
                                   "  revalidate: 10m\n"
                                   "  ca: /etc/ssl/rack.pem\n");
    EXPECT_EQ(read.problems, "");
    ASSERT_EQ(read.mirrors.size(), 2U);
    EXPECT_EQ(read.mirrors[0].path, "/debian");
    EXPECT_EQ(read.mirrors[0].upstream, "http://deb.example/debian");
    EXPECT_EQ(read.mirrors[0].revalidate, 1min);
    EXPECT_EQ(read.mirrors[1].upstream, "https://[fd00::1]:8443");
    EXPECT_EQ(read.mirrors[1].revalidate, 10min);
    EXPECT_EQ(read.mirrors[1].ca, "/etc/ssl/rack.pem");
}

TEST(ReadMirrors, SaysWhatIsWrongWithAPath) {
    for (const std::string path :
         {"debian", "/", "/debian/", "/a//b", "/a/../b", "/./a", "/a b", "/a%20b", "/files",
          "/boot/x", "/loaders", "/answers", "/report", "/grub/x", "/x.efi", "/a?b"}) {
        const auto read = read_mirrors("- {path: '" + path + "', upstream: 'http://h/x'}");
        EXPECT_TRUE(read.mirrors.empty()) << path;
        EXPECT_TRUE(read.problems.starts_with("site.yaml:1:10: path '" + path + "' of a mirror: "))
            << read.problems;
    }
    EXPECT_TRUE(read_mirrors("- {path: /filesystem, upstream: 'http://h'}").problems.empty());
}

TEST(ReadMirrors, SaysWhatIsWrongWithAnUpstream) {
    for (const std::string url : {"ftp://h/x", "h/x", "http://", "http:///x", "http://u:p@h/x",
                                  "http://h/x?y", "http://h/x#y", "http://h/a b", "file:///etc"}) {
        const auto read = read_mirrors("- {path: /d, upstream: '" + url + "'}");
        EXPECT_TRUE(read.mirrors.empty()) << url;
        EXPECT_NE(read.problems.find("upstream '" + url + "': "), std::string::npos)
            << read.problems;
    }
}

TEST(ReadMirrors, SaysWhatElseIsWrong) {
    EXPECT_NE(read_mirrors("- {path: /d}").problems.find("upstream"), std::string::npos);
    EXPECT_NE(read_mirrors("- {upstream: 'http://h'}").problems.find("path"), std::string::npos);
    EXPECT_NE(read_mirrors("- {path: /d, upstream: 'http://h', revalidat: 1m}")
                  .problems.find("revalidate"),
              std::string::npos);
    EXPECT_NE(read_mirrors("- {path: /d, upstream: 'http://h', revalidate: 8d}")
                  .problems.find("at most 7d"),
              std::string::npos);
    EXPECT_NE(read_mirrors("- {path: /d, upstream: 'http://h', ca: /x}").problems.find("https"),
              std::string::npos);
    EXPECT_NE(read_mirrors("- {path: /d, upstream: 'https://h', ca: x}").problems.find("absolute"),
              std::string::npos);
    EXPECT_NE(read_mirrors("- {path: /d, upstream: 'http://h'}\n"
                           "- {path: /d, upstream: 'http://i'}")
                  .problems.find("another mirror"),
              std::string::npos);
    EXPECT_NE(read_mirrors("{debian: x}").problems, "");
}

} // namespace
} // namespace muster
