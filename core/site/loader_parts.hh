// SPDX-License-Identifier: Apache-2.0
// The parts of the site loader: first every file is read for itself, then what they say together
// is checked. Nobody but the loader includes this.
#pragma once

#include "core/site/dhcp_option_table.hh"
#include "core/site/site.hh"
#include "core/site/yaml_reader.hh"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster {

/// What was read, with the places that checks across files must name.
struct SiteDraft {
    Site site;
    std::vector<SiteProblem> problems;

    /// site.yaml, and every subnet in it, could be read. If not, what refers to them is not
    /// checked: the mistake is told once, not again for each node.
    bool site_known = false;
    bool subnets_known = true;

    std::vector<SitePlace> subnet_places;  ///< parallel to site.subnets
    std::vector<SitePlace> subnet6_places; ///< parallel to site.subnets6
    SitePlace unknown_profile_place;
    struct ProfilePlaces {
        SitePlace whole;
        SitePlace cmdline;
        std::map<std::string, SitePlace> answers; ///< by name asked for
    };
    std::map<std::string, ProfilePlaces> profile_places;
    struct NodePlaces {
        SitePlace whole;
        SitePlace name;
        std::vector<SitePlace> macs;
        SitePlace uuid;
        SitePlace client_id;
        SitePlace port; ///< circuit-id or remote-id
        SitePlace profile;
        SitePlace address;
    };
    std::vector<NodePlaces> node_places; ///< parallel to site.nodes

    void problem(const SitePlace& place, std::string text) {
        problems.push_back({place, std::move(text)});
    }
};

void read_site_yaml(const YamlValue& value, SiteDraft& draft);
/// An item of `subnets`.
void read_subnet_yaml(const YamlValue& value, SiteDraft& draft);
/// The same for an IPv6 subnet; whoever calls has seen that it is one.
void read_subnet6_yaml(const YamlValue& value, SiteDraft& draft);
/// The keys `class` of a pool and `interface` and `shared-network` of a subnet.
[[nodiscard]] ClassMask read_class_names(const YamlValue& value, const SiteDraft& draft);
void read_link_names(const YamlMap& map, std::string& interface, std::string& shared_network);
/// The key `boot`, once subnets were read.
void read_boot_order_yaml(const YamlValue& value, SiteDraft& draft);
/// How many machines may load at once: from 1 to boot_slots_max.
[[nodiscard]] std::optional<unsigned> read_boot_slots(const YamlValue& value);
/// The key `mirrors`.
void read_mirrors_yaml(const YamlValue& value, SiteDraft& draft);
/// The key `classes`.
void read_classes_yaml(const YamlValue& value, SiteDraft& draft);
void read_profile_yaml(const std::string& name, const YamlValue& value, SiteDraft& draft);
void read_nodes_yaml(const YamlValue& value, SiteDraft& draft);
void read_node_yaml(const YamlValue& value, SiteDraft& draft);
/// The key `variables`, wherever it stands.
[[nodiscard]] Variables read_variables(const YamlValue& value);
/// The key `options`, or `options6`, wherever it stands.
[[nodiscard]] DhcpOptionSet read_dhcp_options(const YamlValue& value,
                                              DhcpOptionFamily family = DhcpOptionFamily::dhcp4);
/// The key `loader` of a profile or class.
[[nodiscard]] std::optional<LoaderChoice> read_loader_choice(const YamlValue& value);

/// Subnets, pools and relays against each other.
void check_subnets(SiteDraft& draft);
/// IPv6 subnets and pools, and the reservation of a node in them.
void check_subnets6(SiteDraft& draft);
void check_reservation6(const NodeSpec& node, const SitePlace& place, SiteDraft& draft);
/// Nodes against each other, the subnets and the profiles; unknown-nodes against the profiles.
/// Only nodes from index `first` on are reported, those before it are known to be good; the same
/// below.
void check_nodes(SiteDraft& draft, std::size_t first = 0);
/// Templates for themselves; command lines and answers as each node would get them.
void check_templates(SiteDraft& draft, std::size_t first = 0);

} // namespace muster
