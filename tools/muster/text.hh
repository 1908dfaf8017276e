// SPDX-License-Identifier: Apache-2.0
// Text for a terminal: what is safe to print, how wide it is, and how numbers read best.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace muster::cli {

/// The characters a terminal can show beyond ASCII, or what stands for them.
struct Glyphs {
    std::string_view ellipsis; ///< ends a text that was cut
    std::string_view full;     ///< one filled cell of a bar
    std::string_view empty;    ///< one empty cell of a bar

    static constexpr Glyphs unicode() noexcept { return {"…", "█", "░"}; }
    static constexpr Glyphs ascii() noexcept { return {"...", "#", "."}; }
};

/// The text with everything that could steer a terminal (C0, C1, DEL, bidirectional controls) or
/// is no UTF-8 replaced by `?`. Messages come from installers, so from anyone on the segment.
[[nodiscard]] std::string printable(std::string_view text);

/// The same, but line feeds and tabs stay: for whole documents.
[[nodiscard]] std::string printable_document(std::string_view text);

/// Units:   terminal cells: 2 for East Asian wide characters and emoji, 0 for combining marks.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// The text if it is at most `width` cells wide, else its beginning and an ellipsis, together at
/// most `width` cells wide.
[[nodiscard]] std::string fit(std::string_view text, std::size_t width, const Glyphs& glyphs);

/// `0 B`, `999 B`, `1.0 KiB`, `12.3 MiB`.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

/// `0s`, `59s`, `1m00s`, `2h05m`, `3d04h`: an age at a glance. Less than nothing reads as `0s`.
[[nodiscard]] std::string age_text(std::chrono::milliseconds age);

/// `300ms`, else as age_text(): a time that somebody chose.
[[nodiscard]] std::string duration_text(std::chrono::milliseconds time);

} // namespace muster::cli
