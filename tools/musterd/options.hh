// SPDX-License-Identifier: Apache-2.0
// The flags of musterd: command line, environment (MUSTERD_NAME), flags file, defaults.
#pragma once

#include "core/addr/subnet.hh"
#include "core/base/result.hh"

#include <optional>
#include <string>
#include <vector>

namespace muster {

/// Where multicast TFTP sends: group n has address n of the subnet, in turn, and port n.
struct MulticastGroups {
    Subnet subnet{{{239, 255, 69, 0}}, 24};
    std::uint16_t first_port = 1758;
};

struct Options {
    std::string site = "/etc/muster";
    std::string data = "/var/lib/muster";
    std::string store = "sqlite:";
    std::vector<std::string> interfaces;
    std::string backend = "io_uring";
    std::string dpdk_eal;  ///< arguments to DPDK's EAL, separated by spaces
    std::string dpdk_port; ///< a virtual device with its arguments, or a PCI address
    std::string dpdk_split = "tap";
    unsigned workers = 0; ///< 0: one per core
    bool pin = false;
    std::string user; ///< empty: `muster` if it exists, and if we are root
    std::string dhcp = "server";
    std::uint16_t dhcp_port = 67;
    std::uint16_t pxe_port = 4011;
    bool dhcp6 = true;
    std::uint16_t dhcp6_port = 547;
    bool router_advertisements = true;
    bool tftp = true;
    std::uint16_t tftp_port = 69;
    bool tftp_single_port = false;
    bool tftp_ignore_case = false;
    std::uint16_t tftp_blksize_max = 1468;
    std::uint16_t tftp_windowsize_max = 64;
    std::optional<MulticastGroups> tftp_multicast = MulticastGroups{}; ///< nullopt: off
    std::uint8_t tftp_multicast_ttl = 1;
    bool http = true;
    std::uint16_t http_port = 80;
    std::optional<std::uint16_t> https_port; ///< nullopt: off
    std::string tls_cert;
    std::string tls_key;
    std::string http_send = "auto";
    std::string cache = "/var/cache/muster";             ///< of mirrors
    std::uint64_t cache_size = std::uint64_t{20} << 30U; ///< bytes
    std::optional<unsigned> boot_slots = 0;              ///< 0: auto; nullopt: off
    std::uint64_t egress = 0;      ///< bytes a second; 0: what the interfaces' links say
    std::size_t packet_log = 0;    ///< bytes a worker; 0: off
    std::string access_log;        ///< a file, `-` for standard output, empty: off
    std::optional<Endpoint> admin; ///< nullopt: off
    std::string admin_token_file;
    std::string log_level = "info";
    bool log_json = false;

    bool dpdk_check = false; ///< --dpdk-check: say what DPDK lacks here, exit
    bool check = false;      ///< --check: read the site, say what is wrong, exit
};

/// What the command line came to.
struct ParsedOptions {
    enum class Kind : std::uint8_t { run, help, version };
    Kind kind = Kind::run;
    Options options;
    std::string text; ///< of help and version
};

/// Reads the flags. An error is one line that names the flag, its value and what is allowed.
[[nodiscard]] Result<ParsedOptions, std::string> read_options(int argc, const char* const* argv);

} // namespace muster
