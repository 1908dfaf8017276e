// SPDX-License-Identifier: Apache-2.0
// One thing that a machine did or was told on its way from power-on to an installed system.
#pragma once

#include "core/base/time.hh"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

enum class FlightKind : std::uint8_t {
    late,         ///< its first DHCP message of a boot says that it has asked before
    offer,        ///< a DHCP OFFER, or what a proxy offers
    ack,          ///< a DHCP ACK
    left_alone,   ///< a DHCP message that the site has us not answer
    other_server, ///< it took the offer of another DHCP server
    loader,       ///< a transfer of a boot loader
    payload,      ///< a transfer of the kernel or an initrd of its profile
    file,         ///< transfers of anything else
    script,       ///< it asked for its boot script, and got one
    wait,         ///< it asked for its boot script, and was told to wait
    answers,      ///< it asked for the answers of its installer
    report,       ///< what its installer reported
    refused,      ///< a token of an attempt that has ended
    power,        ///< it was switched on again, or reset: what it was at before
};
inline constexpr std::array<std::string_view, 14> flight_kind_names = {
    "late", "offer",  "ack",  "left-alone", "other-server", "loader",  "payload",
    "file", "script", "wait", "answers",    "report",       "refused", "power"};
constexpr std::string_view to_text(FlightKind kind) noexcept {
    return flight_kind_names[static_cast<std::size_t>(kind)];
}
constexpr std::optional<FlightKind> read_flight_kind(std::string_view text) noexcept {
    for (std::size_t i = 0; i < flight_kind_names.size(); ++i) {
        if (flight_kind_names[i] == text) {
            return static_cast<FlightKind>(i);
        }
    }
    return std::nullopt;
}

/// How the text of an offer ends to a machine whose architecture nothing here runs on.
inline constexpr std::string_view no_loader_text = ", and no loader that runs on it";

/// How a transfer stands; everything else is done when it is noted.
enum class FlightEnd : std::uint8_t { done, runs, broken_off };
constexpr std::string_view to_text(FlightEnd end) noexcept {
    constexpr std::array<std::string_view, 3> names = {"done", "runs", "broken-off"};
    return names[static_cast<std::size_t>(end)];
}

/// What repeats itself is one entry with a count.
struct FlightEntry {
    std::uint64_t id = 0;   ///< of the whole server, in the order in which entries began
    std::uint32_t boot = 0; ///< which network boot of the node, from 1; 0: before the first
    FlightKind kind{};
    FlightEnd end = FlightEnd::done;
    std::uint16_t open = 0; ///< transfers that run; not kept
    UnixTime at;            ///< when it began
    UnixTime last;          ///< when it was last so
    std::uint32_t count = 1;
    std::uint64_t bytes = 0; ///< of transfers
    std::string text;        ///< a few words; of a transfer the path, of `other_server` its address

    friend bool operator==(const FlightEntry&, const FlightEntry&) = default;
};

struct StoredFlight {
    std::string node; ///< name
    FlightEntry entry;
};

} // namespace muster
