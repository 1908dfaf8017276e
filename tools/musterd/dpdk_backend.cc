// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/dpdk_backend.hh"

#include "io/dpdk/dpdk_check.hh"
#include "io/host/tap.hh"

#include "tools/musterd/frame_port.hh"
#include "tools/musterd/sockets.hh"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>

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

/// The one that the server's address is in.
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

/// True: that much is there.
bool show(const DpdkFinding& finding) {
    using Kind = DpdkFinding::Kind;
    const bool missing = finding.kind == Kind::missing;
    std::printf("%-8s %s\n",
                missing                      ? "missing"
                : finding.kind == Kind::note ? "note"
                                             : "ok",
                finding.what.c_str());
    if (!finding.remedy.empty()) {
        std::printf("%-8s do: %s\n", "", finding.remedy.c_str());
    }
    return !missing;
}

} // namespace

int check_dpdk_backend(const Options& options, const Site* site) {
    using Kind = DpdkFinding::Kind;
    bool good = show({Kind::good, "DPDK " + DpdkPort::version(), {}});
    const DpdkCheckOptions host{.eal = options.dpdk_eal,
                                .port = options.dpdk_port,
                                .split = options.dpdk_split,
                                .root = {}};
    for (const DpdkFinding& finding : check_dpdk_host(host)) {
        good = show(finding) && good;
    }
    if (site != nullptr) {
        const auto subnet = own_subnet(*site);
        good = show(subnet ? DpdkFinding{Kind::good,
                                         "site: the server is " + to_text(*site->server_address),
                                         {}}
                           : DpdkFinding{Kind::missing, "site: " + subnet.error(), {}}) &&
               good;
    }
    if (good && !options.dpdk_port.empty()) {
        std::fflush(stdout); // DPDK writes lines of its own, elsewhere
        std::string warning;
        const auto port = DpdkPort::open(
            {.eal = options.dpdk_eal, .device = options.dpdk_port, .promiscuous = false}, warning);
        good =
            show(port ? DpdkFinding{Kind::good,
                                    "start: " + (*port)->driver() + " " + to_text((*port)->mac()),
                                    {}}
                      : DpdkFinding{Kind::missing, "start: " + port.error(),
                                    "what DPDK itself says is above, on standard error"});
    }
    std::printf("%s\n", good ? "ready for --backend dpdk" : "not ready for --backend dpdk");
    return good ? 0 : 1;
}

Result<std::unique_ptr<DpdkBackend>, std::string> open_dpdk_backend(const Options& options,
                                                                    const Site& site) {
    const auto subnet = own_subnet(site);
    if (!subnet) {
        return std::unexpected("--backend dpdk: " + subnet.error());
    }
    std::string warning;
    auto port = DpdkPort::open(
        {.eal = options.dpdk_eal, .device = options.dpdk_port, .promiscuous = false}, warning);
    if (!port) {
        return std::unexpected(port.error());
    }
    if (!warning.empty()) {
        spdlog::warn("{}", warning);
    }
    const std::string& name = options.interfaces.front();
    auto tap = open_tap(name, (*port)->mac(), *site.server_address, *subnet);
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
