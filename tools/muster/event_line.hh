// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/muster/api_client.hh"
#include "tools/muster/terminal.hh"

#include <string>

namespace muster::cli {

/// One event of the API as a line with its line feed: local time, node, what, the message. Members
/// that have no place in it follow as `name=value`.
[[nodiscard]] std::string event_line(const Json& event, const Look& look);

} // namespace muster::cli
