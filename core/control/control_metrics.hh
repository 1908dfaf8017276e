// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/control/control_counters.hh"
#include "core/control/ledger.hh"
#include "core/metrics/exposition.hh"

namespace muster {

/// Adds what the control counts, and how many nodes are in which state.
void expose(const ControlCounters& counters, const Ledger& ledger, bool store_works,
            Exposition& exposition);

} // namespace muster
