// SPDX-License-Identifier: Apache-2.0
// A node as the admin API describes it, and how it reads on a terminal.
#pragma once

#include "core/base/time.hh"

#include "tools/muster/api_client.hh"
#include "tools/muster/table.hh"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster::cli {

inline constexpr std::array<std::string_view, 8> node_states{
    "new", "ready", "booting", "loading", "installing", "installed", "failed", "ignored"};

/// Fields that the server left out or gave as another type are empty: a newer server must not
/// break an older client.
struct Node {
    std::string name;
    std::string mac; ///< several are joined by commas
    std::string address;
    std::string profile;
    std::string state;
    std::optional<std::uint64_t> attempt;
    std::optional<UnixTime> since;              ///< when it entered its state
    std::optional<std::uint64_t> stage_percent; ///< of its state, 0..100
    std::uint64_t bytes_served = 0;
    std::uint64_t expected_bytes = 0; ///< 0: not known
    std::string message;
    std::vector<std::string> tags;
};

[[nodiscard]] Node read_node(const Json& json);

/// Text of a member, or of a list of texts joined by commas; empty when it is neither.
[[nodiscard]] std::string text_of(const Json& json, std::string_view key);
[[nodiscard]] std::optional<std::uint64_t> number_of(const Json& json, std::string_view key);

/// RFC 3339 in UTC, `2026-03-01T12:00:00.000Z`, with or without the fraction; nullopt when the text
/// is anything else.
[[nodiscard]] std::optional<UnixTime> read_rfc3339(std::string_view text);

/// How far the node is within its state; nullopt where nothing moves (new, ready, ignored).
[[nodiscard]] std::optional<unsigned> percent_of(const Node& node);

[[nodiscard]] Colour colour_of(std::string_view state);

/// `12 nodes: 3 loading, 8 installed, 1 failed`, states in the order of an install.
[[nodiscard]] std::string summary_of(const std::vector<Node>& nodes);

/// Civil time of the host.
[[nodiscard]] UnixTime wall_now();

} // namespace muster::cli
