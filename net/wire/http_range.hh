// SPDX-License-Identifier: Apache-2.0
// Byte ranges: one is what GRUB (seeking), UEFI firmware (resuming) and installers ask for; tools
// that fetch an image by its changed blocks (zsync, casync) ask for several at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace muster {

/// One range of a Range field; numbers that pass 64 bits are held at the largest one.
struct HttpRange {
    std::optional<std::uint64_t> first; ///< empty: the last `last` bytes (a suffix)
    std::optional<std::uint64_t> last;  ///< inclusive; empty: to the end
};

/// Part of a content.
struct ByteRange {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;

    friend constexpr bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// Ranges of one request. Who asks for more gets the whole: RFC 9110 section 14.2 lets a server do
/// so, and a part costs about a hundred bytes of head and a send.
inline constexpr std::size_t http_ranges_max = 16;

/// Reads the value of a Range field.
///
/// Returns: empty for everything that is to be answered with the whole content: another unit, more
///          than http_ranges_max ranges, a last byte before the first, bytes that do not parse.
/// Source:  RFC 9110 sections 14.1.1 and 14.2.
[[nodiscard]] std::vector<HttpRange> read_http_ranges(std::string_view field);

/// The bytes of a content of `size` that a range selects; nullopt: not satisfiable.
///
/// A suffix of an empty content is satisfiable and selects nothing; the caller answers 200, since
/// Content-Range has no way to say "nothing".
/// Source:  RFC 9110 section 14.1.2.
[[nodiscard]] std::optional<ByteRange> select_range(const HttpRange& range,
                                                    std::uint64_t size) noexcept;

/// What all of them select, in the order asked; ranges that overlap or touch become one, so that no
/// byte goes out twice however a client words its wishes. Empty: nothing is satisfiable, answer
/// 416. A single range of size 0 means what select_range() says of it.
///
/// Source:  RFC 9110 sections 14.2 and 15.3.7.2.
[[nodiscard]] std::vector<ByteRange> select_ranges(const std::vector<HttpRange>& ranges,
                                                   std::uint64_t size);

} // namespace muster
