// SPDX-License-Identifier: Apache-2.0
// IGMP, as far as a sender of multicast needs it: asking who is there, so that switches that listen
// keep their groups, and reading what others say.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/base/bytes.hh"
#include "core/base/time.hh"

#include <optional>

namespace muster {

inline constexpr std::size_t igmp_message_size = 8;

struct IgmpMessage {
    enum class Kind : std::uint8_t { query, report, leave };

    Kind kind{};
    Ipv4Address group; ///< unspecified: a general query, or a report of version 3
};

/// Nullopt: another message, too short, or damaged.
/// Source: RFC 1112 appendix I; RFC 2236 section 2; RFC 3376 section 4.
[[nodiscard]] std::optional<IgmpMessage> read_igmp(Bytes message) noexcept;

/// A general query of version 2, which hosts of every version understand. Returns: its size, 0 when
/// it does not fit. `response` is at most 25.5 s. Source: RFC 2236 section 2.
[[nodiscard]] std::size_t write_igmp_query(MutableBytes out, Duration response) noexcept;

} // namespace muster
