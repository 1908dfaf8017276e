// SPDX-License-Identifier: Apache-2.0
// ARP between Ethernet and IPv4 addresses.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/base/byte_writer.hh"
#include "core/base/result.hh"

#include <string_view>

namespace muster {

inline constexpr std::size_t arp_message_size = 28;

struct ArpMessage {
    enum class Operation : std::uint16_t { request = 1, reply = 2 };

    Operation operation{};
    MacAddress sender_mac;
    Ipv4Address sender; ///< unspecified: a probe (RFC 5227 section 2.1.1)
    MacAddress target_mac;
    Ipv4Address target;

    friend constexpr bool operator==(const ArpMessage&, const ArpMessage&) = default;
    /// Says who it is without being asked (RFC 5227 section 2.3).
    [[nodiscard]] constexpr bool is_announcement() const noexcept { return sender == target; }
};

/// Every way a message can be refused.
#define MUSTER_ARP_ERRORS(X)                                                                       \
    X(truncated_arp, "shorter than an ARP message of Ethernet and IPv4")                           \
    X(foreign_arp, "of another link or network layer, or another operation than request and "      \
                   "reply")

enum class ArpError : std::uint8_t {
#define X(name, text) name,
    MUSTER_ARP_ERRORS(X)
#undef X
};

/// Bytes behind the message (Ethernet padding) are left alone.
///
/// Errors:  see MUSTER_ARP_ERRORS
/// Source:  RFC 826
[[nodiscard]] Result<ArpMessage, ArpError> read_arp(Bytes message) noexcept;

/// Appends the message.
void write_arp(ByteWriter& writer, const ArpMessage& message) noexcept;

} // namespace muster
