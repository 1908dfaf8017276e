// SPDX-License-Identifier: Apache-2.0
// A site folder, read and checked: what machines there are and what they should get.
#pragma once

#include "core/site/dhcp_plan.hh"
#include "core/site/mirror_plan.hh"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace muster {

/// Template variables: a JSON object. Node variables override profile ones, these the defaults.
using Variables = nlohmann::json;

/// How long each phase of an install may take.
struct Deadlines {
    Duration booting = std::chrono::minutes{5};     ///< from the offer to the answers being fetched
    Duration installing = std::chrono::minutes{45}; ///< from then to the report `installed`
};

struct Profile {
    std::string name;
    std::string kernel;                         ///< below files/, or an http:// URL
    std::vector<std::string> initrd;            ///< the same
    std::string cmdline;                        ///< Mustache text
    std::map<std::string, std::string> answers; ///< name asked for → file below templates/
    LoaderChoice loader = LoaderChoice::automatic;
    Variables variables = Variables::object();
    DhcpOptionSet options;
    DhcpOptionSet options6{}; ///< of DHCPv6
    Deadlines deadlines;
    unsigned retries = 3; ///< attempts after the first before `failed` is final
    /// How often an attempt may fetch each of its answers; they hold secrets. Loaders crash and
    /// installers ask twice, so once is too few.
    unsigned answers_fetches = 3;
    unsigned boot_slots = 0; ///< machines of it that may load at once; 0: no limit of its own
};
inline constexpr unsigned answers_fetches_max = 100;

/// How a machine is recognised beside its `mac`: by any of UUID, client id and switch port. The
/// port is what the relay says; where it names switch and port, both must be right. Octets as on
/// the wire; empty: not asked.
struct NodeMatch {
    std::optional<std::array<std::uint8_t, 16>> uuid; ///< as option 97 carries it
    std::string client_id;                            ///< option 61
    std::string circuit_id;                           ///< option 82.1
    std::string remote_id;                            ///< option 82.2

    [[nodiscard]] bool has_port() const noexcept {
        return !circuit_id.empty() || !remote_id.empty();
    }
    [[nodiscard]] bool any() const noexcept { return uuid || !client_id.empty() || has_port(); }
    friend bool operator==(const NodeMatch&, const NodeMatch&) = default;
};

struct NodeSpec {
    std::string name;
    std::vector<MacAddress> macs;
    NodeMatch match;
    std::string profile;
    std::optional<Ipv4Address> address;
    std::optional<Ipv6Address> address6;
    std::vector<std::string> tags;
    Variables variables = Variables::object();
    DhcpOptionSet options;
    DhcpOptionSet options6{}; ///< of DHCPv6
};

struct UnknownNodes {
    BootAction action = BootAction::ignore;
    std::string profile; ///< of action `install`
};

/// Who may load when there are more machines than slots. Slots are never 0.
struct BootOrder {
    std::map<std::string, int> priorities;     ///< by tag; of several the highest counts
    std::map<std::string, unsigned> tag_slots; ///< machines with the tag that may load at once
    std::map<std::string, unsigned>
        switch_slots;                            ///< the same by option 82.2, octets as on the wire
    std::map<Ipv4Address, unsigned> relay_slots; ///< the same by giaddr
};

struct Site {
    std::string folder; ///< absolute
    std::optional<Ipv4Address> server_address;
    std::optional<Ipv6Address> server_address6;
    bool http_boot_by_https = false; ///< UEFI HTTP boot gets https URLs
    std::vector<SubnetPlan> subnets;
    std::vector<Subnet6Plan> subnets6;
    std::vector<ClientClass> classes;
    std::vector<MirrorPlan> mirrors;
    UnknownNodes unknown;
    BootOrder boot;
    std::map<std::string, std::string> loaders; ///< overrides: name → absolute path
    Variables default_variables = Variables::object();
    DhcpOptionSet default_options;
    DhcpOptionSet default_options6; ///< of DHCPv6
    std::map<std::string, Profile> profiles;
    std::vector<NodeSpec> nodes;
    std::map<std::string, std::string> templates; ///< file below templates/ → its text
};

} // namespace muster
