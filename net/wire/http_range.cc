// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_range.hh"

#include "net/wire/http_text.hh"

#include <algorithm>

namespace muster {

std::optional<HttpRange> read_http_range(std::string_view field) noexcept {
    constexpr std::string_view unit = "bytes=";
    if (field.size() < unit.size() || !equal_ignoring_case(field.substr(0, unit.size()), unit)) {
        return std::nullopt;
    }
    const std::string_view range = field.substr(unit.size());
    const auto dash = range.find('-');
    if (dash == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view first = range.substr(0, dash);
    const std::string_view last = range.substr(dash + 1);
    HttpRange read{.first = read_decimal(first), .last = read_decimal(last)};
    if ((!first.empty() && !read.first) || (!last.empty() && !read.last) ||
        (!read.first && !read.last)) {
        return std::nullopt;
    }
    if (read.first && read.last && *read.last < *read.first) {
        return std::nullopt;
    }
    return read;
}

std::optional<ByteRange> select_range(const HttpRange& range, std::uint64_t size) noexcept {
    if (!range.first) {
        const std::uint64_t suffix = range.last.value_or(0);
        if (suffix == 0) {
            return std::nullopt;
        }
        const std::uint64_t count = std::min(suffix, size);
        return ByteRange{.offset = size - count, .size = count};
    }
    if (*range.first >= size) {
        return std::nullopt;
    }
    const std::uint64_t last = std::min(range.last.value_or(UINT64_MAX), size - 1);
    return ByteRange{.offset = *range.first, .size = last - *range.first + 1};
}

} // namespace muster
