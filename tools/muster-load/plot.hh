// SPDX-License-Identifier: Apache-2.0
// A storm as a picture: machines by stage over time, and what they waited for.
#pragma once

#include "tools/muster-load/report.hh"

namespace muster::load {

/// An SVG document.
[[nodiscard]] std::string storm_plot(const Outcome& outcome);

/// Writes it to a file. Errors: throws Failure.
void write_plot(const Outcome& outcome, const std::string& path);

} // namespace muster::load
