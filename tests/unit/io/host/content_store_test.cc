// SPDX-License-Identifier: Apache-2.0
#include "io/host/content_store.hh"

#include "io/host/clock.hh"

#include "tests/support/temporary_folder.hh"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace muster {
namespace {

using testing::TemporaryFolder;

Now at_seconds(int seconds) {
    // An hour from now: what the test has just written has settled.
    return {Instant{std::int64_t{seconds} * 1'000'000'000},
            read_clock().wall + std::chrono::hours{1}};
}

class ContentStoreTest : public ::testing::Test {
protected:
    ContentStoreTest() {
        auto snapshot = std::make_shared<Snapshot>();
        folder_.write("files/small", "hello");
        folder_.write("files/large", std::string(100'000, 'x'));
        folder_.write("files/empty", "");
        folder_.write("files/sub/deep", "deep");
        folder_.write("secret", "not yours");
        snapshot->files_root = (folder_.path() / "files").string();
        snapshot->loaders["ipxe.efi"] = (folder_.path() / "secret").string();
        store_.on_snapshot(snapshot);
    }
    OpenError error(const std::string& path, int seconds = 0) {
        const auto result = store_.open(ContentRoot::files, path, at_seconds(seconds));
        EXPECT_FALSE(result.has_value()) << path;
        return result.has_value() ? OpenError::unavailable : result.error();
    }

    TemporaryFolder folder_;
    ContentStore store_;
};

TEST_F(ContentStoreTest, OpensSmallLargeAndEmptyFiles) {
    const auto small = store_.open(ContentRoot::files, "small", at_seconds(0));
    ASSERT_TRUE(small);
    EXPECT_EQ(as_text((*small)->bytes), "hello");
    const auto large = store_.open(ContentRoot::files, "large", at_seconds(0));
    ASSERT_TRUE(large);
    EXPECT_EQ((*large)->bytes.size(), 100'000U);
    const auto empty = store_.open(ContentRoot::files, "empty", at_seconds(0));
    ASSERT_TRUE(empty);
    EXPECT_TRUE((*empty)->bytes.empty());
    EXPECT_EQ(as_text((*store_.open(ContentRoot::files, "sub/deep", at_seconds(0)))->bytes),
              "deep");
}

TEST_F(ContentStoreTest, NamesInAnotherCaseOpenWhereThatIsWanted) {
    EXPECT_EQ(error("SUB/Deep"), OpenError::not_found);
    const auto deep =
        store_.open(ContentRoot::files, "SUB/Deep", at_seconds(0), {.any_case = true});
    ASSERT_TRUE(deep);
    EXPECT_EQ(as_text((*deep)->bytes), "deep");
    EXPECT_TRUE(store_.open(ContentRoot::loaders, "IPXE.EFI", at_seconds(0), {.any_case = true}));
    EXPECT_FALSE(store_.open(ContentRoot::loaders, "IPXE.EFJ", at_seconds(0), {.any_case = true}));
    const auto text =
        store_.open_netascii(ContentRoot::files, "Small", at_seconds(0), {.any_case = true});
    ASSERT_TRUE(text);
    EXPECT_EQ(as_text((*text)->bytes), "hello");

    std::filesystem::create_symlink("../secret", folder_.path() / "files/Link");
    const auto outside = store_.open(ContentRoot::files, "LINK", at_seconds(0), {.any_case = true});
    ASSERT_FALSE(outside);
    EXPECT_EQ(outside.error(), OpenError::forbidden) << "found, and still outside";
}

TEST_F(ContentStoreTest, NothingOutsideTheTreeOpens) {
    std::filesystem::create_symlink("../secret", folder_.path() / "files/link");
    std::filesystem::create_symlink("/etc/passwd", folder_.path() / "files/absolute");
    std::filesystem::create_symlink("small", folder_.path() / "files/inside");
    EXPECT_EQ(error("link"), OpenError::forbidden);
    EXPECT_EQ(error("absolute"), OpenError::forbidden);
    EXPECT_EQ(error("../secret"), OpenError::forbidden);
    EXPECT_EQ(error("/etc/passwd"), OpenError::forbidden);
    EXPECT_TRUE(store_.open(ContentRoot::files, "inside", at_seconds(0)));
}

TEST_F(ContentStoreTest, OnlyRegularFilesOpen) {
    ASSERT_EQ(::mkfifo((folder_.path() / "files/fifo").c_str(), 0600), 0);
    EXPECT_EQ(error("fifo"), OpenError::not_found);
    EXPECT_EQ(error("sub"), OpenError::not_found);
    EXPECT_EQ(error("missing"), OpenError::not_found);
    EXPECT_EQ(error("small/below-a-file"), OpenError::not_found);
}

TEST_F(ContentStoreTest, LoadersOpenByNameOnly) {
    const auto loader = store_.open(ContentRoot::loaders, "ipxe.efi", at_seconds(0));
    ASSERT_TRUE(loader);
    EXPECT_EQ(as_text((*loader)->bytes), "not yours");
    EXPECT_EQ((*loader)->type, "application/efi");
    EXPECT_FALSE(store_.open(ContentRoot::loaders, "secret", at_seconds(0)));
}

TEST_F(ContentStoreTest, ATransferKeepsItsVersionAndTheNextSeesTheNewOne) {
    const auto before = *store_.open(ContentRoot::files, "large", at_seconds(0));
    EXPECT_EQ(*store_.open(ContentRoot::files, "large", at_seconds(5)), before)
        << "an unchanged file is shared";
    // Replaced by rename, as careful tools do.
    folder_.write("files/new", std::string(50'000, 'y'));
    std::filesystem::rename(folder_.path() / "files/new", folder_.path() / "files/large");
    const auto after = *store_.open(ContentRoot::files, "large", at_seconds(10));
    EXPECT_NE(before, after);
    EXPECT_NE(before->etag, after->etag);
    EXPECT_EQ(as_text(before->bytes)[99'999], 'x');
    EXPECT_EQ(after->bytes.size(), 50'000U);
    std::filesystem::remove(folder_.path() / "files/large");
    EXPECT_EQ(error("large", 20), OpenError::not_found);
}

// Within the tick of the clock that stamps files two versions may look alike: what is fresh is read
// again each time.
TEST_F(ContentStoreTest, AFileWrittenAMomentAgoIsNotKeptInMemory) {
    const auto written = read_clock();
    const auto at = [&](int seconds) {
        return Now{Instant{std::int64_t{seconds} * 1'000'000'000}, written.wall};
    };
    folder_.write("files/small", "one");
    const auto time = std::filesystem::last_write_time(folder_.path() / "files/small");
    EXPECT_EQ(as_text((*store_.open(ContentRoot::files, "small", at(0)))->bytes), "one");
    folder_.write("files/small", "two");
    std::filesystem::last_write_time(folder_.path() / "files/small", time);
    EXPECT_EQ(as_text((*store_.open(ContentRoot::files, "small", at(5)))->bytes), "two");
}

// A mapped file that was cut or written to is no longer what its headers would promise.
TEST_F(ContentStoreTest, AMappedFileThatChangedInPlaceIsOpenedAnewAtOnce) {
    const auto before = *store_.open(ContentRoot::files, "large", at_seconds(0));
    EXPECT_TRUE(before->intact());
    std::filesystem::resize_file(folder_.path() / "files/large", 50'000);
    EXPECT_FALSE(before->intact());
    const auto after = *store_.open(ContentRoot::files, "large", at_seconds(0));
    EXPECT_EQ(after->bytes.size(), 50'000U);
    EXPECT_TRUE(after->resident(0, 50'000));
}

TEST_F(ContentStoreTest, APackedSiblingIsGivenToThoseWhoTakeItAndHasATagOfItsOwn) {
    folder_.write("files/small.gz", "G");
    folder_.write("files/large.zst", "Z");
    folder_.write("files/large.gz", "GG");
    const auto open = [&](const char* name, ContentChoice choice) {
        return *store_.open(ContentRoot::files, name, at_seconds(0), choice);
    };
    const auto plain = open("small", {});
    EXPECT_EQ(as_text(plain->bytes), "hello");
    EXPECT_EQ(plain->encoding, "");
    EXPECT_TRUE(plain->varies) << "a cache between must know";
    const auto packed = open("small", {.gzip = true, .zstd = true});
    EXPECT_EQ(as_text(packed->bytes), "G");
    EXPECT_EQ(packed->encoding, "gzip");
    EXPECT_EQ(packed->type, "application/octet-stream") << "that of the name, not of .gz";
    EXPECT_NE(packed->etag, plain->etag);
    EXPECT_NE(packed->etag, open("small.gz", {})->etag);
    EXPECT_EQ(open("small", {.zstd = true}), plain);
    EXPECT_EQ(open("large", {.gzip = true, .zstd = true})->encoding, "zstd");
    EXPECT_EQ(as_text(open("large", {.gzip = true})->bytes), "GG");
    EXPECT_EQ(open("small.gz", {.gzip = true})->encoding, "") << "asked for by name";
    EXPECT_FALSE(open("sub/deep", {})->varies);
}

TEST_F(ContentStoreTest, ASiblingThatIsOlderOrLeadsOutOfTheTreeIsNone) {
    folder_.write("files/small.gz", "old");
    std::filesystem::last_write_time(
        folder_.path() / "files/small.gz",
        std::filesystem::last_write_time(folder_.path() / "files/small") - std::chrono::hours{1});
    std::filesystem::create_symlink("../secret", folder_.path() / "files/small.zst");
    const auto got =
        *store_.open(ContentRoot::files, "small", at_seconds(0), {.gzip = true, .zstd = true});
    EXPECT_EQ(as_text(got->bytes), "hello");
    EXPECT_FALSE(got->varies);
}

TEST_F(ContentStoreTest, AFolderIsListedForThoseWhoCanReadAPage) {
    folder_.write("files/sub/<&\"'>.txt", "x");
    folder_.write("files/sub/100%", "x");
    folder_.write("files/sub/.hidden", "x");
    folder_.write("files/sub/below/x", "x");
    const auto page = store_.open(ContentRoot::files, "sub", at_seconds(0), {.listing = true});
    ASSERT_TRUE(page);
    const std::string text{as_text((*page)->bytes)};
    EXPECT_EQ((*page)->type, "text/html; charset=utf-8");
    EXPECT_EQ((*page)->etag, "");
    EXPECT_NE(text.find("<a href=\"/files/sub/deep\">deep</a></td><td>4</td>"), std::string::npos)
        << text;
    EXPECT_NE(text.find("href=\"/files/sub/%3C%26%22%27%3E.txt\">&lt;&amp;&quot;'&gt;.txt<"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("href=\"/files/sub/100%25\">"), std::string::npos);
    EXPECT_LT(text.find("below/</a>"), text.find("deep</a>")) << "folders first";
    EXPECT_EQ(text.find("hidden"), std::string::npos);
    EXPECT_EQ(error("sub"), OpenError::not_found) << "a loader asked";
    EXPECT_TRUE(store_.open(ContentRoot::files, "", at_seconds(0), {.listing = true}));
    EXPECT_EQ(error(""), OpenError::not_found);
    std::filesystem::create_symlink("..", folder_.path() / "files/up");
    EXPECT_EQ(store_.open(ContentRoot::files, "up", at_seconds(0), {.listing = true}).error(),
              OpenError::forbidden);
}

// The tag must not depend on the inode: a second server with a copy answers the same.
TEST_F(ContentStoreTest, TheTagIsTheSameForACopyWithTheSameTime) {
    std::filesystem::copy(folder_.path() / "files/large", folder_.path() / "files/copy");
    std::filesystem::last_write_time(
        folder_.path() / "files/copy",
        std::filesystem::last_write_time(folder_.path() / "files/large"));
    const auto one = *store_.open(ContentRoot::files, "large", at_seconds(0));
    const auto two = *store_.open(ContentRoot::files, "copy", at_seconds(0));
    EXPECT_EQ(one->etag, two->etag);
    EXPECT_FALSE(one->etag.empty());
}

} // namespace
} // namespace muster
