// SPDX-License-Identifier: Apache-2.0
// What installs waited for, over all nodes: where the time of a storm went.
#pragma once

#include "core/node/node_table.hh"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string_view>

namespace muster {

/// Of each node's latest attempt: `causes` with sum, longest wait and how many waited; `worst`, the
/// `limit` longest waits, longest first. Of nodes with this tag; empty: of all.
[[nodiscard]] nlohmann::json waits_json(const NodeTable& nodes, std::string_view tag,
                                        std::size_t limit);

} // namespace muster
