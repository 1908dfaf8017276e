// SPDX-License-Identifier: Apache-2.0
// What `muster watch` shows, from the nodes of one moment: a frame for a terminal, lines for a
// file, and whether what is waited for has happened. No clock, no output.
#pragma once

#include "tools/muster/node.hh"

#include <map>
#include <string>
#include <vector>

namespace muster::cli {

/// The frame: a summary with a bar of all installs, and a table with a bar for each node. On a
/// terminal it leaves one line free for the cursor; when not all nodes have room, those that
/// failed or are busy come first, and the last line counts the rest.
///
/// `waits`: what waits_text() made, a line of its own below the summary unless it is empty.
[[nodiscard]] std::string watch_frame(const std::vector<Node>& nodes, std::string_view waits,
                                      UnixTime now, const Look& look);

/// What the latest boots waited for, of an answer of `/api/v1/waits`: `waited: governor 12m of 40
/// (r1n07 95s), dhcp_collecting 3s of 40 (r1n02 400ms)`, the largest sum first. Empty when all
/// waits of a cause come to less than a second, or when the answer is of another server.
[[nodiscard]] std::string waits_text(const Json& answer);

/// Escape sequences around `frame` that put it over the `previous_lines` lines drawn before.
[[nodiscard]] std::string redraw(std::string_view frame, std::size_t previous_lines);

/// Remembers states and tells changes.
class StateChanges {
public:
    /// A line for each node whose state or attempt is not as it was at the last call: `NODE STATE`
    /// at first, `NODE OLD -> NEW` later, `NODE OLD -> removed` at the end; then the number of the
    /// attempt from the second on, and the message.
    [[nodiscard]] std::vector<std::string> lines(const std::vector<Node>& nodes);

private:
    struct Seen {
        std::string state;
        std::uint64_t attempt = 0;
    };
    std::map<std::string, Seen> seen_;
};

enum class Verdict : std::uint8_t { waiting, reached, failed };

/// Whether all are installed, or one failed for good. `named` means that the operator named them:
/// else nodes that no one wants installed (`new`, `ignored`) do not count, and as long as there
/// are no others it is waiting.
[[nodiscard]] Verdict until_installed(const std::vector<Node>& nodes, bool named);

/// `2 of 3 installed; not: r1n02 (loading)`: why it is not reached.
[[nodiscard]] std::string what_is_missing(const std::vector<Node>& nodes, bool named);

} // namespace muster::cli
