// SPDX-License-Identifier: Apache-2.0
// The dates of HTTP (RFC 9110 section 5.6.7).
#pragma once

#include "core/base/time.hh"

#include <array>
#include <optional>
#include <string_view>

namespace muster {

/// `Sun, 06 Nov 1994 08:49:37 GMT`, without a NUL.
struct HttpDate {
    std::array<char, 29> text{};
    [[nodiscard]] std::string_view view() const noexcept { return {text.data(), text.size()}; }
};

/// Writes an IMF-fixdate, whole seconds, rounded down.
///
/// Errors:  nullopt -- before 1970 or after 9999: such a file time is best left unsaid.
/// Source:  RFC 9110 section 5.6.7.
[[nodiscard]] std::optional<HttpDate> write_http_date(UnixTime at) noexcept;

/// Reads an IMF-fixdate from 1970 on; nullopt for anything else, a wrong day of the week included.
///
/// RFC 9110 section 5.6.7 wants the two obsolete forms read, too; we do not, because no client of
/// the last twenty years writes them, and a date that is not read only makes a condition void: the
/// client gets the whole file.
[[nodiscard]] std::optional<UnixTime> read_http_date(std::string_view text) noexcept;

} // namespace muster
