// SPDX-License-Identifier: Apache-2.0
// A fleet's wire that is a port of DPDK.
#pragma once

#include "io/client/client_wire.hh"
#include "io/client/link.hh"

#include "tools/muster-load/options.hh"

#include <memory>

namespace muster::load {

struct DpdkWire {
    std::unique_ptr<ClientWire> wire;
    ClientLink link; ///< the port, which has no address of its own
};

/// Whether this muster-load was built with DPDK.
[[nodiscard]] bool has_dpdk() noexcept;

/// Starts DPDK and the port of --dpdk-port. Once in a process; the calling thread is the one that
/// uses it.
///
/// Errors: throws Failure, one line that says what to look at.
[[nodiscard]] DpdkWire open_dpdk_wire(const Options& options);

} // namespace muster::load
