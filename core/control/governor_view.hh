// SPDX-License-Identifier: Apache-2.0
// What is told of the governor: to operators as JSON, and as metrics.
#pragma once

#include "core/control/governor.hh"
#include "core/metrics/exposition.hh"

#include <nlohmann/json_fwd.hpp>

namespace muster {

/// Who loads and who waits, `limit` of each at most; the next one first.
[[nodiscard]] nlohmann::json governor_json(const Governor& governor, std::size_t limit);

void expose(const Governor& governor, Exposition& exposition);

} // namespace muster
