// SPDX-License-Identifier: Apache-2.0
// Values of options, read and checked. Every function throws UsageError naming option, value and
// what is allowed.
#pragma once

#include "tools/muster/command.hh"

#include <chrono>
#include <utility>

namespace muster::cli {

/// `500ms`, `2`, `2s`, `5m`, `1h`; a bare number is seconds and may have a fraction.
[[nodiscard]] std::chrono::milliseconds read_duration(std::string_view option,
                                                      const std::string& text,
                                                      std::chrono::milliseconds least,
                                                      std::chrono::milliseconds most);

/// One of the states of a node.
[[nodiscard]] std::string read_state(const std::string& text);

/// The address in its usual form, `52:54:00:0a:0b:0c`.
[[nodiscard]] std::string read_mac(const std::string& text);
[[nodiscard]] std::string read_ipv4(const std::string& text);

/// `K=V`; V may be empty and may hold further `=`.
[[nodiscard]] std::pair<std::string, std::string> read_variable(const std::string& text);

/// The filter options of lists of nodes: --state, --tag, --profile.
void add_filter_options(po::options_description& options);
[[nodiscard]] Query filter_query(const Session& session);

} // namespace muster::cli
