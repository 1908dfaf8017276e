// SPDX-License-Identifier: Apache-2.0
// What installs waited for, over all nodes: where the time of a storm went.
#pragma once

#include "core/node/node_table.hh"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>

namespace muster {

/// Of each node's latest attempt: `causes` with sum, longest wait and how many waited; `worst`, the
/// `limit` longest waits, longest first.
[[nodiscard]] nlohmann::json waits_json(const NodeTable& nodes, std::size_t limit);

} // namespace muster
