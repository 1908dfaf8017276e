// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/muster-load/report.hh"

namespace muster::load {

/// Plays a run to its end. SIGINT and SIGTERM end it early.
///
/// Errors: throws UsageError, Failure when it cannot begin.
[[nodiscard]] Outcome run(const Options& options);

} // namespace muster::load
