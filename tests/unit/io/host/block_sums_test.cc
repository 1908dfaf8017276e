// SPDX-License-Identifier: Apache-2.0
#include "io/host/block_sums.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

ContentRef content_of(std::size_t size, char fill) {
    std::string text(size, fill);
    for (std::size_t i = 0; i < size; i += 101) {
        text[i] = static_cast<char>(i);
    }
    return std::make_shared<const TextContent>(std::move(text), "text/plain");
}

Bytes block_of(const Content& content, std::uint16_t blksize, std::uint64_t block) {
    const Bytes rest = content.bytes.subspan((block - 1) * blksize);
    return rest.first(std::min<std::size_t>(rest.size(), blksize));
}

TEST(BlockSums, AreThoseOfTheBlocksAndAreComputedOnce) {
    BlockSums cache;
    const ContentRef content = content_of(200'000, 'a');
    for (int round = 0; round < 2; ++round) {
        const auto sums = cache.of(content, 1468);
        ASSERT_EQ(sums.size(), 200'000U / 1468 + 1);
        for (std::uint64_t block = 1; block <= sums.size(); ++block) {
            EXPECT_EQ(sums[block - 1] != 0, round == 1) << block;
            const Bytes data = block_of(*content, 1468, block);
            EXPECT_EQ(BlockSums::sum(sums, block, data), ones_complement_sum(data));
            // What is known is not looked at again.
            EXPECT_EQ(BlockSums::sum(sums, block, {}), ones_complement_sum(data));
        }
    }
    EXPECT_EQ(cache.of(content, 512)[0], 0) << "of other blocks they are others";
}

TEST(BlockSums, ABlockOfZerosIsKnownToo) {
    BlockSums cache;
    const ContentRef content =
        std::make_shared<const TextContent>(std::string(100'000, '\0'), "text/plain");
    const auto sums = cache.of(content, 1000);
    EXPECT_EQ(BlockSums::sum(sums, 1, block_of(*content, 1000, 1)) % 0xFFFF, 0U);
    EXPECT_NE(sums[0], 0);
}

TEST(BlockSums, SmallContentsAreNotRemembered) {
    BlockSums cache;
    const ContentRef content = content_of(BlockSums::content_min - 1, 'a');
    EXPECT_TRUE(cache.of(content, 512).empty());
    EXPECT_TRUE(cache.of(nullptr, 512).empty());
    const Bytes data = block_of(*content, 512, 3);
    EXPECT_EQ(BlockSums::sum({}, 3, data), ones_complement_sum(data));
}

TEST(BlockSums, AContentThatIsGoneLeavesNothingToItsAddress) {
    BlockSums cache;
    // Placed where the first one was, as an allocator would do.
    alignas(TextContent) std::array<std::byte, sizeof(TextContent)> room{};
    const auto make = [&](char fill) {
        return std::shared_ptr<const TextContent>{
            new (room.data()) TextContent(std::string(100'000, fill), "text/plain"),
            [](const TextContent* gone) {
                gone->~TextContent();
            }};
    };
    ContentRef content = make('a');
    (void)BlockSums::sum(cache.of(content, 1000), 1, block_of(*content, 1000, 1));
    content.reset();
    content = make('b');
    EXPECT_EQ(cache.of(content, 1000)[0], 0);
}

TEST(BlockSums, TheOneThatWasNotUsedForLongestMakesRoom) {
    BlockSums cache;
    std::vector<ContentRef> contents;
    for (std::size_t i = 0; i <= BlockSums::contents_max; ++i) {
        contents.push_back(content_of(100'000, 'a'));
        (void)BlockSums::sum(cache.of(contents[i], 1000), 1, block_of(*contents[i], 1000, 1));
        EXPECT_NE(cache.of(contents[0], 1000)[0], 0) << "the first is in use";
    }
    EXPECT_NE(cache.of(contents.back(), 1000)[0], 0);
    EXPECT_EQ(cache.of(contents[1], 1000)[0], 0);
}

} // namespace
} // namespace muster::test
