// SPDX-License-Identifier: Apache-2.0
#include "io/host/any_case.hh"

#include "io/host/fd.hh"

#include "tests/support/temporary_folder.hh"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace muster {
namespace {

using testing::TemporaryFolder;

class AnyCase : public ::testing::Test {
protected:
    AnyCase() {
        folder_.write("tree/boot/x64/bootmgfw.efi", "b");
        folder_.write("tree/Both", "1");
        folder_.write("tree/both", "2");
        folder_.write("outside/file", "no");
        std::filesystem::create_directory_symlink("../outside", folder_.path() / "tree/way-out");
        std::filesystem::create_directory_symlink("boot", folder_.path() / "tree/Start");
        root_ = Fd{::open((folder_.path() / "tree").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    }
    std::optional<std::string> find(std::string_view path) {
        return find_any_case(root_.get(), path);
    }

    TemporaryFolder folder_;
    Fd root_;
};

TEST_F(AnyCase, EveryPartOfThePathMayDiffer) {
    for (const std::string_view asked :
         {"boot/x64/bootmgfw.efi", "Boot/X64/BOOTMGFW.EFI", "BOOT/x64/bootMGFW.efi"}) {
        EXPECT_EQ(find(asked), "boot/x64/bootmgfw.efi") << asked;
    }
    EXPECT_EQ(find("START/x64/BootMgFw.efi"), "Start/x64/bootmgfw.efi") << "a link inside";
}

TEST_F(AnyCase, AnExactNameWinsAndElseTheFirstInOrder) {
    EXPECT_EQ(find("Both"), "Both");
    EXPECT_EQ(find("both"), "both");
    EXPECT_EQ(find("BOTH"), "Both") << "upper case sorts first";
}

TEST_F(AnyCase, OtherNamesAreNotFoundAndNothingOutsideIs) {
    EXPECT_EQ(find("boot/x64/bootmgfw.ef"), std::nullopt);
    EXPECT_EQ(find("boot/x65/bootmgfw.efi"), std::nullopt);
    EXPECT_EQ(find("both/below-a-file"), std::nullopt);
    EXPECT_EQ(find("WAY-OUT/file"), std::nullopt);
}

TEST_F(AnyCase, OnlyAsciiLettersHaveACase) {
    EXPECT_TRUE(equal_any_case("aZ09_@", "Az09_@"));
    EXPECT_FALSE(equal_any_case("@", "`")) << "32 apart, but no letters";
    EXPECT_FALSE(equal_any_case("\xC4", "\xE4")) << "names are bytes, not Latin 1";
    EXPECT_FALSE(equal_any_case("a", "ab"));
}

TEST_F(AnyCase, AFolderOfTooManyEntriesIsNotSearched) {
    const auto many = folder_.path() / "tree/many";
    std::filesystem::create_directory(many);
    for (unsigned i = 0; i <= any_case_entries_max; ++i) {
        std::filesystem::create_hard_link(folder_.path() / "tree/both",
                                          many / ("f" + std::to_string(i)));
    }
    EXPECT_EQ(find("many/F-none"), std::nullopt);
}

} // namespace
} // namespace muster
