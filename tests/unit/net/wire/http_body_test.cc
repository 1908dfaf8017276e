// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_body.hh"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace muster {
namespace {

struct Outcome {
    std::string content;
    std::string error; ///< empty: none
    bool done = false;
    std::size_t used = 0;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Feeds `text` in pieces of the given sizes, the last size repeated.
Outcome feed(HttpBodyReader reader, std::string_view text, const std::vector<std::size_t>& cuts) {
    Outcome outcome;
    std::size_t cut = 0;
    while (!text.empty() && !reader.done()) {
        const std::size_t size = std::min(text.size(), cuts[std::min(cut++, cuts.size() - 1)]);
        Bytes piece = as_bytes(text.substr(0, size));
        text.remove_prefix(size);
        while (!piece.empty() && !reader.done()) {
            const auto step = reader.read(piece);
            if (!step) {
                outcome.error = describe(step.error()).name;
                return outcome;
            }
            EXPECT_GT(step->used, 0U);
            outcome.used += step->used;
            outcome.content += as_text(step->content);
            piece = piece.subspan(step->used);
        }
    }
    outcome.done = reader.done();
    return outcome;
}

/// Whole; the same byte by byte and in random cuts, which must not differ. What was used before
/// an error may: it is refused either way.
Outcome feed_every_way(const HttpBodyReader& reader, std::string_view text) {
    Outcome whole = feed(reader, text, {text.size()});
    std::mt19937 random{42}; // NOLINT(cert-msc51-cpp): a fixed seed is the point
    std::vector<std::vector<std::size_t>> ways{{1}};
    for (int i = 0; i < 20; ++i) {
        std::vector<std::size_t> cuts;
        for (int k = 0; k < 40; ++k) {
            cuts.push_back(1 + random() % 9);
        }
        ways.push_back(std::move(cuts));
    }
    for (const auto& cuts : ways) {
        Outcome other = feed(reader, text, cuts);
        EXPECT_EQ(other.error, whole.error) << text;
        if (whole.error.empty()) {
            EXPECT_EQ(other, whole) << text;
        }
    }
    return whole;
}

Outcome chunks(std::string_view text, std::uint64_t max = 1000) {
    return feed_every_way(HttpBodyReader::of_chunks(max), text);
}

TEST(HttpBody, OfNoBytesIsDone) {
    EXPECT_TRUE(HttpBodyReader{}.done());
    EXPECT_TRUE(HttpBodyReader::of_length(0).done());
    EXPECT_FALSE(HttpBodyReader::of_chunks(0).done());
}

TEST(HttpBody, ALengthIsTakenExactly) {
    for (std::size_t length = 1; length <= 40; ++length) {
        const std::string text(50, 'x');
        const Outcome got = feed_every_way(HttpBodyReader::of_length(length), text);
        EXPECT_TRUE(got.done);
        EXPECT_EQ(got.used, length);
        EXPECT_EQ(got.content.size(), length);
        const Outcome cut = feed_every_way(HttpBodyReader::of_length(length),
                                           std::string_view{text}.substr(0, length - 1));
        EXPECT_FALSE(cut.done);
    }
}

TEST(HttpBody, JoinsChunksAndStopsBehindThem) {
    const Outcome got = chunks("4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\nGET /");
    EXPECT_TRUE(got.done);
    EXPECT_EQ(got.content, "Wikipedia");
    EXPECT_EQ(got.used, 24U) << "the next request is not touched";
}

TEST(HttpBody, ReadsOverExtensionsAndTrailers) {
    EXPECT_EQ(chunks("4;a=b;c=\"d\"\r\nWiki\r\n0;x\r\nA: b\r\nC: d\r\n\r\n").content, "Wiki");
    EXPECT_TRUE(chunks("A \r\n0123456789\r\n000\r\n\r\n").done) << "blanks, leading zeros";
}

TEST(HttpBody, RefusesWhatIsNoChunk) {
    for (const char* text :
         {"\r\n", "x\r\n", "-1\r\n", " 4\r\n", "4\n", "4\rx", "0x4\r\n", "4\r\nWikiX",
          "4\r\nWiki\rX", "4\r\nWiki\n", "0\r\n\rX", "0\r\nA\n", "0\r\nA\rX", "0\r\n\x01",
          "4;\x01\r\n", "4;a\n", ";a\r\n", "+4\r\n", "4 4\x7F"}) {
        EXPECT_EQ(chunks(text).error, "bad_chunk") << text;
    }
}

TEST(HttpBody, TakesAsMuchContentAsAllowedAndNotAByteMore) {
    for (std::uint64_t max = 0; max <= 20; ++max) {
        EXPECT_EQ(chunks("5\r\n12345\r\n6\r\n123456\r\n0\r\n\r\n", max).error,
                  max < 11 ? "body_too_large" : "")
            << max;
    }
    EXPECT_EQ(chunks("ffffffffffffffff\r\n").error, "body_too_large");
    EXPECT_EQ(chunks("10000000000000000\r\n").error, "body_too_large");
    EXPECT_EQ(chunks("ffffffffffffffff0\r\n", UINT64_MAX).error, "body_too_large") << "overflow";
}

TEST(HttpBody, BoundsTheLinesAroundTheChunks) {
    const auto size_line = [](std::size_t size) {
        return "0;" + std::string(size - 3, 'x') + "\r\n\r\n"; // `size` with its CR
    };
    EXPECT_TRUE(chunks(size_line(HttpBodyReader::chunk_line_bytes_max)).done);
    EXPECT_EQ(chunks(size_line(HttpBodyReader::chunk_line_bytes_max + 1)).error, "bad_chunk");
    const auto trailer = [](std::size_t size) {
        return "0\r\n" + std::string(size - 1, 'x') + "\r\n\r\n";
    };
    EXPECT_TRUE(chunks(trailer(HttpBodyReader::trailer_bytes_max)).done);
    EXPECT_EQ(chunks(trailer(HttpBodyReader::trailer_bytes_max + 1)).error, "trailer_too_large");
    // Not a line, but all of them together.
    std::string many = "0\r\n";
    for (std::size_t i = 0; i < HttpBodyReader::trailer_bytes_max; ++i) {
        many += "x\r\n";
    }
    EXPECT_EQ(chunks(many + "\r\n").error, "trailer_too_large");
    // A size line's bound starts anew with every chunk.
    std::string chunked;
    for (int i = 0; i < 300; ++i) {
        chunked += "1\r\nx\r\n";
    }
    EXPECT_EQ(chunks(chunked + "0\r\n\r\n").content.size(), 300U);
}

} // namespace
} // namespace muster
