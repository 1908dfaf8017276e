// SPDX-License-Identifier: Apache-2.0
// The variables that templates see: those of the site, and what muster knows of the node.
#pragma once

#include "core/site/site.hh"

#include <array>
#include <string_view>

namespace muster {

/// Names that muster defines; a site may not define variables of these names.
inline constexpr std::array<std::string_view, 8> reserved_variables{
    "node",        "server_url", "server_host", "files_url",
    "answers_url", "report_url", "attempt",     "profile"};

[[nodiscard]] bool is_reserved_variable(std::string_view name) noexcept;

/// Where clients reach this server over HTTP.
struct ServerAddress {
    IpAddress address;
    std::uint16_t http_port = 80;
};

/// The address as it stands in a URL: of IPv6 in brackets (RFC 3986 section 3.2.2).
[[nodiscard]] std::string url_host(const IpAddress& address);

/// `http://10.0.0.1`, or `http://10.0.0.1:8080`: no port when it is 80.
[[nodiscard]] std::string server_url(const ServerAddress& server);

/// What a render is for.
struct TemplateSubject {
    std::string name;                 ///< of the node
    std::optional<MacAddress> mac;    ///< the one it boots from; missing before it has booted
    std::optional<IpAddress> address; ///< its lease or reservation
    std::vector<std::string> tags;
    std::string profile;
    unsigned attempt = 0;
    std::string token; ///< of this attempt
};

/// The site's defaults, overridden by the profile's variables, overridden by the node's; each
/// name is taken whole from the most specific place that has it. `profile` may be null.
[[nodiscard]] Variables merged_variables(const Variables& defaults, const Variables* profile,
                                         const Variables& node);

/// The context of a render:
///   node         {name, mac, address, tags}; mac and address are empty texts while unknown
///   server_url   http://ADDR[:PORT]        server_host ADDR[:PORT]
///   files_url    …/files
///   answers_url  …/answers/TOKEN           report_url  …/report/TOKEN
///   attempt      from 1                    profile     its name
/// and every member of `variables` (as merged_variables() gives them). Reserved names win.
[[nodiscard]] nlohmann::json template_context(const ServerAddress& server,
                                              const TemplateSubject& subject, Variables variables);

} // namespace muster
