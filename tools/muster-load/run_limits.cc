// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/run_limits.hh"

#include "io/host/process.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster::load {
namespace {

constexpr std::uint32_t streams_max = 40'000;
/// A machine has a few UDP ports at once, and some that are being closed.
constexpr std::uint32_t sockets_per_machine = 4;
constexpr std::uint32_t sockets_max = 400'000;
/// Of this process itself, whatever it does.
constexpr std::uint32_t files_spare = 64;

} // namespace

bool speaks_frames(Kind kind) noexcept {
    return kind == Kind::dhcp || kind == Kind::storm;
}

std::optional<ClientLink> link_of(const Options& options) {
    std::string name = options.interface;
    if (name.empty() && speaks_frames(options.kind)) {
        name = interface_towards(options.server);
        if (name.empty()) {
            throw Failure{fmt::format("there is no way from here to {}: say --interface",
                                      to_text(options.server))};
        }
    }
    if (name.empty()) {
        return std::nullopt;
    }
    auto link = find_client_link(name);
    if (!link && link.error().code == ENODEV) {
        throw UsageError{fmt::format("--interface: there is no interface '{}'", name)};
    }
    if (!link) {
        throw Failure{link.error().text()};
    }
    return *link;
}

ClientFleetLimits fleet_limits(const Options& options) {
    const bool streams = options.kind == Kind::http || options.kind == Kind::storm;
    return {.machines = options.clients,
            .streams = streams ? std::min(options.clients * 2 + files_spare, streams_max) : 1};
}

ClientDriverOptions driver_options(const Options& options, const ClientLink* link,
                                   ClientWire* wire) {
    const ClientFleetLimits limits = fleet_limits(options);
    ClientDriverOptions driver;
    driver.link = speaks_frames(options.kind) ? link : nullptr;
    driver.wire = wire;
    driver.interface = link != nullptr ? link->index : 0;
    driver.sockets =
        options.kind == Kind::dhcp || options.kind == Kind::http
            ? files_spare
            : std::min(options.clients * sockets_per_machine + files_spare, sockets_max);
    driver.streams = limits.streams;
    return driver;
}

void require_open_files(const Options& options) {
    const std::uint64_t files = raise_file_limit();
    // Machines that begin without an address have at most a socket each once they have one.
    if (options.kind != Kind::dhcp && options.dpdk_port.empty() &&
        files < options.clients + files_spare) {
        throw Failure{fmt::format("{} clients need as many open files, and the limit is {}: raise "
                                  "it (ulimit -Hn)",
                                  options.clients, files)};
    }
}

} // namespace muster::load
