// SPDX-License-Identifier: Apache-2.0
// ICMP echo: the question whether an address is in use, and the answer.
#pragma once

#include "core/base/byte_writer.hh"

#include <optional>

namespace muster {

struct IcmpEcho {
    bool reply = false;
    std::uint16_t identifier = 0;
    std::uint16_t sequence = 0;
    Bytes data; ///< borrows the message
};

/// Nullopt: another message, too short, or damaged. Source: RFC 792 (Echo); RFC 1071.
[[nodiscard]] std::optional<IcmpEcho> read_icmp_echo(Bytes message) noexcept;

/// Writes the message. Returns: its size, 0 when it does not fit.
[[nodiscard]] std::size_t write_icmp_echo(MutableBytes out, const IcmpEcho& echo) noexcept;

} // namespace muster
