// SPDX-License-Identifier: Apache-2.0
// The log of musterd: lines of text, or JSON objects, on standard error.
#pragma once

#include "core/control/control.hh"

#include <string>

namespace muster {

/// `level` as the flag has it. Call once, before any thread starts.
void open_log(const std::string& level, bool json);
/// An event of control as one line; failures and refusals as warnings.
void log_event(const Event& event);
/// How many nodes are in which state, and what is leased: the answer to SIGUSR1.
void log_summary(const Control& control);
/// `3 nodes, 1 installing, 2 ready; 3 leases`
[[nodiscard]] std::string summary_of(const Control& control);

} // namespace muster
