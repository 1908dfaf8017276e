// SPDX-License-Identifier: Apache-2.0
// The form of a reply: which options a client gets, in which order, within which size.
#pragma once

#include "core/site/dhcp_plan.hh"
#include "net/dhcp/boot_file.hh"
#include "net/dhcp/option_layers.hh"

namespace muster {

/// What a reply says; borrows everything for the call.
struct DhcpReply {
    const DhcpMessage& request;
    const DhcpClientIdentity& client;
    DhcpMessageType type = DhcpMessageType::offer; ///< 0: a BOOTP reply
    Ipv4Address yiaddr;                            ///< unspecified in the answer to an INFORM
    Ipv4Address server_identifier;                 ///< option 54
    Ipv4Address server_address;         ///< siaddr and option 66; name server if there is no other
    const SubnetPlan* subnet = nullptr; ///< null in a NAK
    std::optional<std::uint32_t> lease_s;
    std::optional<BootFile> boot_file{};
    std::string_view node_name{};          ///< option 12; empty: none
    const OptionLayers* options = nullptr; ///< what the site sets; null: nothing
    bool proxy = false; ///< beside another server: where to boot from, and nothing else
};

struct WrittenReply {
    std::size_t size = 0;
    std::size_t lease_offset = 0; ///< where options 51, 58, 59 stand; 0: there are none
};

/// Writes the reply into `buffer`, which has dhcp_message_size_max bytes: at least 300 bytes, at
/// most what option 57 allows, never above 1472.
///
/// `siaddr` is always set (GRUB takes its server from there), the boot file stands in the header
/// and, when asked for, in options 66 and 67 with a NUL each; options asked for come in the order
/// of option 55, what must be there follows; option 82 comes last. No option overload: iPXE does
/// not understand it. What the site sets goes before what is known here, except for what makes a
/// boot client boot; options above 255 bytes are split for systems only (RFC 3396), since ROMs do
/// not join them.
///
/// A BOOTP client gets 300 bytes: the vendor area of RFC 951 has 64, the cookie among them.
/// Source: RFC 2131 sections 4.1, 4.3; RFC 2132 section 9; RFC 3046 section 2.2; RFC 6842;
///         PXE 2.1 section 2.2; RFC 1534 section 2; RFC 1542 section 2.1.
[[nodiscard]] WrittenReply write_reply(const DhcpReply& reply, MutableBytes buffer) noexcept;

/// Overwrites the times of a written reply: lease, renewal after half of it, rebinding after 7/8.
void patch_lease_time(MutableBytes message, std::size_t lease_offset,
                      std::uint32_t lease_s) noexcept;

} // namespace muster
