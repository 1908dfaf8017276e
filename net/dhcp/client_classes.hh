// SPDX-License-Identifier: Apache-2.0
// Which classes of the site a client is in.
#pragma once

#include "core/site/dhcp_plan.hh"
#include "net/dhcp/dhcp_client_identity.hh"
#include "net/wire/dhcp6_message.hh"

namespace muster {

/// Whether `text` is `pattern`, in which `*` stands for anything, also for nothing.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view text) noexcept;

/// The classes that the sender of `message` is in.
/// Cost: nothing when the site has none; else a comparison per value of each class.
[[nodiscard]] ClassMask find_classes(std::span<const ClientClass> classes,
                                     const DhcpMessage& message,
                                     const DhcpClientIdentity& client) noexcept;
[[nodiscard]] ClassMask find_classes(std::span<const ClientClass> classes,
                                     const Dhcp6Message& message, const MacAddress& mac,
                                     const DhcpClientIdentity& client) noexcept;

} // namespace muster
