// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/sockets.hh"

#include "io/host/packet_offload.hh"
#include "io/host/sockets.hh"

#include <algorithm>

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
    constexpr const char* dhcp = "DHCP (--dhcp-port)";
    // DPDK has no socket of IPv4, and an interface without an address needs none.
    const bool ipv4 = options.backend != "dpdk" && !interface.address.is_unspecified();
    if (ipv4 && options.dhcp == "server") {
        DhcpSockets both;
        MUSTER_PLACE(both, open_dhcp_sockets(interface, options.dhcp_port, dhcp));
        sockets.dhcp = std::move(both.first);
        sockets.dhcp_discovers = std::move(both.discovers);
    } else if (ipv4 && options.dhcp == "proxy") {
        MUSTER_PLACE(sockets.dhcp, open_broadcast_socket(interface, options.dhcp_port, dhcp));
    }
    if (ipv4 && options.dhcp == "proxy") {
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

/// `needed`: what cannot be opened is an error, and not a warning.
Result<void, SysError> open_ipv6(const Options& options, const InterfaceInfo& interface, bool first,
                                 bool shared, bool needed, InterfaceSockets& sockets,
                                 std::vector<std::string>& warnings) {
    if (interface.link_local == Ipv6Address{}) {
        if (needed && first) {
            warnings.push_back("IPv6 is off on " + interface.name + ": no DHCPv6 there");
        }
        return {};
    }
    const auto place = [&](Fd& target, Result<Fd, SysError> opened) -> Result<void, SysError> {
        if (opened) {
            target = std::move(*opened);
        } else if (needed) {
            return std::unexpected(opened.error());
        } else if (first) { // and not once more for each worker
            warnings.push_back(opened.error().text() + "; not served there");
        }
        return {};
    };
    Result<void, SysError> opened;
    if (first && options.dhcp == "server" && options.dhcp6) {
        opened = place(sockets.dhcp6,
                       open_dhcp6_socket(interface, options.dhcp6_port, "DHCPv6 (--dhcp6-port)"));
    }
    if (opened && options.tftp) {
        opened = place(sockets.tftp6, open_udp_socket_of(interface, options.tftp_port, shared,
                                                         "TFTP (--tftp-port)"));
    }
    if (opened && options.http) {
        opened = place(sockets.http6, open_ipv6_listener(interface, options.http_port, shared,
                                                         "HTTP (--http-port)"));
    }
    if (opened && options.https_port) {
        opened = place(sockets.https6, open_ipv6_listener(interface, *options.https_port, shared,
                                                          "HTTPS (--https-port)"));
    }
    return opened;
}

Result<InterfaceSockets, SysError> open_interface(const Options& options,
                                                  const InterfaceInfo& interface, bool first,
                                                  bool shared, bool ipv6,
                                                  std::vector<std::string>& warnings) {
    InterfaceSockets sockets;
    sockets.interface = interface.index;
    if (auto opened = open_ipv6(options, interface, first, shared, ipv6, sockets, warnings);
        !opened) {
        return std::unexpected(opened.error());
    }
    if (first) {
        if (auto opened = open_dhcp(options, interface, sockets, warnings); !opened) {
            return std::unexpected(opened.error());
        }
        sockets.single_packets = sends_single_packets(interface.name);
    }
    if (interface.address.is_unspecified()) {
        if (!ipv6) {
            return std::unexpected(SysError{"interface " + interface.name +
                                                " has no IPv4 address, and the site has no IPv6 "
                                                "subnet",
                                            EADDRNOTAVAIL});
        }
        if (first) {
            warnings.push_back(interface.name + " has no IPv4 address: only IPv6 is served there");
        }
        return sockets;
    }
    if (options.tftp && options.backend != "dpdk") {
        MUSTER_PLACE(sockets.tftp, open_udp_socket(interface.address, options.tftp_port, shared,
                                                   "TFTP (--tftp-port)"));
        set_multicast_ttl(sockets.tftp.get(), options.tftp_multicast_ttl);
    }
    if (options.http) {
        MUSTER_PLACE(sockets.http, open_listener(interface.address, options.http_port, shared,
                                                 "HTTP (--http-port)"));
    }
    if (options.https_port) {
        MUSTER_PLACE(sockets.https, open_listener(interface.address, *options.https_port, shared,
                                                  "HTTPS (--https-port)"));
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
        const bool by_port = options.backend == "dpdk";
        if (i == 0 && options.dhcp != "off" && !by_port) {
            MUSTER_PLACE(all[i].packet, open_packet_socket());
        }
        const bool kernel_has_arp = !by_port || options.dpdk_split == "xdp";
        if (i == 0 && options.dhcp == "server" && kernel_has_arp) {
            MUSTER_PLACE(all[i].probes, ProbeSockets::open(interfaces));
        }
        for (std::uint8_t k = 0; options.tftp && k < tftp_transfer_sockets; ++k) {
            if (!by_port) {
                all[i].tftp_transfers.emplace_back();
                MUSTER_PLACE(all[i].tftp_transfers.back(),
                             open_udp_socket(Ipv4Address{}, 0, false, "TFTP transfers"));
                set_multicast_ttl(all[i].tftp_transfers.back().get(), options.tftp_multicast_ttl);
            }
            const bool tftp6 = std::any_of(all[i].interfaces.begin(), all[i].interfaces.end(),
                                           [](const auto& of) { return of.tftp6.valid(); });
            if (tftp6) {
                all[i].tftp_transfers6.emplace_back();
                MUSTER_PLACE(all[i].tftp_transfers6.back(),
                             open_udp_socket(Ipv6Address{}, 0, false, "TFTP transfers, IPv6"));
            }
        }
    }
    return all;
}
#undef MUSTER_PLACE

} // namespace muster
