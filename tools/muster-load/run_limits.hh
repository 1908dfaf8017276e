// SPDX-License-Identifier: Apache-2.0
// What a run needs of this host, and how large its tables have to be.
#pragma once

#include "io/client/client_driver.hh"
#include "net/client/client_fleet.hh"

#include "tools/muster-load/options.hh"

namespace muster::load {

/// Machines of this kind begin without an address.
[[nodiscard]] bool speaks_frames(Kind kind) noexcept;

/// The interface of a run; nullopt: it needs none.
///
/// Errors: throws UsageError for one that is not there, Failure for one that does not work.
[[nodiscard]] std::optional<ClientLink> link_of(const Options& options);

[[nodiscard]] ClientFleetLimits fleet_limits(const Options& options);
/// `link`, `wire`: borrowed by the driver; null: none.
[[nodiscard]] ClientDriverOptions driver_options(const Options& options, const ClientLink* link,
                                                 ClientWire* wire);

/// Raises the limit of open files. Errors: throws Failure when it stays too low for the clients.
void require_open_files(const Options& options);

} // namespace muster::load
