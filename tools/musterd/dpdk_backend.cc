// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/dpdk_backend.hh"

#include "io/host/tap.hh"

#include "tools/musterd/frame_port.hh"
#include "tools/musterd/sockets.hh"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace muster {
namespace {

/// Ports of TFTP transfers: as if the kernel had chosen them, and below those that it chooses.
constexpr std::uint16_t transfer_ports = 30'000;

class Backend final : public DpdkBackend {
public:
    Backend(std::unique_ptr<DpdkPort> port, Fd tap)
        : port_(std::move(port)), tap_(std::move(tap)) {}

    BurstPort& start(const Options& options, const InterfaceInfo& interface) override {
        FrameHostOptions host;
        host.interface = interface;
        host.multicast_ttl = options.tftp_multicast_ttl;
        host.kernel_beside = true;
        if (options.dhcp != "off") {
            host.ports.push_back({UdpService::dhcp, options.dhcp_port});
        }
        if (options.dhcp == "proxy") {
            host.ports.push_back({UdpService::pxe, options.pxe_port});
        }
        if (options.tftp) {
            host.ports.push_back({UdpService::tftp, options.tftp_port});
            host.ports.push_back(
                {UdpService::tftp_transfer, transfer_ports, tftp_transfer_sockets});
        }
        frames_ = std::make_unique<FramePort>(std::move(port_), std::move(tap_), host,
                                              options.tftp && options.tftp_multicast.has_value());
        return *frames_;
    }
    void report(Exposition& exposition) const override { frames_->report(exposition); }

private:
    std::unique_ptr<DpdkPort> port_; ///< until start()
    Fd tap_;
    std::unique_ptr<FramePort> frames_;
};

} // namespace

Result<std::unique_ptr<DpdkBackend>, std::string> open_dpdk_backend(const Options& options,
                                                                    const Site& site) {
    if (!site.server_address) {
        return std::unexpected("--backend dpdk: the site must say what its address is "
                               "(site.yaml, server: address)");
    }
    const auto subnet =
        std::find_if(site.subnets.begin(), site.subnets.end(), [&](const SubnetPlan& plan) {
            return plan.subnet.contains(*site.server_address);
        });
    if (subnet == site.subnets.end()) {
        return std::unexpected("--backend dpdk: no subnet of the site has the server's address " +
                               to_text(*site.server_address));
    }
    std::string warning;
    auto port = DpdkPort::open(options.dpdk_eal, options.dpdk_port, warning);
    if (!port) {
        return std::unexpected(port.error());
    }
    if (!warning.empty()) {
        spdlog::warn("{}", warning);
    }
    const std::string& name = options.interfaces.front();
    auto tap = open_tap(name, (*port)->mac(), *site.server_address, subnet->subnet);
    if (!tap) {
        return std::unexpected(tap.error().text());
    }
    spdlog::info("DPDK {} drives {} ({}, {}); the kernel's share is {}", DpdkPort::version(),
                 options.dpdk_port, (*port)->driver(), to_text((*port)->mac()), name);
    return std::make_unique<Backend>(std::move(*port), std::move(*tap));
}

std::optional<std::string> dpdk_version() {
    return DpdkPort::version();
}

} // namespace muster
