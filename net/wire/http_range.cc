// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_range.hh"

#include "net/wire/http_text.hh"

#include <algorithm>

namespace muster {
namespace {

std::optional<HttpRange> read_range(std::string_view range) noexcept {
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

constexpr bool touch(const ByteRange& a, const ByteRange& b) noexcept {
    return a.offset <= b.offset + b.size && b.offset <= a.offset + a.size;
}

} // namespace

std::vector<HttpRange> read_http_ranges(std::string_view field) {
    constexpr std::string_view unit = "bytes=";
    std::vector<HttpRange> ranges;
    if (field.size() < unit.size() || !equal_ignoring_case(field.substr(0, unit.size()), unit)) {
        return ranges;
    }
    bool readable = true;
    for_each_element(field.substr(unit.size()), [&](std::string_view element) {
        const auto range = read_range(element);
        readable = readable && range && ranges.size() < http_ranges_max;
        if (readable) {
            ranges.push_back(*range);
        }
    });
    if (!readable) {
        ranges.clear();
    }
    return ranges;
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

std::vector<ByteRange> select_ranges(const std::vector<HttpRange>& ranges, std::uint64_t size) {
    std::vector<ByteRange> selected;
    for (const HttpRange& range : ranges) {
        auto part = select_range(range, size);
        if (!part) {
            continue;
        }
        // It may bridge parts that were apart until now: each one that it touches is taken in.
        std::size_t place = selected.size();
        for (std::size_t i = 0; i < selected.size();) {
            const ByteRange other = selected[i];
            if (!touch(*part, other)) {
                ++i;
                continue;
            }
            const std::uint64_t begin = std::min(part->offset, other.offset);
            const std::uint64_t end =
                std::max(part->offset + part->size, other.offset + other.size);
            *part = {.offset = begin, .size = end - begin};
            selected.erase(selected.begin() + static_cast<std::ptrdiff_t>(i));
            place = std::min(place, i);
            i = 0; // the grown part may touch an earlier one
        }
        selected.insert(selected.begin() + static_cast<std::ptrdiff_t>(place), *part);
    }
    return selected;
}

} // namespace muster
