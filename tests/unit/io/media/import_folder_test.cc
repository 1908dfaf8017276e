// SPDX-License-Identifier: Apache-2.0
#include "io/media/import_folder.hh"

#include "tests/support/temporary_folder.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <optional>

namespace muster {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string content(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

void add(ImportFolder& folder, const std::string& path, std::string_view text) {
    ASSERT_TRUE(folder.begin_file(path).has_value());
    ASSERT_TRUE(folder.write(std::as_bytes(std::span{text})).has_value());
    ASSERT_TRUE(folder.end_file().has_value());
}

TEST(ImportFolder, IsThereWholeOrNotAtAll) {
    const testing::TemporaryFolder top;
    {
        auto folder = ImportFolder::open(top.path() / "files", "a");
        ASSERT_TRUE(folder.has_value()) << folder.error();
        add(*folder, "x/y/linux", "kernel");
        EXPECT_FALSE(fs::exists(top.path() / "files/a"));
    }
    EXPECT_TRUE(fs::is_empty(top.path() / "files"));
    {
        auto folder = ImportFolder::open(top.path() / "files", "a");
        add(*folder, "x/y/linux", "kernel");
        EXPECT_EQ(folder->files(), 1U);
        EXPECT_EQ(folder->bytes(), 6U);
        ASSERT_TRUE(folder->publish().has_value());
    }
    EXPECT_EQ(content(top.path() / "files/a/x/y/linux"), "kernel");
}

TEST(ImportFolder, TakesThePlaceOfWhatIsThere) {
    const testing::TemporaryFolder top;
    top.write("a/old", "old");
    top.write(".import-a/left", "of an import that was killed");
    auto folder = ImportFolder::open(top.path(), "a");
    add(*folder, "new", "new");
    ASSERT_TRUE(folder->publish().has_value());
    EXPECT_EQ(content(top.path() / "a/new"), "new");
    EXPECT_EQ(std::distance(fs::directory_iterator{top.path()}, {}), 1);
    EXPECT_EQ(std::distance(fs::directory_iterator{top.path() / "a"}, {}), 1);
}

TEST(ImportFolder, IsForOneAtATime) {
    const testing::TemporaryFolder top;
    auto first = ImportFolder::open(top.path(), "a");
    ASSERT_TRUE(first.has_value());
    const auto second = ImportFolder::open(top.path(), "a");
    ASSERT_FALSE(second.has_value());
    EXPECT_THAT(second.error(), HasSubstr("another import of 'a' is at work"));
    EXPECT_TRUE(ImportFolder::open(top.path(), "b").has_value());
    // And who was refused has not taken the first one's folder with it.
    add(*first, "x", "x");
    EXPECT_TRUE(first->publish().has_value());
}

TEST(ImportFolder, WritesThroughNoLinkAndNothingTwice) {
    const testing::TemporaryFolder top;
    auto folder = ImportFolder::open(top.path(), "a");
    ASSERT_TRUE(folder->add_link("d", "elsewhere").has_value());
    EXPECT_THAT(folder->begin_file("d/x").error(),
                HasSubstr("'d/x' lies below the symbolic link 'd'"));
    EXPECT_THAT(folder->add_folder("d/e").error(), HasSubstr("below the symbolic link"));
    EXPECT_THAT(folder->add_hard_link("h", "d/x").error(), HasSubstr("below the symbolic link"));
    EXPECT_FALSE(folder->begin_file("d").has_value());
    add(*folder, "x", "x");
    EXPECT_THAT(folder->begin_file("x").error(), HasSubstr("File exists"));
    EXPECT_FALSE(folder->add_link("x", "y").has_value());
    ASSERT_TRUE(folder->add_hard_link("z", "x").has_value());
    EXPECT_EQ(content(folder->path() / "z"), "x");
}

TEST(ImportFolder, FindsLinksThatLeadOutTogether) {
    const testing::TemporaryFolder top;
    auto folder = ImportFolder::open(top.path(), "a");
    ASSERT_TRUE(folder->add_link("self", ".").has_value());
    ASSERT_TRUE(folder->add_link("lost", "nothing").has_value());
    ASSERT_TRUE(folder->add_link("d/y", "..").has_value());
    EXPECT_TRUE(folder->check_links().has_value());
    ASSERT_TRUE(folder->add_link("x", "d/y/..").has_value());
    EXPECT_THAT(folder->check_links().error(), HasSubstr("'x' leads out"));
}

TEST(ImportFolder, SaysWhatCannotBeWritten) {
    const auto full = replace_file("/dev/full/x", "text");
    ASSERT_FALSE(full.has_value());
    EXPECT_THAT(full.error(), HasSubstr("cannot write /dev/full/x"));
    EXPECT_FALSE(ImportFolder::open("/proc/nothing", "a").has_value());
}

TEST(ReplaceFile, IsTheOldOneOrTheNewOne) {
    const testing::TemporaryFolder top;
    const fs::path path = top.path() / "deep/x.yaml";
    ASSERT_TRUE(replace_file(path, "one").has_value());
    ASSERT_TRUE(replace_file(path, "two").has_value());
    EXPECT_EQ(content(path), "two");
    EXPECT_EQ(std::distance(fs::directory_iterator{path.parent_path()}, {}), 1);
}

} // namespace
} // namespace muster
