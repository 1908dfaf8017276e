// SPDX-License-Identifier: Apache-2.0
// The texts that an installer reads: command line, install.conf, preseed file.
#pragma once

#include <string>
#include <string_view>

namespace muster {

/// The value of `key` (with its `=`) among the words of a command line, without slashes at its end.
[[nodiscard]] std::string command_line_value(std::string_view cmdline, std::string_view key);
/// The value of a line `key="value"`.
[[nodiscard]] std::string order_value(std::string_view text, std::string_view key);
/// Where a preseed file's last command reports the end: what stands before `/installed`.
[[nodiscard]] std::string report_url_of(std::string_view preseed);
/// Every byte as %XX, as the installer's script does it.
[[nodiscard]] std::string url_encoded(std::string_view text);

} // namespace muster
