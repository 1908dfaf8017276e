// SPDX-License-Identifier: Apache-2.0
// What a boot client reads out of an OFFER or ACK, and which OFFER it prefers.
#pragma once

#include "core/port/client.hh"
#include "net/wire/dhcp_message.hh"

#include <optional>
#include <span>
#include <string>

namespace muster {

/// What an exchange brought.
struct DhcpClientLease {
    Ipv4Address address{};
    Ipv4Address server{};      ///< option 54
    Ipv4Address next_server{}; ///< siaddr, or option 66 where it is an address, or the server
    /// The same of the DHCP server's own ACK, whatever a proxyDHCP server says: GRUB takes that.
    Ipv4Address dhcp_next_server{};
    Ipv4Address router{};
    Ipv4Address netmask{};
    std::uint32_t lease_s = 0;
    std::string boot_file{};    ///< option 67 or the `file` field, as this client prefers
    std::string path_prefix{};  ///< option 210: where PXELINUX finds its files (RFC 5071)
    std::string vendor_class{}; ///< option 60 of the answer
    bool from_proxy = false;    ///< next_server and boot_file came from a proxyDHCP server
};

/// An answer as far as it decides what the client does next.
struct DhcpClientOffer {
    DhcpClientLease lease;
    Ipv4Address source{};       ///< who sent it
    bool pxe = false;           ///< option 60 begins with PXEClient
    bool http = false;          ///< option 60 begins with HTTPClient
    bool discovery = false;     ///< option 43 holds a PXE sub-option of 6 to 10
    bool no_proxy_dhcp = false; ///< option 175.176: no proxyDHCP OFFER will follow (iPXE)
    /// Type of the first item of a boot menu (43.9), which a client without a person takes.
    std::optional<std::uint16_t> menu_type{};

    /// Without an address it is a proxyDHCP server's (PXE specification 2.1 section 2.2.3).
    [[nodiscard]] bool from_proxy() const noexcept { return lease.address.is_unspecified(); }
    [[nodiscard]] bool bootable() const noexcept { return !lease.boot_file.empty(); }
};

/// `file_first`: the `file` field wins over option 67.
[[nodiscard]] DhcpClientOffer read_dhcp_client_offer(const DhcpMessage& message,
                                                     const Endpoint& source, bool file_first);

/// The OFFERs that a client goes on with, as indices.
struct DhcpClientChoice {
    std::optional<std::size_t> offer; ///< whose address is requested; none: nothing is acceptable
    std::optional<std::size_t> proxy; ///< who says what to boot, if not the same
};

/// The first address, and the first proxyDHCP OFFER of a PXE server.
[[nodiscard]] DhcpClientChoice choose_first(std::span<const DhcpClientOffer> offers) noexcept;
/// EDK2's PXE client: a full PXE OFFER, then an address with a proxy's full PXE OFFER, then one
/// whose server has to be asked on port 4011, then an address with a boot file. One that leads to
/// no boot file is not taken.
/// Source: edk2 UefiPxeBcDxe, the order in which offers are selected.
[[nodiscard]] DhcpClientChoice choose_ranked(std::span<const DhcpClientOffer> offers) noexcept;
/// EDK2's HTTP boot: HTTPClient and a URL, from the DHCP server or a proxy.
[[nodiscard]] DhcpClientChoice choose_http(std::span<const DhcpClientOffer> offers) noexcept;

} // namespace muster
