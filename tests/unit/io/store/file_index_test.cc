// SPDX-License-Identifier: Apache-2.0
#include "io/store/file_index.hh"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace muster {
namespace {

namespace fs = std::filesystem;

struct FileIndexTest : testing::Test {
    fs::path folder;

    void SetUp() override {
        std::string name = fs::temp_directory_path() / "muster-index-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder = name;
        fs::create_directories(folder / "files/debian12");
        std::ofstream{folder / "files/debian12/linux"} << "12345";
        std::ofstream{folder / "secret"} << "x";
        fs::create_symlink("debian12/linux", folder / "files/inside");
        fs::create_symlink("../secret", folder / "files/outside");
        fs::create_symlink("/etc/passwd", folder / "files/absolute");
    }
    void TearDown() override { fs::remove_all(folder); }
};

TEST_F(FileIndexTest, KnowsTheSizeOfWhatIsThere) {
    const FileIndex index{folder / "files"};
    EXPECT_EQ(index.size("debian12/linux"), 5U);
    EXPECT_EQ(index.size("inside"), 5U);
    std::ofstream{folder / "files/late"} << "1";
    EXPECT_EQ(index.size("late"), 1U);
}

TEST_F(FileIndexTest, NothingOutsideAndNoFolderIsAFile) {
    const FileIndex index{folder / "files"};
    for (const char* const path : {"", ".", "..", "../secret", "debian12", "debian12/", "outside",
                                   "absolute", "/etc/passwd", "missing", "debian12/../../secret"}) {
        EXPECT_EQ(index.size(path), std::nullopt) << path;
    }
    EXPECT_EQ(index.size(std::string_view{"debian12/linux\0x", 16}), std::nullopt);
    EXPECT_EQ(FileIndex{folder / "nowhere"}.size("debian12/linux"), std::nullopt);
}

} // namespace
} // namespace muster
