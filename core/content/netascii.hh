// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace muster {

/// A text as netascii (RFC 764): a line ends with CR LF, and a CR of its own is CR NUL. A line that
/// ends with CR LF already stays as it is, for that is what its author meant.
[[nodiscard]] std::string to_netascii(std::string_view text);

} // namespace muster
