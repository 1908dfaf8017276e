// SPDX-License-Identifier: Apache-2.0
// What an upstream said in the head of its answer.
#pragma once

#include "core/base/time.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

/// `Content-Range: bytes first-last/whole`.
struct UpstreamRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::optional<std::uint64_t> whole; ///< unknown: `*`

    friend bool operator==(const UpstreamRange&, const UpstreamRange&) = default;
};

struct UpstreamAnswer {
    std::uint16_t status = 0;
    bool malformed = false; ///< a length or range that cannot be: nothing of it is believed
    std::optional<std::uint64_t> content_length;
    bool chunked = false; ///< Content-Length, if there is one, does not count
    std::optional<UpstreamRange> range;
    std::string etag;          ///< as it came, `W/` included; empty: none that can be used
    std::string last_modified; ///< as it came, to be sent back
    std::string date;
    std::string content_type;
    std::uint32_t retry_after_s = 0; ///< 0: not said, or a date

    /// Of the two dates; whoever reads the lines fills them in. Zero: unknown.
    UnixTime modified;
    UnixTime answered;
};

/// Takes one line of the head, with or without its line end. A status line begins a new answer (of
/// the next server after a redirect, or behind a 100).
///
/// Texts that cannot be sent on (control characters, too long) are left out; repeated and
/// contradicting lengths make the answer malformed.
/// Source:  RFC 9112 sections 4 and 6.3, RFC 9110 sections 8.6, 8.8, 14.4.
void read_upstream_line(std::string_view line, UpstreamAnswer& answer);

} // namespace muster
