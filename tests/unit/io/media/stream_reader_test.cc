// SPDX-License-Identifier: Apache-2.0
#include "io/media/stream_reader.hh"

#include "io/media/archive_reader.hh"

#include "tests/support/temporary_folder.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

std::string file_with(const TemporaryFolder& folder, const std::string& name,
                      const std::string& text) {
    const std::string path = (folder.path() / name).string();
    std::ofstream{path, std::ios::binary} << text;
    return path;
}

/// What comes of the file, at most `enough` octets and the rest of their piece.
Result<std::string, std::string> all_of(const std::string& path, std::size_t enough = 1U << 30U) {
    std::string out;
    auto read =
        read_stream(path, [&](std::span<const std::byte> data) -> Result<bool, std::string> {
            for (const std::byte each : data) {
                out += static_cast<char>(each);
            }
            return out.size() < enough;
        });
    if (!read) {
        return std::unexpected(read.error());
    }
    return out;
}

/// `hello` and a new line, by `gzip -n`.
const std::string packed{
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x20\x30\x3a\x36\x06"
    "\x00\x00\x00",
    26};

TEST(StreamReader, ReadsWhatIsPackedAndWhatIsNot) {
    const TemporaryFolder folder;
    EXPECT_EQ(all_of(file_with(folder, "plain", "as it is")), "as it is");
    EXPECT_EQ(all_of(file_with(folder, "packed", packed)), "hello\n");
    EXPECT_EQ(all_of(file_with(folder, "empty", "")), "");
    const std::string large(5'000'000, 'x');
    EXPECT_EQ(all_of(file_with(folder, "large", large)), large);
    EXPECT_LT(all_of(file_with(folder, "large", large), 10)->size(), large.size());
}

TEST(StreamReader, SaysWhatIsWrong) {
    const TemporaryFolder folder;
    EXPECT_THAT(all_of((folder.path() / "nothing").string()).error(), HasSubstr("cannot be read"));
    EXPECT_FALSE(all_of(file_with(folder, "short", packed.substr(0, 16))).has_value());
    const std::string path = file_with(folder, "taken", "text");
    const auto read = read_stream(path, [](auto) -> Result<bool, std::string> {
        return std::unexpected(std::string{"the taker's own"});
    });
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error(), "the taker's own");
}

TEST(StreamReader, ListsTarArchivesWhateverTheirLinksSay) {
    const TemporaryFolder folder;
    const std::array<PackedFile, 2> files{
        {{"./etc/os-release", 0644, "ID=x\n", ""}, {"sbin/init", 0777, "", "/usr/lib/init"}}};
    const std::string path = file_with(folder, "root.tar.gz", *pack_tar_gz(files));
    const auto listed = list_tar(path);
    ASSERT_TRUE(listed) << listed.error();
    EXPECT_THAT(*listed, ElementsAre("etc/os-release", "sbin/init"));
    EXPECT_FALSE(list_tar(file_with(folder, "text", std::string(2000, 'x'))));
    EXPECT_FALSE(list_tar((folder.path() / "nothing").string()));
}

} // namespace
} // namespace muster
