// SPDX-License-Identifier: Apache-2.0
// `--backend dpdk`, or the word that it was not built.
#pragma once

#include "core/metrics/exposition.hh"
#include "core/port/interface_info.hh"
#include "core/site/site.hh"
#include "io/worker/burst_port.hh"

#include "tools/musterd/options.hh"

#include <memory>
#include <optional>

namespace muster {

class DpdkBackend {
public:
    virtual ~DpdkBackend() = default;

    /// Once the interface is known as the kernel has it. The port lives as long as this.
    virtual BurstPort& start(const Options& options, const InterfaceInfo& interface) = 0;
    /// After start(). Any thread.
    virtual void report(Exposition& exposition) const = 0;
};

/// Starts DPDK and makes the interface of the kernel's share. While this thread is the only one.
///
/// Errors: one line for the operator.
[[nodiscard]] Result<std::unique_ptr<DpdkBackend>, std::string>
open_dpdk_backend(const Options& options, const Site& site);

/// `--dpdk-check`: prints in plain words what this host has and lacks for --backend dpdk, then, if
/// it lacks nothing, starts the port of --dpdk-port once. `site`: null: there is none to look at.
/// Returns the exit status: 0, 1 when something is missing.
[[nodiscard]] int check_dpdk_backend(const Options& options, const Site* site);

/// DPDK's; nullopt: built without.
[[nodiscard]] std::optional<std::string> dpdk_version();

} // namespace muster
