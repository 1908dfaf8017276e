// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/sockets.hh"

#include "io/host/sockets.hh"

namespace muster {
namespace {

/// Moves an opened socket into its place, or returns the error.
#define MUSTER_PLACE(target, opening)                                                              \
    do {                                                                                           \
        auto opened = (opening);                                                                   \
        if (!opened) {                                                                             \
            return std::unexpected(opened.error());                                                \
        }                                                                                          \
        (target) = std::move(*opened);                                                             \
    } while (false)

Result<void, SysError> open_dhcp(const Options& options, const InterfaceInfo& interface,
                                 InterfaceSockets& sockets, std::vector<std::string>& warnings) {
    if (options.dhcp != "off") {
        MUSTER_PLACE(sockets.dhcp,
                     open_broadcast_socket(interface, options.dhcp_port, "DHCP (--dhcp-port)"));
    }
    if (options.dhcp == "proxy") {
        MUSTER_PLACE(sockets.pxe,
                     open_broadcast_socket(interface, options.pxe_port, "PXE (--pxe-port)"));
    }
    if (!options.router_advertisements || options.dhcp == "off") {
        return {};
    }
    if (interface.link_local == Ipv6Address{}) {
        warnings.push_back("IPv6 is off on " + interface.name +
                           ": no router advertisements there, and iPXE waits for them");
        return {};
    }
    MUSTER_PLACE(sockets.icmpv6, open_icmpv6_socket(interface));
    return {};
}

Result<void, SysError> open_ipv6(const Options& options, const InterfaceInfo& interface, bool first,
                                 bool shared, InterfaceSockets& sockets) {
    if (first && options.dhcp == "server" && options.dhcp6) {
        MUSTER_PLACE(sockets.dhcp6,
                     open_dhcp6_socket(interface, options.dhcp6_port, "DHCPv6 (--dhcp6-port)"));
    }
    if (options.tftp) {
        MUSTER_PLACE(sockets.tftp6,
                     open_udp_socket(Ipv6Address{}, options.tftp_port, shared,
                                     "TFTP over IPv6 (--tftp-port)", interface.name));
    }
    if (options.http) {
        MUSTER_PLACE(sockets.http6, open_listener(Ipv6Address{}, options.http_port, shared,
                                                  "HTTP over IPv6 (--http-port)", interface.name));
    }
    return {};
}

Result<InterfaceSockets, SysError> open_interface(const Options& options,
                                                  const InterfaceInfo& interface, bool first,
                                                  bool shared, bool ipv6,
                                                  std::vector<std::string>& warnings) {
    InterfaceSockets sockets;
    if (!interface.link_local.is_unspecified()) {
        if (auto opened = open_ipv6(options, interface, first, shared, sockets); !opened) {
            if (ipv6) {
                return std::unexpected(opened.error());
            }
            warnings.push_back(opened.error().text() + "; not served there");
        }
    } else if (ipv6 && first) {
        warnings.push_back("IPv6 is off on " + interface.name + ": no DHCPv6 there");
    }
    sockets.interface = interface.index;
    if (first) {
        if (auto opened = open_dhcp(options, interface, sockets, warnings); !opened) {
            return std::unexpected(opened.error());
        }
    }
    if (options.tftp) {
        MUSTER_PLACE(sockets.tftp, open_udp_socket(interface.address, options.tftp_port, shared,
                                                   "TFTP (--tftp-port)"));
    }
    if (options.http) {
        MUSTER_PLACE(sockets.http, open_listener(interface.address, options.http_port, shared,
                                                 "HTTP (--http-port)"));
    }
    return sockets;
}

} // namespace

Result<std::vector<WorkerSockets>, SysError>
open_sockets(const Options& options, const std::vector<InterfaceInfo>& interfaces, unsigned workers,
             bool ipv6, std::vector<std::string>& warnings) {
    std::vector<WorkerSockets> all(workers);
    // Ports are taken exclusively first and shared only when several workers need them: another
    // server on the port is then an error and not a silent rival.
    const bool shared = workers > 1;
    for (unsigned i = 0; i < workers; ++i) {
        for (const InterfaceInfo& interface : interfaces) {
            auto sockets = open_interface(options, interface, i == 0, shared, ipv6, warnings);
            if (!sockets) {
                return std::unexpected(sockets.error());
            }
            all[i].interfaces.push_back(std::move(*sockets));
        }
        if (i == 0 && options.dhcp != "off") {
            MUSTER_PLACE(all[i].packet, open_packet_socket());
        }
        for (std::uint8_t k = 0; options.tftp && k < tftp_transfer_sockets; ++k) {
            all[i].tftp_transfers.emplace_back();
            MUSTER_PLACE(all[i].tftp_transfers.back(),
                         open_udp_socket(Ipv4Address{}, 0, false, "TFTP transfers"));
        }
        for (std::uint8_t k = 0; options.tftp && k < tftp_transfer_sockets; ++k) {
            auto opened = open_udp_socket(Ipv6Address{}, 0, false, "TFTP transfers over IPv6");
            if (opened) {
                all[i].tftp_transfers6.push_back(std::move(*opened));
            } else if (ipv6) {
                return std::unexpected(opened.error());
            }
        }
    }
    return all;
}
#undef MUSTER_PLACE

} // namespace muster
