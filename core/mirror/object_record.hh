// SPDX-License-Identifier: Apache-2.0
// What the cache must know of a file beside its bytes, as it is written behind them.
#pragma once

#include "core/base/time.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

/// Names a file of the cache, for ever: no number is given twice.
enum class ObjectId : std::uint64_t {};

struct ObjectRecord {
    std::string url;           ///< what was asked for upstream, before any redirect
    std::string etag;          ///< the upstream's, `W/` included; empty: none
    std::string last_modified; ///< the same
    std::string content_type;
    UnixTime modified;       ///< last_modified as a number; zero: unknown
    UnixTime fetched;        ///< when it began to arrive
    std::uint64_t size = 0;  ///< of the whole body
    bool dated_well = false; ///< last_modified is a strong validator (RFC 9110 section 8.8.2.2)
    std::string boot;        ///< of a file that is still arriving: since which boot of the machine

    friend bool operator==(const ObjectRecord&, const ObjectRecord&) = default;

    /// What If-Range may name to get a later part of these very bytes; empty: nothing does.
    [[nodiscard]] std::string_view strong_validator() const noexcept;
    /// The tag that clients get: strong, since one file of the cache is one sequence of bytes.
    [[nodiscard]] std::string served_etag(ObjectId id) const;
};

/// Longest record with its footer.
inline constexpr std::size_t object_record_size_max = 8192;

/// Text with a line a value, then a footer of fixed size with its length and a checksum: a file cut
/// anywhere, or by somebody else, does not end with one.
[[nodiscard]] std::string write_object_record(const ObjectRecord& record);

/// What a file ends with. `tail`: its last bytes, object_record_size_max of them or all.
struct ReadRecord {
    ObjectRecord record;
    std::size_t size = 0; ///< of the record itself, in the file
};
/// Returns: nullopt when there is no record, or not a whole one.
[[nodiscard]] std::optional<ReadRecord> read_object_record(std::string_view tail);

} // namespace muster
