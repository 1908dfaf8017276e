// SPDX-License-Identifier: Apache-2.0
#include "core/media/disk_image.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace muster {
namespace {

using ::testing::HasSubstr;

std::string put(std::string head, std::size_t at, std::string_view octets) {
    return head.replace(at, octets.size(), octets);
}

Result<std::optional<DiskImage>, std::string> look_at(const std::string& head) {
    return find_disk_image(std::as_bytes(std::span{head}));
}

/// One partition of type `type` at sector 2048.
std::string mbr(char type = '\x83') {
    std::string head(disk_image_head, '\0');
    head[450] = type;
    head = put(head, 454, std::string_view{"\x00\x08\x00\x00\x00\x10\x00\x00", 8});
    return put(head, 510, "\x55\xAA");
}

std::string qcow2(char version = 3, std::uint8_t size = 1) {
    std::string head(104, '\0');
    head = put(head, 0, "QFI\xFB");
    head[7] = version;
    head[28] = static_cast<char>(size); // 16 MiB each
    return head;
}

TEST(DiskImageTest, TellsRawImagesByTheirPartitionTable) {
    const auto with_mbr = look_at(mbr());
    ASSERT_TRUE(with_mbr && *with_mbr);
    EXPECT_EQ((*with_mbr)->kind, DiskImageKind::raw);
    EXPECT_FALSE((*with_mbr)->gpt);
    const auto with_gpt = look_at(put(mbr('\xEE'), 512, "EFI PART"));
    ASSERT_TRUE(with_gpt && *with_gpt);
    EXPECT_TRUE((*with_gpt)->gpt);
}

TEST(DiskImageTest, AnIsoIsNoneAlthoughItBootsFromAStick) {
    const auto found = look_at(put(mbr(), 32769, "CD001"));
    ASSERT_TRUE(found);
    EXPECT_FALSE(*found);
}

TEST(DiskImageTest, OtherFilesAreNone) {
    for (const std::string& head :
         {std::string{}, std::string(511, '\0'), std::string(disk_image_head, 'x'), mbr('\0'),
          put(mbr(), 446, "\x01"), put(mbr(), 454, std::string_view{"\0\0\0\0", 4}),
          put(mbr(), 458, std::string_view{"\0\0\0\0", 4}), put(mbr(), 510, "\x55\xAB")}) {
        const auto found = look_at(head);
        ASSERT_TRUE(found);
        EXPECT_FALSE(*found);
    }
}

TEST(DiskImageTest, ReadsTheSizeOfQcow2) {
    for (const char version : {'\2', '\3'}) {
        const auto found = look_at(qcow2(version));
        ASSERT_TRUE(found && *found);
        EXPECT_EQ((*found)->kind, DiskImageKind::qcow2);
        EXPECT_EQ((*found)->size, std::uint64_t{1} << 24U);
    }
}

TEST(DiskImageTest, RefusesQcow2ThatIsNotWholeByItself) {
    const auto why = [](const std::string& head) {
        const auto found = look_at(head);
        return found ? std::string{} : found.error();
    };
    EXPECT_THAT(why(put(qcow2(), 15, "\x68")), HasSubstr("backing file"));
    EXPECT_THAT(why(put(qcow2(), 35, "\x01")), HasSubstr("encrypted"));
    EXPECT_THAT(why(put(qcow2(), 79, "\x04")), HasSubstr("in another file"));
    EXPECT_THAT(why(qcow2(1)), HasSubstr("version 1"));
    EXPECT_THAT(why(qcow2(3, 0)), HasSubstr("empty disk"));
    EXPECT_THAT(why(qcow2().substr(0, 71)), HasSubstr("cut short"));
    EXPECT_THAT(why(qcow2().substr(0, 103)), HasSubstr("cut short"));
    EXPECT_EQ(why(qcow2(2).substr(0, 72)), "") << "version 2 ends there";
}

TEST(DiskImageTest, NamesFormatsThatAreNotTaken) {
    const auto found = look_at("KDMV and so on");
    ASSERT_FALSE(found);
    EXPECT_THAT(found.error(), HasSubstr("VMDK"));
    const auto vdi = look_at(put(std::string(512, '\0'), 64, "\x7F\x10\xDA\xBE"));
    ASSERT_FALSE(vdi);
    EXPECT_THAT(vdi.error(), HasSubstr("VDI"));
}

} // namespace
} // namespace muster
