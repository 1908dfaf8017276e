// SPDX-License-Identifier: Apache-2.0
#include "io/host/site_files.hh"

#include "core/site/loader.hh"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace muster {
namespace {

namespace fs = std::filesystem;

class Folder : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = fs::temp_directory_path() / "muster-site-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        path = name;
    }
    void TearDown() override { fs::remove_all(path); }
    void write(const std::string& file, const std::string& text) const {
        fs::create_directories((path / file).parent_path());
        std::ofstream{path / file} << text;
    }
    fs::path path;
};

using HostSiteFilesTest = Folder;
using HostLoaderFilesTest = Folder;

TEST_F(HostSiteFilesTest, ListsAtAnyDepthSortedAndRelativeToTheFolder) {
    write("templates/b.mustache", "");
    write("templates/a/z.mustache", "");
    write("templates/a/b/c", "");
    fs::create_directory(path / "templates/empty");
    const HostSiteFiles files{path};
    const auto names = files.list("templates");
    ASSERT_TRUE(names.has_value());
    EXPECT_EQ(*names, (std::vector<std::string>{"a/b/c", "a/z.mustache", "b.mustache"}));
}

TEST_F(HostSiteFilesTest, LinksToFilesCountAndLinksToFoldersAreNotFollowed) {
    write("elsewhere/real", "text");
    fs::create_directory(path / "templates");
    fs::create_symlink(path / "elsewhere/real", path / "templates/linked");
    fs::create_directory_symlink(path / "templates", path / "templates/round");
    const HostSiteFiles files{path};
    EXPECT_EQ(files.list("templates"), (std::vector<std::string>{"linked"}));
    EXPECT_EQ(files.read("templates/linked"), "text");
}

TEST_F(HostSiteFilesTest, SaysWhatIsMissingAndWhatCannotBeRead) {
    const HostSiteFiles files{path};
    EXPECT_TRUE(files.list("nodes").error().missing);
    EXPECT_TRUE(files.read("nodes.yaml").error().missing);
    EXPECT_EQ(files.read("nodes.yaml").error().reason, "No such file or directory");
    fs::create_directory(path / "site.yaml");
    EXPECT_FALSE(files.read("site.yaml").error().missing);
    EXPECT_EQ(files.read("site.yaml").error().reason, "not a regular file");
    const HostSiteFiles nothing{path / "nothing"};
    EXPECT_TRUE(nothing.read("site.yaml").error().missing);
    EXPECT_EQ(nothing.read("site.yaml").error().reason,
              "there is no folder " + (path / "nothing").string());
}

TEST_F(HostSiteFilesTest, ReadsFilesLargerThanOneBlockWhole) {
    const std::string text(200'000, 'x');
    write("site.yaml", text + "end");
    EXPECT_EQ(HostSiteFiles{path}.read("site.yaml"), text + "end");
}

TEST_F(HostSiteFilesTest, ANamedPipeDoesNotHangTheServer) {
    ASSERT_EQ(::system(("mkfifo " + (path / "site.yaml").string()).c_str()),
              0); // NOLINT(cert-env33-c)
    EXPECT_EQ(HostSiteFiles{path}.read("site.yaml").error().reason, "not a regular file");
}

TEST_F(HostLoaderFilesTest, FindsFilesAndLinksButNoFolders) {
    write("ipxe.efi", "x");
    fs::create_symlink(path / "ipxe.efi", path / "link.efi");
    fs::create_symlink(path / "gone.efi", path / "dangling.efi");
    fs::create_directory(path / "folder");
    const HostLoaderFiles files;
    EXPECT_TRUE(files.exists(path / "ipxe.efi"));
    EXPECT_TRUE(files.exists(path / "link.efi"));
    EXPECT_FALSE(files.exists(path / "dangling.efi"));
    EXPECT_FALSE(files.exists(path / "folder"));
    EXPECT_EQ(files.list(path), (std::vector<std::string>{"ipxe.efi", "link.efi"}));
    EXPECT_TRUE(files.list(path / "nothing").empty());
}

std::string sites() {
    return std::string{std::getenv("MUSTER_SOURCE")} + "/tests/data/sites/";
}

TEST(SiteFolders, TheExampleOfTheInterfacesLoads) {
    const auto site = load_site(HostSiteFiles{sites() + "example"}, sites() + "example");
    ASSERT_TRUE(site.has_value()) << to_text(site.error().front());
    EXPECT_EQ(site->nodes.size(), 1U);
    EXPECT_EQ(site->templates.size(), 1U);
}

// The golden file is what `musterd --check` prints for tests/data/sites/broken.
TEST(SiteFolders, TheBrokenSiteIsToldWholeAtOnce) {
    const auto site = load_site(HostSiteFiles{sites() + "broken"}, sites() + "broken");
    ASSERT_FALSE(site.has_value());
    std::string told;
    for (const SiteProblem& problem : site.error()) {
        told += to_text(problem, "broken") + "\n";
    }
    std::ostringstream expected;
    expected << std::ifstream{sites() + "broken.txt"}.rdbuf();
    EXPECT_EQ(told, expected.str());
}

} // namespace
} // namespace muster
