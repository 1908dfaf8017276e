// SPDX-License-Identifier: Apache-2.0
// Which UDP port is which service's, for drivers that have no sockets to say so.
#pragma once

#include "core/port/datagram.hh"

#include <cstdint>
#include <optional>
#include <span>

namespace muster {

/// Ports `first` .. `first + count - 1`; the datagrams of the n-th carry `socket` n.
struct UdpPortRange {
    UdpService service{};
    std::uint16_t first = 0;
    std::uint16_t count = 1; ///< at most 256
};

/// The range that has the port; null: nobody listens there.
[[nodiscard]] inline const UdpPortRange* find_port(std::span<const UdpPortRange> ranges,
                                                   std::uint16_t port) noexcept {
    for (const UdpPortRange& range : ranges) {
        if (port >= range.first && port - range.first < range.count) {
            return &range;
        }
    }
    return nullptr;
}

/// The port that a datagram of that service and socket leaves from; nullopt: it has none.
[[nodiscard]] inline std::optional<std::uint16_t>
port_of(std::span<const UdpPortRange> ranges, UdpService service, std::uint8_t socket) noexcept {
    for (const UdpPortRange& range : ranges) {
        if (range.service == service && socket < range.count) {
            return static_cast<std::uint16_t>(range.first + socket);
        }
    }
    return std::nullopt;
}

} // namespace muster
