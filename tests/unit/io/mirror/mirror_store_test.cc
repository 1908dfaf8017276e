// SPDX-License-Identifier: Apache-2.0
// The cache's folder as it is after a good run, a broken one, and somebody else's hand.
#include "io/mirror/mirror_store.hh"

#include "io/mirror/mirror_file.hh"

#include "tests/support/temporary_folder.hh"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace muster::test {
namespace {

namespace fs = std::filesystem;

class MirrorStoreTest : public ::testing::Test {
protected:
    MirrorStoreTest() { EXPECT_TRUE(store.prepare()); }

    static ObjectRecord record(std::uint64_t size) {
        ObjectRecord made;
        made.url = "http://h/" + std::to_string(size);
        made.etag = "\"v1\"";
        made.size = size;
        made.fetched = {1'700'000'000'000};
        return made;
    }
    void keep(ObjectId id, std::uint64_t size) {
        auto part = store.create_part(id);
        ASSERT_TRUE(part);
        MirrorFile file{std::move(*part), 0, false};
        ASSERT_TRUE(file.append(as_bytes(std::string(size, 'x'))));
        EXPECT_EQ(file.arrived(), size);
        ASSERT_TRUE(store.commit(file.descriptor(), id, record(size)));
    }
    void write_part(ObjectId id, std::uint64_t size) {
        auto part = store.create_part(id);
        ASSERT_TRUE(part);
        MirrorFile file{std::move(*part), 0, false};
        ASSERT_TRUE(file.append(as_bytes(std::string(size, 'p'))));
    }
    [[nodiscard]] std::string object_path(unsigned id) const {
        char name[32];
        std::snprintf(name, sizeof name, "/objects/%016x", id);
        return root + name;
    }

    testing::TemporaryFolder folder;
    std::string root = (fs::path{folder.path()} / "cache").string();
    MirrorStore store{root};
};

TEST_F(MirrorStoreTest, WhatWasKeptIsFoundTheLeastUsedFirst) {
    keep(ObjectId{1}, 10'000);
    keep(ObjectId{2}, 0);
    keep(ObjectId{3}, 5);
    store.note_times(ObjectId{1}, {}, {1'800'000'000'000});
    store.note_times(ObjectId{3}, {1'750'000'000'000}, {1'760'000'000'000});
    const auto found = store.scan();
    ASSERT_EQ(found.whole.size(), 3U);
    EXPECT_EQ(found.whole[0].id, ObjectId{2});
    EXPECT_EQ(found.whole[1].id, ObjectId{3});
    EXPECT_EQ(found.whole[2].id, ObjectId{1});
    EXPECT_EQ(found.whole[2].record, record(10'000));
    EXPECT_EQ(found.whole[1].checked, UnixTime{1'750'000'000'000});
    EXPECT_EQ(found.whole[2].checked, UnixTime{1'700'000'000'000});
    EXPECT_EQ(found.thrown_away, 0U);
    auto file = store.open_object(ObjectId{1});
    ASSERT_TRUE(file);
    MirrorFile whole{std::move(*file), 10'000, true};
    ASSERT_TRUE(whole.map(10'000));
    EXPECT_EQ(as_text(whole.bytes()), std::string(10'000, 'x'));
    EXPECT_TRUE(whole.resident(0, 10'000)) << "it was written just now";
    store.remove(ObjectId{1});
    EXPECT_EQ(store.scan().whole.size(), 2U);
    EXPECT_EQ(as_text(whole.bytes().first(3)), "xxx") << "who reads it goes on";
}

TEST_F(MirrorStoreTest, EveryCutAndEveryAdditionIsThrownAway) {
    keep(ObjectId{1}, 100);
    const auto size = fs::file_size(object_path(1));
    for (std::uintmax_t cut = 0; cut < size; cut += 7) {
        keep(ObjectId{2}, 100);
        fs::resize_file(object_path(2), cut);
        EXPECT_EQ(store.scan().thrown_away, 1U) << cut;
        EXPECT_FALSE(fs::exists(object_path(2)));
    }
    std::ofstream{object_path(1), std::ios::app} << "x";
    std::ofstream{root + "/objects/readme"} << "not ours";
    const auto found = store.scan();
    EXPECT_TRUE(found.whole.empty());
    EXPECT_EQ(found.thrown_away, 2U);
    EXPECT_TRUE(fs::is_empty(root + "/objects"));
}

TEST_F(MirrorStoreTest, AFileWhoseMiddleWasTakenOutIsNotBelieved) {
    keep(ObjectId{1}, 100);
    std::ifstream in{object_path(1), std::ios::binary};
    std::string all{std::istreambuf_iterator<char>{in}, {}};
    std::ofstream{object_path(1), std::ios::binary | std::ios::trunc} << all.erase(10, 1);
    EXPECT_EQ(store.scan().thrown_away, 1U);
}

TEST_F(MirrorStoreTest, PartsOfThisBootAndFlushedOnesAreContinued) {
    write_part(ObjectId{1}, 60);
    store.describe_part(ObjectId{1}, record(100), false);
    write_part(ObjectId{2}, 70);
    store.describe_part(ObjectId{2}, record(100), true);
    write_part(ObjectId{3}, 80); // nobody knows what it is
    write_part(ObjectId{4}, 101);
    store.describe_part(ObjectId{4}, record(100), false); // longer than it can be
    write_part(ObjectId{5}, 50);
    ObjectRecord before = record(100);
    before.boot = "another one";
    std::ofstream{root + "/partial/0000000000000005.about"} << write_object_record(before);
    std::ofstream{root + "/partial/0000000000000006.about"} << write_object_record(before);
    auto found = store.scan();
    ASSERT_EQ(found.parts.size(), 2U);
    std::ranges::sort(found.parts, {}, &MirrorStore::Part::id);
    EXPECT_EQ(found.parts[0].received, 60U);
    EXPECT_EQ(found.parts[1].received, 70U);
    EXPECT_EQ(found.thrown_away, 3U);
    EXPECT_EQ(std::distance(fs::directory_iterator{root + "/partial"}, {}), 4);

    auto file = store.open_part(ObjectId{1}, 55);
    ASSERT_TRUE(file);
    MirrorFile part{std::move(*file), 55, false};
    ASSERT_TRUE(part.append(as_bytes(std::string(45, 'q'))));
    ASSERT_TRUE(part.map(100));
    EXPECT_EQ(as_text(part.bytes()), std::string(55, 'p') + std::string(45, 'q'));
    ASSERT_TRUE(store.commit(part.descriptor(), ObjectId{1}, record(100)));
    found = store.scan();
    EXPECT_EQ(found.whole.size(), 1U);
    EXPECT_EQ(found.parts.size(), 1U);
    EXPECT_FALSE(store.open_part(ObjectId{2}, 71)) << "it is shorter than that";
}

TEST_F(MirrorStoreTest, AFolderOfSomebodyElsesIsNotTaken) {
    const std::string other = (fs::path{folder.path()} / "other").string();
    fs::create_directory(other);
    EXPECT_TRUE(MirrorStore{other}.prepare()) << "an empty one is";
    EXPECT_TRUE(MirrorStore{other}.prepare()) << "and is then known";
    const std::string full = (fs::path{folder.path()} / "full").string();
    fs::create_directories(full + "/objects");
    std::ofstream{full + "/objects/thesis"} << "years of work";
    EXPECT_FALSE(MirrorStore{full}.prepare());
    EXPECT_TRUE(fs::exists(full + "/objects/thesis"));
    EXPECT_FALSE(MirrorStore{"/proc/none"}.prepare());
}

} // namespace
} // namespace muster::test
