// SPDX-License-Identifier: Apache-2.0
// What kind of program sent a DHCP message, and what it can do.
#pragma once

#include "core/node/node_alias.hh"
#include "core/port/messages.hh"
#include "net/wire/dhcp_message.hh"

namespace muster {

/// What options 60, 61, 77, 82, 93, 97 and 175 say. Borrows the message.
struct DhcpClientIdentity {
    DhcpClientKind kind = DhcpClientKind::other;
    bool http = false; ///< an iPXE that fetches over HTTP
    /// Option 93, or the `Arch:` of option 60 where 93 is missing: u16 values, first choice first.
    std::array<std::uint16_t, 8> archs{};
    std::uint8_t arch_count = 0;
    std::optional<std::array<std::uint8_t, 16>> uuid; ///< option 97 of type 0, as on the wire
    Bytes machine_option;                             ///< option 97 when valid: to be echoed
    ShownIdentity shown;                              ///< what else a node can be known by

    /// A program whose next step is to fetch a boot file.
    [[nodiscard]] bool boots() const noexcept { return kind != DhcpClientKind::other; }
    [[nodiscard]] std::uint16_t first_arch() const noexcept {
        return arch_count == 0 ? std::uint16_t{0} : archs[0];
    }
};

/// Source: RFC 4578 sections 2, 3 (60, 93, 97); RFC 3004 (77, which iPXE sends as bare text);
///         ipxe.org/howto/dhcpd (175).
[[nodiscard]] DhcpClientIdentity identify_client(const DhcpMessage& message) noexcept;

} // namespace muster
