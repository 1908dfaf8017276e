// SPDX-License-Identifier: Apache-2.0
// The flight recorder of a node and what it says is wrong, laid out for people.
#pragma once

#include "tools/muster/api_client.hh"
#include "tools/muster/terminal.hh"

#include <string>

namespace muster::cli {

/// Shape: {"recorder": [{"boot": 1, "time": MS, "last": MS, "count": 2, "kind": "offer",
///          "text": "…", "bytes": N, "end": "done"}, …]}
/// A table of the entries: boot, seconds since that boot began, kind, what. Empty: none.
[[nodiscard]] std::string flight_text(const Json& timeline, const Look& look);

/// Shape: {"findings": [{"code": "late-link", "message": "…"}, …]}
/// A paragraph for each. Empty: nothing was found.
[[nodiscard]] std::string findings_text(const Json& timeline, const Look& look);

} // namespace muster::cli
