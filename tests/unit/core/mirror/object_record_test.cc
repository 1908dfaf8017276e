// SPDX-License-Identifier: Apache-2.0
#include "core/mirror/object_record.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

ObjectRecord example() {
    return {.url = "http://deb.example/pool/a.deb",
            .etag = "\"abc def\"",
            .last_modified = "Sun, 06 Nov 1994 08:49:37 GMT",
            .content_type = "application/vnd.debian.binary-package",
            .modified = {784'111'777'000},
            .fetched = {1'800'000'000'123},
            .size = 12'345,
            .dated_well = true,
            .boot = "5f1f"};
}

TEST(ObjectRecord, ComesBackFromTheEndOfAFile) {
    const std::string text = write_object_record(example());
    const auto alone = read_object_record(text);
    ASSERT_TRUE(alone);
    EXPECT_EQ(alone->record, example());
    EXPECT_EQ(alone->size, text.size());
    const auto behind = read_object_record("bytes of a file\n\nmuster object 1 " + text);
    ASSERT_TRUE(behind);
    EXPECT_EQ(behind->record, example());
    EXPECT_EQ(behind->size, text.size());
}

TEST(ObjectRecord, EveryCutAndEveryChangedByteIsSeen) {
    const std::string text = "body" + write_object_record(example());
    for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_FALSE(read_object_record(std::string_view{text}.substr(0, size))) << size;
    }
    for (std::size_t at = 4; at < text.size(); ++at) {
        std::string changed = text;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        EXPECT_FALSE(read_object_record(changed)) << at;
    }
    EXPECT_FALSE(read_object_record(text + "x"));
    EXPECT_FALSE(read_object_record(std::string(8192, '\0')));
}

TEST(ObjectRecord, AWeakTagOrAYoungDateIsNoStrongValidator) {
    ObjectRecord record = example();
    EXPECT_EQ(record.strong_validator(), "\"abc def\"");
    record.etag = "W/\"abc\"";
    EXPECT_EQ(record.strong_validator(), record.last_modified);
    record.dated_well = false;
    EXPECT_EQ(record.strong_validator(), "");
}

TEST(ObjectRecord, ClientsGetAStrongTagAlways) {
    ObjectRecord record = example();
    EXPECT_EQ(record.served_etag(ObjectId{7}), "\"abc def\"");
    record.etag = "W/\"abc\"";
    const std::string dated = record.served_etag(ObjectId{7});
    EXPECT_EQ(dated, record.served_etag(ObjectId{8})) << "the same for every cache of it";
    EXPECT_TRUE(dated.starts_with('"'));
    record.modified = {};
    EXPECT_NE(record.served_etag(ObjectId{7}), record.served_etag(ObjectId{8}));
}

} // namespace
} // namespace muster::test
