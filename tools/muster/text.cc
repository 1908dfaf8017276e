// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/text.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace muster::cli {
namespace {

struct Decoded {
    char32_t code = 0;
    std::size_t length = 1;
    bool valid = false;
};

/// Reads the first code point of a non-empty text (RFC 3629 section 4: no overlong forms, no
/// surrogates, nothing past U+10FFFF).
Decoded decode(std::string_view text) {
    const auto byte = [&](std::size_t at) {
        return static_cast<unsigned char>(text[at]);
    };
    const unsigned char lead = byte(0);
    if (lead < 0x80) {
        return {.code = lead, .length = 1, .valid = true};
    }
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) {
        return {};
    }
    auto code = static_cast<char32_t>(lead & (0xFFU >> (length + 1)));
    for (std::size_t at = 1; at < length; ++at) {
        if ((byte(at) & 0xC0U) != 0x80) {
            return {};
        }
        code = (code << 6U) | (byte(at) & 0x3FU);
    }
    constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x1'0000};
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < smallest[length] || code > 0x10'FFFF || surrogate) {
        return {};
    }
    return {.code = code, .length = length, .valid = true};
}

struct Range {
    char32_t first;
    char32_t last;
};

template <std::size_t count>
bool is_in(char32_t code, const std::array<Range, count>& ranges) {
    return std::ranges::any_of(
        ranges, [&](const Range& range) { return range.first <= code && code <= range.last; });
}

constexpr std::array steering{Range{0x00, 0x1F}, Range{0x7F, 0x9F}, Range{0x200E, 0x200F},
                              Range{0x2028, 0x202E}, Range{0x2066, 0x2069}};
constexpr std::array narrow{Range{0x0300, 0x036F}, Range{0x200B, 0x200F}, Range{0xFE00, 0xFE0F}};
constexpr std::array wide{
    Range{0x1100, 0x115F}, Range{0x2E80, 0xA4CF},     Range{0xAC00, 0xD7A3},
    Range{0xF900, 0xFAFF}, Range{0xFE30, 0xFE6F},     Range{0xFF00, 0xFF60},
    Range{0xFFE0, 0xFFE6}, Range{0x1'F300, 0x1'FAFF}, Range{0x2'0000, 0x3'FFFD}};

std::size_t width_of(char32_t code) {
    if (is_in(code, narrow)) {
        return 0;
    }
    return is_in(code, wide) ? 2 : 1;
}

std::string cleaned(std::string_view text, bool keep_lines) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto [code, length, valid] = decode(text);
        const bool line = keep_lines && (code == '\n' || code == '\t');
        if (valid && (line || !is_in(code, steering))) {
            out.append(text.substr(0, length));
        } else {
            out.push_back('?');
        }
        text.remove_prefix(length);
    }
    return out;
}

} // namespace

std::string printable(std::string_view text) {
    return cleaned(text, false);
}

std::string printable_document(std::string_view text) {
    return cleaned(text, true);
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const auto [code, length, valid] = decode(text);
        width += valid ? width_of(code) : 1;
        text.remove_prefix(length);
    }
    return width;
}

std::string fit(std::string_view text, std::size_t width, const Glyphs& glyphs) {
    if (display_width(text) <= width) {
        return std::string{text};
    }
    const std::size_t mark = display_width(glyphs.ellipsis);
    if (width < mark) {
        return std::string(width, '.');
    }
    std::size_t taken = 0;
    std::size_t used = 0;
    while (taken < text.size()) {
        const auto [code, length, valid] = decode(text.substr(taken));
        const std::size_t more = valid ? width_of(code) : 1;
        if (used + more + mark > width) {
            break;
        }
        used += more;
        taken += length;
    }
    return std::string{text.substr(0, taken)} + std::string{glyphs.ellipsis};
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 6> units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        return fmt::format("{} B", bytes);
    }
    auto value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    // 1023.95 would print as 1024.0, which reads as the next unit.
    while (value >= 1023.95 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string age_text(std::chrono::milliseconds age) {
    const auto seconds = std::max<std::int64_t>(age.count(), 0) / 1000;
    if (seconds < 60) {
        return fmt::format("{}s", seconds);
    }
    if (seconds < 3600) {
        return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    }
    if (seconds < 86'400) {
        return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
    }
    return fmt::format("{}d{:02}h", seconds / 86'400, seconds / 3600 % 24);
}

std::string duration_text(std::chrono::milliseconds time) {
    return time < std::chrono::seconds{1} ? fmt::format("{}ms", time.count()) : age_text(time);
}

} // namespace muster::cli
