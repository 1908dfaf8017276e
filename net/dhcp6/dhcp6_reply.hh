// SPDX-License-Identifier: Apache-2.0
// What a DHCPv6 reply says: a value, and the bytes that it becomes.
#pragma once

#include "core/site/dhcp_plan.hh"
#include "net/dhcp/boot_file.hh"
#include "net/dhcp/option_layers.hh"
#include "net/wire/dhcp6_message.hh"

namespace muster {

/// Borrows all that it names until it is written.
struct Dhcp6Reply {
    const Dhcp6Message& request;
    const DhcpClientIdentity& client;
    Bytes server_id;
    Dhcp6MessageType type = Dhcp6MessageType::reply;
    const Subnet6Plan* subnet = nullptr; ///< null: nothing of its configuration is told
    Ipv6Address server_address{};        ///< name server where the subnet has none
    std::optional<BootFile> boot_file{};
    const OptionLayers* options = nullptr; ///< what the site sets; null: nothing
    std::optional<Dhcp6Status> status{};   ///< of the message
    std::string_view status_text{};

    /// The address that the first IA_NA gets; the other associations get none.
    std::optional<Ipv6Address> address{};
    std::uint32_t lease_s = 0; ///< valid lifetime
    /// What the associations are told that get no address; success: they are left out.
    Dhcp6Status ia_status = Dhcp6Status::no_addrs_avail;
    /// Addresses that they name are sent back with lifetimes of 0: not to be used any more.
    bool revoke = false;
    /// Every association is answered with `ia_status`, the first too (RELEASE, DECLINE).
    bool ia_status_for_all = false;
};

struct WrittenReply6 {
    std::size_t size = 0;         ///< 0: no room
    std::size_t lease_offset = 0; ///< of T1 in the IA_NA, for patch_lifetimes(); 0: no lease
};

[[nodiscard]] WrittenReply6 write_reply6(const Dhcp6Reply& reply, MutableBytes buffer) noexcept;

/// Sets the times of a lease already written.
void patch_lifetimes(MutableBytes message, std::size_t lease_offset,
                     std::uint32_t lease_s) noexcept;

} // namespace muster
