// SPDX-License-Identifier: Apache-2.0
// Tar archives are made with the reader's own sister, folders on disk; ISO images come with the
// test in tests/net/test_import.py, which has a program that makes them.
#include "io/media/archive_reader.hh"

#include "io/media/digest.hh"

#include "tests/support/temporary_folder.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace muster {
namespace {

using ::testing::HasSubstr;

/// Takes everything.
struct TakeAll final : MediumVisitor {
    Result<bool, std::string> on_entry(const std::string& path, const MediumEntry& entry) override {
        entries[path] = entry;
        at = path;
        if (path == stop_at) {
            return std::unexpected(std::string{"enough"});
        }
        return true;
    }
    Result<void, std::string> on_data(std::span<const std::byte> data) override {
        std::string part(data.size(), '\0');
        std::memcpy(part.data(), data.data(), data.size());
        texts[at] += part;
        return {};
    }
    Result<void, std::string> on_end() override {
        ++ended;
        return {};
    }
    std::string stop_at;
    std::string at;
    std::map<std::string, MediumEntry> entries;
    std::map<std::string, std::string> texts;
    int ended = 0;
};

std::string archive(const testing::TemporaryFolder& top, std::vector<PackedFile> files) {
    top.write("a.tar.gz", pack_tar_gz(files).value());
    return (top.path() / "a.tar.gz").string();
}

TEST(ArchiveReader, ReadsWhatWasPacked) {
    const testing::TemporaryFolder top;
    const std::string big(300'000, 'x');
    const std::string path = archive(top, {{"./boot/linux", 0644, big, ""},
                                           {"run", 0755, "#!", ""},
                                           {"l", 0777, "", "boot/linux"},
                                           {"empty", 0644, "", ""}});
    TakeAll all;
    const auto read = read_medium(path, all);
    ASSERT_TRUE(read.has_value()) << read.error();
    EXPECT_EQ(all.texts["boot/linux"], big);
    EXPECT_EQ(all.entries.at("l").kind, MediumEntryKind::link);
    EXPECT_EQ(all.entries.at("l").target, "boot/linux");
    EXPECT_EQ(all.ended, 3);
    EXPECT_EQ(pack_tar_gz(std::vector<PackedFile>{{"x", 0644, "1", ""}}),
              pack_tar_gz(std::vector<PackedFile>{{"x", 0644, "1", ""}}));
}

TEST(ArchiveReader, ReadsFoldersAlike) {
    const testing::TemporaryFolder top;
    top.write("boot/linux", "kernel");
    top.write(".disk/info", "Debian");
    std::filesystem::create_symlink("boot/linux", top.path() / "vmlinuz");
    const Medium medium = list_medium(top.path().string() + "/").value();
    EXPECT_EQ(medium.name, top.path().filename().string());
    EXPECT_EQ(medium.text(".disk/info"), "Debian");
    EXPECT_EQ(medium.entries.at("boot/linux").size, 6U);
    EXPECT_EQ(medium.resolved("vmlinuz"), "boot/linux");
    EXPECT_TRUE(medium.has_folder("boot"));
    EXPECT_FALSE(medium.texts.contains("boot/linux"));
}

TEST(ArchiveReader, RefusesWhatWouldLeaveTheFolder) {
    const testing::TemporaryFolder top;
    for (const auto& file : std::vector<PackedFile>{{"../x", 0644, "x", ""},
                                                    {"a/../../x", 0644, "x", ""},
                                                    {"/x", 0644, "x", ""},
                                                    {"l", 0777, "", ".."},
                                                    {"l", 0777, "", "/etc"}}) {
        TakeAll all;
        const auto read = read_medium(archive(top, {{"first", 0644, "1", ""}, file}), all);
        ASSERT_FALSE(read.has_value()) << file.path;
        EXPECT_THAT(read.error(), HasSubstr("'" + file.path + "'"));
        EXPECT_EQ(all.entries.size(), 1U);
    }
}

TEST(ArchiveReader, EveryCutIsNoticed) {
    const testing::TemporaryFolder top;
    std::string noise(20'000, '\0');
    for (std::size_t i = 0; i < noise.size(); ++i) {
        noise[i] = static_cast<char>((i * 2654435761U) >> 13U);
    }
    const std::string whole =
        pack_tar_gz(std::vector<PackedFile>{{"linux", 0644, noise, ""}}).value();
    for (std::size_t size = 0; size < whole.size(); size += 97) {
        top.write("cut.tar.gz", whole.substr(0, size));
        TakeAll all;
        const auto read = read_medium((top.path() / "cut.tar.gz").string(), all);
        EXPECT_TRUE(!read.has_value() || all.entries.empty()) << size << " of " << whole.size();
    }
}

TEST(ArchiveReader, AnIsoSaysHowLongItIs) {
    const testing::TemporaryFolder top;
    std::string iso(20 * 2048, '\0');
    iso[16 * 2048] = 1;
    iso.replace(16 * 2048 + 1, 5, "CD001");
    iso[16 * 2048 + 80] = 21; // blocks
    iso[16 * 2048 + 129] = 8; // of 2048 bytes
    top.write("x.iso", iso);
    TakeAll all;
    EXPECT_EQ(read_medium((top.path() / "x.iso").string(), all).error(),
              "the ISO is cut short: it has 40960 of 43008 bytes");
}

TEST(ArchiveReader, SaysWhatItCannotRead) {
    const testing::TemporaryFolder top;
    top.write("text", "hello");
    top.write("x.deb", "hello");
    TakeAll all;
    EXPECT_THAT(read_medium((top.path() / "text").string(), all).error(),
                HasSubstr("neither an ISO image nor"));
    EXPECT_THAT(read_medium((top.path() / "none").string(), all).error(),
                HasSubstr("No such file"));
    EXPECT_FALSE(read_medium((top.path() / "x.deb").string(), all).has_value());
    all.stop_at = "b";
    EXPECT_EQ(read_medium(archive(top, {{"a", 0644, "1", ""}, {"b", 0644, "2", ""}}), all).error(),
              "enough");
}

TEST(Digest, OfEachKind) {
    const auto of = [](SumKind kind) {
        Digest digest{kind};
        digest.add(std::as_bytes(std::span{std::string_view{"ab"}}));
        digest.add(std::as_bytes(std::span{std::string_view{"c"}}));
        return digest.finish();
    };
    // RFC 1321 section A.5, FIPS 180-2 appendices A to C.
    EXPECT_EQ(of(SumKind::md5), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(of(SumKind::sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(of(SumKind::sha256),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(of(SumKind::sha512).substr(0, 16), "ddaf35a193617aba");
}

} // namespace
} // namespace muster
