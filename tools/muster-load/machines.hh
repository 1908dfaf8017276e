// SPDX-License-Identifier: Apache-2.0
// The machines of a run: who they are and what they do.
#pragma once

#include "io/client/link.hh"
#include "net/client/client_machine.hh"

#include "tools/muster-load/options.hh"

#include <memory>

namespace muster::load {

class Machines {
public:
    /// `link`: that they are on; null where no frames are spoken. Reads the file to compare with.
    ///
    /// Errors: throws UsageError for what cannot be, Failure for what cannot be done here.
    Machines(const Options& options, const ClientLink* link);
    ~Machines();

    [[nodiscard]] ClientIdentity identity(MachineIndex index) const;
    /// `turn` counts the machines made before.
    [[nodiscard]] std::unique_ptr<ClientMachine> make(MachineIndex index, std::uint64_t turn) const;
    /// They go on until they are stopped.
    [[nodiscard]] bool endless() const noexcept { return options_.kind == Kind::http; }

private:
    struct Storm;

    [[nodiscard]] Ipv4Address address_of(MachineIndex index) const noexcept;
    [[nodiscard]] Endpoint server(std::uint16_t usual_port) const noexcept;

    const Options& options_;
    const ClientLink* link_;
    IpAddress own_{}; ///< this host's, towards the server
    std::vector<std::byte> file_;
    Bytes expected_;
    std::unique_ptr<Storm> storm_;
};

} // namespace muster::load
