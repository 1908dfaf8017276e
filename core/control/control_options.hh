// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/addr/ip_address.hh"
#include "core/base/time.hh"
#include "core/content/content.hh"
#include "core/control/governor.hh"
#include "core/metrics/exposition.hh"
#include "core/port/packet_record.hh"

#include <functional>
#include <map>
#include <string>

namespace muster {

/// A text that the admin API serves as it is; both have an ETag.
struct AdminAsset {
    ContentRef plain;
    ContentRef gzip; ///< for those that accept it; may be null
};

struct ControlOptions {
    unsigned workers = 1;                    ///< workers 0 .. workers - 1 get snapshots
    std::uint16_t http_port = 80;            ///< in URLs
    std::uint16_t https_port = 0;            ///< of the site's HTTPS; 0: there is none
    std::optional<GovernorOptions> governor; ///< empty: all load at once
    /// What clients are told when neither the site nor their request names the server's address.
    IpAddress server_address;
    /// Finds the boot loaders for a site's overrides (name → absolute path), at each reload; see
    /// resolve_loaders(). Empty: the overrides are all there is.
    std::function<std::map<std::string, std::string>(const std::map<std::string, std::string>&)>
        find_loaders;
    /// Bearer token of the admin API with the role admin, beside those made by it. Empty: as long
    /// as none is made, none is wanted.
    std::string admin_token;
    /// Adds what others count to a scrape of /metrics; may be empty.
    std::function<void(Exposition&)> scrape;
    /// A capture file of what is remembered of a machine's packets; empty: nothing is.
    std::function<std::string(const PacketsWanted&)> packets;
    std::map<std::string, AdminAsset, std::less<>> assets; ///< by path; `/` is the page
    Duration restart_grace = std::chrono::minutes{2};      ///< see Control::start()
};

} // namespace muster
