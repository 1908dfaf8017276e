// SPDX-License-Identifier: Apache-2.0
// Conditional requests (RFC 9110 section 13): "only if it is still the version I know".
#pragma once

#include "core/base/time.hh"

#include <cstdint>
#include <string>
#include <string_view>

namespace muster {

/// The condition fields of a request, as they came; empty: absent.
struct HttpConditions {
    std::string if_match{};
    std::string if_none_match{};
    std::string if_modified_since{};
    std::string if_unmodified_since{};
    std::string if_range{};
};

/// What a content has to be recognised by.
struct HttpValidators {
    std::string_view etag; ///< strong, with its quotes; empty: none
    UnixTime modified;     ///< compared in whole seconds; zero: unknown
};

enum class ConditionVerdict : std::uint8_t {
    proceed,
    not_modified, ///< 304
    failed,       ///< 412
};

/// Weighs the conditions of a GET or HEAD in the order of RFC 9110 section 13.2.2: If-Match, else
/// If-Unmodified-Since; then If-None-Match, else If-Modified-Since. A date that does not read, or
/// that meets a content without one, is void.
///
/// Source: RFC 9110 sections 13.1.1 to 13.1.4 and 13.2; 8.8.3.2 for strong and weak comparison.
[[nodiscard]] ConditionVerdict weigh_conditions(const HttpConditions& conditions,
                                                const HttpValidators& validators) noexcept;

/// Whether a Range counts: true without If-Range, or when it names this very version. A date
/// counts only as a strong validator: exactly equal, and older than a second (`now`).
///
/// Source: RFC 9110 sections 13.1.5 and 8.8.2.2.
[[nodiscard]] bool range_applies(std::string_view if_range, const HttpValidators& validators,
                                 UnixTime now) noexcept;

} // namespace muster
