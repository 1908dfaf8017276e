// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/dpdk_backend.hh"

#include "io/dpdk/dpdk_check.hh"

#include "tools/musterd/dpdk_split.hh"
#include "tools/musterd/frame_port.hh"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>

namespace muster {
namespace {

class Backend final : public DpdkBackend {
public:
    explicit Backend(SharedPort shared) : shared_(std::move(shared)) {}

    BurstPort& start(const Options& options, const InterfaceInfo& interface) override {
        FrameHostOptions host;
        host.interface = interface;
        host.multicast_ttl = options.tftp_multicast_ttl;
        host.kernel_beside = true;
        host.ports = served_ports(options);
        host.checksums =
            shared_.port->computes_checksums() ? Checksums::by_port : Checksums::written;
        frames_ = std::make_unique<FramePort>(std::move(shared_.port), std::move(shared_.tap), host,
                                              options.tftp && options.tftp_multicast.has_value());
        return *frames_;
    }
    void report(Exposition& exposition) const override { frames_->report(exposition); }

private:
    std::unique_ptr<FramePort> frames_;
    SharedPort shared_; ///< after start() what holds the XDP program, which goes first
};

/// For --dpdk-check: as much as can be started without a site.
Result<SharedPort, std::string> start_once(const Options& options, std::string& warning) {
    if (options.dpdk_split == "xdp" && !options.interfaces.empty()) {
        return open_by_xdp(options, warning);
    }
    auto port = DpdkPort::open(
        {.eal = options.dpdk_eal, .device = options.dpdk_port, .promiscuous = false}, warning);
    if (!port) {
        return std::unexpected(port.error());
    }
    SharedPort alone;
    alone.port = std::move(*port);
    return alone;
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
                                .port = device_of(options),
                                .split = options.dpdk_split,
                                .root = {}};
    for (const DpdkFinding& finding : check_dpdk_host(host)) {
        good = show(finding) && good;
    }
    if (site != nullptr && options.dpdk_split == "tap") {
        const auto subnet = own_subnet(*site);
        good = show(subnet ? DpdkFinding{Kind::good,
                                         "site: the server is " + to_text(*site->server_address),
                                         {}}
                           : DpdkFinding{Kind::missing, "site: " + subnet.error(), {}}) &&
               good;
    }
    if (good && !host.port.empty()) {
        std::fflush(stdout); // DPDK writes lines of its own, elsewhere
        std::string warning;
        const auto shared = start_once(options, warning);
        const DpdkPort* const port = shared ? shared->port.get() : nullptr;
        good = show(port != nullptr
                        ? DpdkFinding{Kind::good,
                                      "start: " + port->driver() + " " + to_text(port->mac()),
                                      {}}
                        : DpdkFinding{Kind::missing, "start: " + shared.error(),
                                      "what DPDK itself says is above, on standard error"});
    }
    std::printf("%s\n", good ? "ready for --backend dpdk" : "not ready for --backend dpdk");
    return good ? 0 : 1;
}

Result<std::unique_ptr<DpdkBackend>, std::string> open_dpdk_backend(const Options& options,
                                                                    const Site& site) {
    std::string warning;
    auto shared = options.dpdk_split == "xdp" ? open_by_xdp(options, warning)
                                              : open_by_tap(options, site, warning);
    if (!shared) {
        return std::unexpected(shared.error());
    }
    if (!warning.empty()) {
        spdlog::warn("{}", warning);
    }
    const DpdkPort& port = *shared->port;
    spdlog::info("DPDK {} drives {} ({}, {}{}); the kernel's share is {}, by {}",
                 DpdkPort::version(), device_of(options), port.driver(), to_text(port.mac()),
                 port.computes_checksums() ? ", computes checksums" : "",
                 options.interfaces.front(), options.dpdk_split);
    return std::make_unique<Backend>(std::move(*shared));
}

std::optional<std::string> dpdk_version() {
    return DpdkPort::version();
}

} // namespace muster
