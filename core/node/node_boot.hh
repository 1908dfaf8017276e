// SPDX-License-Identifier: Apache-2.0
// What the DHCP server must know of a machine to answer its network boot.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"

#include <array>
#include <optional>
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
};

/// Sent by control to worker 0 whenever it changes; small and copyable.
struct NodeBoot {
    MacAddress mac{};
    BootAction action = BootAction::install;
    LoaderChoice loader = LoaderChoice::automatic;
    bool removed = false;                  ///< forget this machine: the default applies again
    std::optional<Ipv4Address> reserved{}; ///< its reservation
    std::array<char, 64> name{};           ///< node name, NUL-padded: its option 12

    friend bool operator==(const NodeBoot&, const NodeBoot&) = default;
};

} // namespace muster
