// SPDX-License-Identifier: Apache-2.0
// What the DHCP server must know of a machine to answer its network boot.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/site/dhcp_options.hh"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

/// What a network boot of the machine shall lead to.
enum class BootAction : std::uint8_t {
    install,    ///< hand it a loader; its boot script (rendered by the control) installs
    boot_local, ///< hand it a loader; its boot script leads on to its own disk
    hold,       ///< hand it a loader; its boot script waits and asks again
    ignore,     ///< no boot file, and no address for a ROM: the machine is somebody else's
};

/// Which loader a profile asks for.
enum class LoaderChoice : std::uint8_t {
    automatic, ///< `auto`: by client architecture
    ipxe,
    grub, ///< GRUB without shim
    pxelinux,
    shim_grub,
    /// What `auto` tries next when an attempt came no further than its loader: iPXE where that was
    /// shim and GRUB, PXELINUX where it was iPXE, PXE where it was HTTP boot.
    other_way,
};

/// Sent by control to worker 0 whenever it changes: one for each identity of a machine.
struct NodeBoot {
    MacAddress mac{};    ///< when `alias` is empty
    std::string alias{}; ///< another identity (NodeAlias); then `mac` means nothing
    /// The machine was seen with this `mac`, nobody listed it: what a node names by an alias that
    /// a message shows has precedence, for the machine may have been moved to another port.
    bool learned = false;
    BootAction action = BootAction::install;
    LoaderChoice loader = LoaderChoice::automatic;
    bool removed = false;                  ///< forget this machine: the default applies again
    std::optional<Ipv4Address> reserved{}; ///< its reservation
    std::optional<Ipv6Address> reserved6{};
    std::array<char, 64> name{}; ///< node name, NUL-padded: its option 12
    SharedDhcpOptions options{}; ///< the node's, then its profile's
    SharedDhcpOptions options6{};

    friend bool operator==(const NodeBoot&, const NodeBoot&) = default;
};

} // namespace muster
