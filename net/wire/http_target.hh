// SPDX-License-Identifier: Apache-2.0
// What a request line asks for.
#pragma once

#include "core/base/result.hh"
#include "net/wire/http_error.hh"

#include <string>
#include <string_view>

namespace muster {

struct HttpTarget {
    std::string path;       ///< decoded, begins with a slash; not yet canonical
    std::string_view query; ///< as it came, without the question mark; borrows the target
};

/// Reads a request target in origin form (`/path?query`) or absolute form (`http://host/path`; the
/// host is not looked at, as this server has no virtual ones).
///
/// Errors:  bad_target -- neither form, or a control character, blank or `#` in it
///          bad_escape -- a percent sign without two hexadecimal digits in the path
///          nul_in_path -- `%00`
/// Bytes above 127 pass as they are: firmware does not escape the names it was given.
/// Source:  RFC 9112 section 3.2; RFC 3986 section 2.1.
[[nodiscard]] Result<HttpTarget, HttpError> read_http_target(std::string_view target);

} // namespace muster
