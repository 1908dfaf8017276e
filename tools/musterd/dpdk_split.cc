// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/dpdk_split.hh"

#include "io/dpdk/xdp_attachment.hh"
#include "io/dpdk/xdp_filter.hh"
#include "io/host/interfaces.hh"
#include "io/host/tap.hh"

#include "tools/musterd/sockets.hh"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace muster {
namespace {

/// Ports of TFTP transfers: as if the kernel had chosen them, and below those that it chooses.
constexpr std::uint16_t transfer_ports = 30'000;

/// What the kernel leaves to DPDK on this interface.
XdpFilter filter_for(const Options& options, const InterfaceInfo& interface) {
    XdpFilter filter;
    filter.address = interface.address;
    filter.subnet.prefix_length = interface.prefix_length;
    filter.subnet.network = from_number(to_number(interface.address) & filter.subnet.mask_number());
    for (const UdpPortRange& ports : served_ports(options)) {
        filter.ports.push_back({ports.first, ports.count});
    }
    return filter;
}

/// A file that is in memory alone.
Result<Fd, std::string> file_of(const std::string& text) {
    Fd file{::memfd_create("muster-xdp", MFD_CLOEXEC)};
    if (!file.valid() ||
        ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return std::unexpected("--dpdk-split xdp: no memory for its program");
    }
    return file;
}

} // namespace

std::vector<UdpPortRange> served_ports(const Options& options) {
    std::vector<UdpPortRange> ports;
    if (options.dhcp != "off") {
        ports.push_back({UdpService::dhcp, options.dhcp_port});
    }
    if (options.dhcp == "proxy") {
        ports.push_back({UdpService::pxe, options.pxe_port});
    }
    if (options.tftp) {
        ports.push_back({UdpService::tftp, options.tftp_port});
        ports.push_back({UdpService::tftp_transfer, transfer_ports, tftp_transfer_sockets});
    }
    return ports;
}

std::string device_of(const Options& options) {
    return options.dpdk_port.empty() && options.dpdk_split == "xdp" && !options.interfaces.empty()
               ? "net_af_xdp0,iface=" + options.interfaces.front()
               : options.dpdk_port;
}

Result<Subnet, std::string> own_subnet(const Site& site) {
    if (!site.server_address) {
        return std::unexpected(
            "the site must say what its address is (site.yaml, server: address)");
    }
    const auto plan =
        std::find_if(site.subnets.begin(), site.subnets.end(), [&](const SubnetPlan& one) {
            return one.subnet.contains(*site.server_address);
        });
    if (plan == site.subnets.end()) {
        return std::unexpected("no subnet of the site has the server's address " +
                               to_text(*site.server_address));
    }
    return plan->subnet;
}

Result<SharedPort, std::string> open_by_tap(const Options& options, const Site& site,
                                            std::string& warning) {
    const auto subnet = own_subnet(site);
    if (!subnet) {
        return std::unexpected("--backend dpdk: " + subnet.error());
    }
    SharedPort shared;
    auto port = DpdkPort::open(
        {.eal = options.dpdk_eal, .device = options.dpdk_port, .promiscuous = false}, warning);
    if (!port) {
        return std::unexpected(port.error());
    }
    shared.port = std::move(*port);
    auto tap =
        open_tap(options.interfaces.front(), shared.port->mac(), *site.server_address, *subnet);
    if (!tap) {
        return std::unexpected(tap.error().text());
    }
    shared.tap = std::move(*tap);
    return shared;
}

Result<SharedPort, std::string> open_by_xdp(const Options& options, std::string& warning) {
    const std::string& name = options.interfaces.front();
    const auto interface = find_interface(name);
    if (!interface) {
        return std::unexpected("--interface " + name + ": " + interface.error().text());
    }
    if (interface->address.is_unspecified()) {
        return std::unexpected("--dpdk-split xdp: " + name + " has no IPv4 address");
    }
    if (auto cleared = clear_xdp(name, interface->index); !cleared) {
        return std::unexpected(cleared.error());
    }
    const auto object = file_of(write_xdp_object(make_xdp_filter(filter_for(options, *interface))));
    if (!object) {
        return std::unexpected(object.error());
    }
    const std::string path = "/proc/self/fd/" + std::to_string(object->get());
    SharedPort shared;
    auto port = DpdkPort::open({.eal = options.dpdk_eal,
                                .device = device_of(options) + ",xdp_prog=" + path,
                                .promiscuous = false},
                               warning);
    if (!port) {
        return std::unexpected(port.error());
    }
    shared.port = std::move(*port);
    auto held = hold_xdp(name, interface->index);
    if (!held) {
        return std::unexpected(held.error());
    }
    shared.xdp = std::move(*held);
    return shared;
}

} // namespace muster
