// SPDX-License-Identifier: Apache-2.0
// `storm --simulate`: the same report, of a storm that happens in virtual time.
#pragma once

#include "tools/muster-load/report.hh"

namespace muster::load {

/// Runs it. What its checkers found wrong with the server counts as a run that was given up.
///
/// Errors: throws UsageError for options that cannot be.
[[nodiscard]] Outcome simulate(const Options& options);

} // namespace muster::load
