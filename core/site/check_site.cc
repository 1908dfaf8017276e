// SPDX-License-Identifier: Apache-2.0
// What the files of a site say together: nothing twice, nothing that is not there.
#include "core/site/loader_parts.hh"
#include "core/site/scalar.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace muster {
namespace {

bool overlap(const Subnet& a, const Subnet& b) {
    return a.contains(b.network) || b.contains(a.network);
}

/// `node r1n01 (nodes.yaml:3:9)`, without the place for a node that came by the API.
std::string owner(const std::string& name, const SitePlace& place) {
    return place.file.empty() ? "node " + name : fmt::format("node {} ({})", name, to_text(place));
}

/// The values of one kind that must be unique, and whose they are.
template <class Value>
class Unique {
public:
    explicit Unique(SiteDraft& draft) : draft_(draft) {}

    void add(const Value& value, const std::string& shown, const std::string& node,
             const SitePlace& place, bool report) {
        const auto [before, fresh] = owners_.emplace(value, Owner{node, place});
        if (!fresh && report) {
            draft_.problem(place, fmt::format("{} is also that of {}", shown,
                                              owner(before->second.node, before->second.place)));
        }
    }

private:
    struct Owner {
        std::string node;
        SitePlace place;
    };
    SiteDraft& draft_;
    std::map<Value, Owner> owners_;
};

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

void check_reservation(const NodeSpec& node, const SitePlace& place, SiteDraft& draft) {
    const Ipv4Address address = *node.address;
    const auto& subnets = draft.site.subnets;
    const auto home = std::find_if(subnets.begin(), subnets.end(), [&](const SubnetPlan& plan) {
        return plan.subnet.contains(address);
    });
    if (home == subnets.end() && !(draft.site_known && draft.subnets_known)) {
        return;
    }
    if (home == subnets.end()) {
        draft.problem(place,
                      fmt::format("address {} is in no subnet of site.yaml", to_text(address)));
        return;
    }
    const auto refuse = [&](std::string_view what) {
        draft.problem(place, fmt::format("address {} is {}", to_text(address), what));
    };
    if (address == home->router) {
        refuse("the router's");
    }
    if (address == draft.site.server_address) {
        refuse("the server's");
    }
    if (home->subnet.prefix_length < 31 &&
        (address == home->subnet.network || address == home->subnet.broadcast())) {
        refuse("the network's own or the broadcast address");
    }
}

void check_profile(const std::string& name, const SitePlace& place, SiteDraft& draft) {
    if (name.empty() || draft.profile_places.contains(name) || draft.site.profiles.contains(name)) {
        return;
    }
    std::vector<std::string_view> known;
    for (const auto& [other, profile] : draft.site.profiles) {
        known.push_back(other);
    }
    draft.problem(place, fmt::format("there is no profile '{}'{}", name, suggestion(name, known)));
}

/// Two subnets at one relay or interface: which of them a client is in must be said.
void check_link(SiteDraft& draft, std::size_t i, std::size_t before) {
    const SubnetPlan& plan = draft.site.subnets[i];
    const SubnetPlan& other = draft.site.subnets[before];
    if (!plan.shared_network.empty() && plan.shared_network == other.shared_network) {
        return;
    }
    const auto refuse = [&](std::string_view what, std::string_view which) {
        draft.problem(draft.subnet_places[i],
                      fmt::format("{} {} is also that of subnet {} ({}); give both the same "
                                  "'shared-network' if they are one network",
                                  what, which, to_text(other.subnet),
                                  to_text(draft.subnet_places[before])));
    };
    for (const Ipv4Address& relay : plan.relays) {
        if (std::find(other.relays.begin(), other.relays.end(), relay) != other.relays.end()) {
            refuse("giaddr", to_text(relay));
        }
    }
    if (!plan.interface.empty() && plan.interface == other.interface) {
        refuse("interface", plan.interface);
    }
}

/// `circuit-id '…' of remote-id '…'`, as far as the match asks for them.
std::string port_text(const NodeMatch& match) {
    const auto part = [](std::string_view what, const std::string& id) {
        return id.empty() ? std::string{} : fmt::format("{} '{}'", what, identifier_text(id));
    };
    const std::string circuit = part("circuit-id", match.circuit_id);
    const std::string remote = part("remote-id", match.remote_id);
    return circuit + (circuit.empty() || remote.empty() ? "" : " of ") + remote;
}

} // namespace

void check_subnets(SiteDraft& draft) {
    const auto& subnets = draft.site.subnets;
    for (std::size_t i = 0; i < subnets.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (overlap(subnets[i].subnet, subnets[j].subnet)) {
                draft.problem(draft.subnet_places[i],
                              fmt::format("subnet {} overlaps subnet {} ({})",
                                          to_text(subnets[i].subnet), to_text(subnets[j].subnet),
                                          to_text(draft.subnet_places[j])));
            }
            check_link(draft, i, j);
        }
        const auto& server = draft.site.server_address;
        for (const PoolPlan& pool : subnets[i].pools) {
            if (server && pool.range.contains(*server)) {
                draft.problem(draft.subnet_places[i],
                              fmt::format("pool {}-{} holds the server's address {}",
                                          to_text(pool.range.first), to_text(pool.range.last),
                                          to_text(*server)));
            }
        }
    }
}

void check_nodes(SiteDraft& draft, std::size_t first) {
    Unique<std::string> names{draft};
    Unique<MacAddress> macs{draft};
    Unique<Ipv4Address> addresses{draft};
    Unique<Ipv6Address> addresses6{draft};
    Unique<std::array<std::uint8_t, 16>> uuids{draft};
    Unique<std::string> clients{draft};
    Unique<std::pair<std::string, std::string>> ports{draft};
    for (std::size_t i = 0; i < draft.site.nodes.size(); ++i) {
        const NodeSpec& node = draft.site.nodes[i];
        const SiteDraft::NodePlaces& places = draft.node_places[i];
        const bool report = i >= first;
        if (!node.name.empty()) {
            names.add(lower(node.name), fmt::format("name '{}'", node.name), node.name, places.name,
                      report);
        }
        for (std::size_t m = 0; m < node.macs.size(); ++m) {
            macs.add(node.macs[m], "mac " + to_text(node.macs[m]), node.name,
                     m < places.macs.size() ? places.macs[m] : SitePlace{}, report);
        }
        if (node.match.uuid) {
            uuids.add(*node.match.uuid, "uuid", node.name, places.uuid, report);
        }
        if (!node.match.client_id.empty()) {
            clients.add(node.match.client_id,
                        fmt::format("client-id '{}'", identifier_text(node.match.client_id)),
                        node.name, places.client_id, report);
        }
        if (node.match.has_port()) {
            ports.add({node.match.circuit_id, node.match.remote_id}, port_text(node.match),
                      node.name, places.port, report);
        }
        if (node.address) {
            addresses.add(*node.address, "address " + to_text(*node.address), node.name,
                          places.address, report);
        }
        if (node.address6) {
            addresses6.add(*node.address6, "address " + to_text(*node.address6), node.name,
                           places.address, report);
        }
        if (node.address6 && report) {
            check_reservation6(node, places.address, draft);
        }
        if (node.address && report) {
            check_reservation(node, places.address, draft);
        }
        if (report) {
            check_profile(node.profile, places.profile, draft);
        }
    }
    if (first == 0) {
        check_profile(draft.site.unknown.profile, draft.unknown_profile_place, draft);
    }
}

} // namespace muster
