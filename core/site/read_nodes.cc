// SPDX-License-Identifier: Apache-2.0
// nodes.yaml and nodes/*.yaml: the machines.
#include "core/node/node_alias.hh"
#include "core/site/loader_parts.hh"
#include "core/site/scalar.hh"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace muster {
namespace {

/// Ports of one machine.
constexpr std::size_t mac_count_max = 16;

void read_macs(const YamlValue& value, NodeSpec& node, SiteDraft::NodePlaces& places) {
    for (const YamlValue& item : value.items_or_one("mac")) {
        const auto text = item.text("mac");
        if (!text) {
            continue;
        }
        const auto mac = read_mac_address(*text);
        if (!mac) {
            item.problem(
                fmt::format("mac '{}' is no MAC address such as 52:54:00:12:34:56", *text));
        } else if (mac->is_zero() || (mac->octets[0] & 1U) != 0) {
            item.problem(fmt::format("mac {} is no address of one machine", to_text(*mac)));
        } else if (node.macs.size() == mac_count_max) {
            item.problem(fmt::format("more than {} MAC addresses", mac_count_max));
            return;
        } else {
            node.macs.push_back(*mac);
            places.macs.push_back(item.place());
        }
    }
}

/// Text as it stands, or octets as `0x…`; a client id also as `01:52:54:…`, as other servers show
/// it. Empty when that cannot be read.
std::string read_match_id(const YamlValue& value, std::string_view what) {
    const auto text = value.text(what);
    if (!text) {
        return {};
    }
    std::string_view shown = *text;
    std::string hex;
    const bool pairs = what == "client-id" && shown.size() >= 5 && shown.size() % 3 == 2 &&
                       shown[2] == ':' &&
                       shown.find_first_not_of("0123456789abcdefABCDEF:") == std::string_view::npos;
    if (pairs) {
        hex = "0x";
        std::copy_if(shown.begin(), shown.end(), std::back_inserter(hex),
                     [](char c) { return c != ':'; });
        shown = hex;
    }
    const auto id = read_identifier(shown);
    if (!id) {
        value.problem(fmt::format("{} '{}' is neither a text nor a hexadecimal value such as "
                                  "0x0004000a",
                                  what, *text));
        return {};
    }
    if (id->size() > identifier_size_max) {
        value.problem(fmt::format("{} is longer than {} bytes", what, identifier_size_max));
    }
    return *id;
}

void read_match(const YamlValue& value, NodeSpec& node, SiteDraft::NodePlaces& places) {
    const YamlMap map{value, "match", {"uuid", "client-id", "circuit-id", "remote-id"}};
    if (const auto* uuid = map.find("uuid")) {
        places.uuid = uuid->place();
        if (const auto text = uuid->text("uuid")) {
            node.match.uuid = read_uuid(*text);
            if (!node.match.uuid) {
                uuid->problem(fmt::format(
                    "uuid '{}' is no UUID such as 79000000-0000-4000-8000-000000000000", *text));
            } else if (std::all_of(node.match.uuid->begin(), node.match.uuid->end(),
                                   [&](auto b) { return b == node.match.uuid->front(); })) {
                uuid->problem(fmt::format("uuid {} is one that many machines have", *text));
            }
        }
    }
    if (const auto* client = map.find("client-id")) {
        places.client_id = client->place();
        node.match.client_id = read_match_id(*client, "client-id");
    }
    if (const auto* remote = map.find("remote-id")) {
        places.port = remote->place();
        node.match.remote_id = read_match_id(*remote, "remote-id");
    }
    if (const auto* circuit = map.find("circuit-id")) {
        places.port = circuit->place();
        node.match.circuit_id = read_match_id(*circuit, "circuit-id");
    }
    if (value.is_map() && !map.has("uuid") && !map.has("client-id") && !map.has("circuit-id") &&
        !map.has("remote-id")) {
        value.problem("match has none of uuid, client-id, circuit-id and remote-id");
    }
}

void read_tags(const YamlValue& value, NodeSpec& node) {
    for (const YamlValue& item : value.items_or_one("tags")) {
        const auto tag = item.text("tag");
        if (tag && !is_plain_name(*tag)) {
            item.problem(fmt::format("'{}' is no tag (letters, digits, '.', '_' and '-')", *tag));
        } else if (tag) {
            node.tags.push_back(*tag);
        }
    }
}

} // namespace

void read_node_yaml(const YamlValue& value, SiteDraft& draft) {
    const YamlMap map{
        value,
        "node",
        {"name", "mac", "match", "profile", "address", "tags", "variables", "options", "options6"}};
    NodeSpec node;
    SiteDraft::NodePlaces places;
    places.whole = value.place();
    if (const auto* name = map.require("name")) {
        places.name = name->place();
        if (const auto text = name->text("name")) {
            node.name = *text;
            if (!is_host_name(node.name, host_name_size_max)) {
                name->problem(fmt::format("name '{}' is no host name (letters, digits and "
                                          "hyphens, at most {} bytes)",
                                          node.name, host_name_size_max));
            }
        }
    }
    if (const auto* mac = map.find("mac")) {
        read_macs(*mac, node, places);
    }
    if (const auto* match = map.find("match")) {
        read_match(*match, node, places);
    }
    if (value.is_map() && !map.has("mac") && !map.has("match")) {
        value.problem("node has neither mac nor match, so it cannot be recognised");
    }
    if (const auto* profile = map.require("profile")) {
        places.profile = profile->place();
        node.profile = profile->text("profile").value_or("");
    }
    if (const auto* address = map.find("address")) {
        places.address = address->place();
        address->addresses("address", node.address, node.address6);
    }
    if (const auto* tags = map.find("tags")) {
        read_tags(*tags, node);
    }
    if (const auto* variables = map.find("variables")) {
        node.variables = read_variables(*variables);
    }
    if (const auto* options = map.find("options")) {
        node.options = read_dhcp_options(*options);
    }
    if (const auto* options = map.find("options6")) {
        node.options6 = read_dhcp_options(*options, DhcpOptionFamily::dhcp6);
    }
    draft.site.nodes.push_back(std::move(node));
    draft.node_places.push_back(std::move(places));
}

void read_nodes_yaml(const YamlValue& value, SiteDraft& draft) {
    for (const YamlValue& node : value.items("the file")) {
        read_node_yaml(node, draft);
    }
}

} // namespace muster
