// SPDX-License-Identifier: Apache-2.0
// A single byte range: what GRUB (seeking), UEFI firmware (resuming) and installers ask for.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace muster {

/// What a Range field asks for; numbers that pass 64 bits are held at the largest one.
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

/// Reads the value of a Range field.
///
/// Returns: nullopt for everything that is to be answered with the whole content: another unit,
///          several ranges (no boot client asks for them, and a multipart answer costs more than
///          it saves), a last byte before the first, bytes that do not parse.
/// Source:  RFC 9110 sections 14.1.1 and 14.2.
[[nodiscard]] std::optional<HttpRange> read_http_range(std::string_view field) noexcept;

/// The bytes of a content of `size` that a range selects; nullopt: not satisfiable, answer 416.
///
/// A suffix of an empty content is satisfiable and selects nothing; the caller answers 200, since
/// Content-Range has no way to say "nothing".
/// Source:  RFC 9110 section 14.1.2.
[[nodiscard]] std::optional<ByteRange> select_range(const HttpRange& range,
                                                    std::uint64_t size) noexcept;

} // namespace muster
