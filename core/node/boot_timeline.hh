// SPDX-License-Identifier: Apache-2.0
// When each step of one install attempt was first seen.
#pragma once

#include "core/base/time.hh"
#include "core/node/token.hh"

#include <array>
#include <cstddef>
#include <string_view>

namespace muster {

enum class BootMark : std::uint8_t { offer, loader, script, kernel, answers, started, installed };
inline constexpr std::array boot_marks = {
    BootMark::offer,   BootMark::loader,  BootMark::script,    BootMark::kernel,
    BootMark::answers, BootMark::started, BootMark::installed,
};

constexpr std::string_view to_text(BootMark mark) noexcept {
    constexpr std::array<std::string_view, boot_marks.size()> names = {
        "offer", "loader", "script", "kernel", "answers", "started", "installed"};
    return names[static_cast<std::size_t>(mark)];
}

/// One attempt. The first mark of a kind counts: the time a machine needed from power-on.
struct BootTimeline {
    std::uint32_t attempt = 0;
    Token token;                                     ///< so that a late report can be attributed
    std::array<UnixTime, boot_marks.size()> marks{}; ///< 0: not seen

    friend bool operator==(const BootTimeline&, const BootTimeline&) = default;

    [[nodiscard]] UnixTime at(BootMark mark) const noexcept {
        return marks[static_cast<std::size_t>(mark)];
    }
    /// False when the mark was there already.
    bool set(BootMark mark, UnixTime at) noexcept {
        UnixTime& place = marks[static_cast<std::size_t>(mark)];
        if (place != UnixTime{}) {
            return false;
        }
        place = at;
        return true;
    }
    /// The earliest mark: what the others are counted from.
    [[nodiscard]] UnixTime begin() const noexcept {
        UnixTime first;
        for (const UnixTime mark : marks) {
            if (mark != UnixTime{} && (first == UnixTime{} || mark < first)) {
                first = mark;
            }
        }
        return first;
    }
};

} // namespace muster
