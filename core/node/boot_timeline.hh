// SPDX-License-Identifier: Apache-2.0
// When each step of one install attempt was first seen, and what it waited for meanwhile.
#pragma once

#include "core/base/time.hh"
#include "core/node/token.hh"

#include <algorithm>
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

/// What a boot waited for, as far as its server sees it. Where a client notes the same of itself
/// (ClientWait), the name is the same.
enum class BootWait : std::uint8_t {
    dhcp_collecting, ///< from the first OFFER to the REQUEST: the client collects offers
    dhcp_flush,      ///< from the REQUEST to the ACK: its lease is made durable
    dhcp_probe,      ///< for a conflict probe: always 0, none precedes an answer
    tftp_no_answer,  ///< an OACK or a window was sent, and had to be sent again
    governor,        ///< for its turn to load, because others load
};
inline constexpr std::array boot_waits = {BootWait::dhcp_collecting, BootWait::dhcp_flush,
                                          BootWait::dhcp_probe, BootWait::tftp_no_answer,
                                          BootWait::governor};

constexpr std::string_view to_text(BootWait wait) noexcept {
    constexpr std::array<std::string_view, boot_waits.size()> names = {
        "dhcp_collecting", "dhcp_flush", "dhcp_probe", "tftp_no_answer", "governor"};
    return names[static_cast<std::size_t>(wait)];
}

/// One attempt. The first mark of a kind counts: the time a machine needed from power-on.
struct BootTimeline {
    std::uint32_t attempt = 0;
    Token token;                                     ///< so that a late report can be attributed
    std::array<UnixTime, boot_marks.size()> marks{}; ///< 0: not seen
    std::array<Duration, boot_waits.size()> waited{};

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
    [[nodiscard]] Duration waited_for(BootWait wait) const noexcept {
        return waited[static_cast<std::size_t>(wait)];
    }
    /// Adds to the cause; what is negative counts nothing, and no sum passes `waited_max`.
    void add(BootWait wait, Duration time) noexcept {
        Duration& sum = waited[static_cast<std::size_t>(wait)];
        sum = std::min(sum + std::clamp(time, Duration{}, waited_max), waited_max);
    }
    static constexpr Duration waited_max = std::chrono::hours{24 * 365};

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
