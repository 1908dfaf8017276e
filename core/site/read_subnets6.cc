// SPDX-License-Identifier: Apache-2.0
// The IPv6 items of `subnets` in site.yaml: read, and checked against each other.
#include "core/site/loader.hh"
#include "core/site/loader_parts.hh"
#include "core/site/scalar.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

std::optional<Range6> read_pool_range6(const YamlValue& value, const Subnet6Plan& plan) {
    const auto text = value.text("pool");
    if (!text) {
        return std::nullopt;
    }
    const auto range = read_range6(*text);
    if (!range) {
        value.problem(fmt::format(
            "pool '{}' is no range such as fd00:79::100-fd00:79::1ff, first address first", *text));
        return std::nullopt;
    }
    if (!plan.subnet.contains(range->first) || !plan.subnet.contains(range->last)) {
        value.problem(fmt::format("pool {} leaves its subnet {}", *text, to_text(plan.subnet)));
        return std::nullopt;
    }
    for (const Subnet6Plan::Pool& other : plan.pools) {
        if (range->first <= other.range.last && other.range.first <= range->last) {
            value.problem(fmt::format("pool {} overlaps pool {}-{}", *text,
                                      to_text(other.range.first), to_text(other.range.last)));
        }
    }
    return range;
}

/// A range, or `{range: …, class: …}`.
void read_pool6(const YamlValue& value, Subnet6Plan& plan, const SiteDraft& draft) {
    Subnet6Plan::Pool pool;
    std::optional<Range6> range;
    if (value.is_map()) {
        const YamlMap map{value, "pool", {"range", "class"}};
        if (const auto* where = map.require("range")) {
            range = read_pool_range6(*where, plan);
        }
        if (const auto* names = map.find("class")) {
            pool.classes = read_class_names(*names, draft);
        }
    } else {
        range = read_pool_range6(value, plan);
    }
    if (range) {
        pool.range = *range;
        plan.pools.push_back(pool);
    }
}

void read_addresses(const YamlValue& value, std::string_view what,
                    std::vector<Ipv6Address>& target) {
    for (const YamlValue& item : value.items_or_one(what)) {
        if (const auto address = item.address6(what)) {
            target.push_back(*address);
        }
    }
}

/// What has a key of its own is not said twice.
void read_subnet6_options(const YamlValue& value, Subnet6Plan& plan) {
    plan.options = read_dhcp_options(value, DhcpOptionFamily::dhcp6);
    const auto refuse = [&](bool given, std::uint8_t code, std::string_view key) {
        if (given && plan.options.has(code)) {
            value.problem(fmt::format("option {} is given by the key '{}' already", code, key));
        }
    };
    refuse(!plan.dns.empty(), 23, "dns");
    refuse(!plan.domain.empty(), 24, "domain");
}

bool overlap6(const Subnet6& a, const Subnet6& b) {
    return a.contains(b.network) || b.contains(a.network);
}

} // namespace

void read_subnet6_yaml(const YamlValue& value, SiteDraft& draft) {
    const YamlMap map{value,
                      "IPv6 subnet",
                      {"subnet", "pools", "dns", "domain", "lease", "options", "relay", "interface",
                       "shared-network"}};
    Subnet6Plan plan;
    const auto* subnet = map.require("subnet");
    const auto text = subnet == nullptr ? std::nullopt : subnet->text("subnet");
    const auto read = text ? read_subnet6(*text) : std::nullopt;
    if (!read) {
        draft.subnets_known = false;
        if (text) {
            subnet->problem(fmt::format(
                "'{}' is no subnet such as fd00:79::/64, with the host part zero", *text));
        }
        return;
    }
    plan.subnet = *read;
    if (const auto* pools = map.find("pools")) {
        for (const YamlValue& pool : pools->items_or_one("pools")) {
            read_pool6(pool, plan, draft);
        }
    }
    if (const auto* dns = map.find("dns")) {
        read_addresses(*dns, "dns", plan.dns);
    }
    if (const auto* domain = map.find("domain")) {
        plan.domain = domain->text("domain").value_or("");
        if (!plan.domain.empty() && !is_host_name(plan.domain, 253)) {
            domain->problem(fmt::format("domain '{}' is no domain name", plan.domain));
        }
    }
    if (const auto* lease = map.find("lease")) {
        if (const auto time = lease->duration("lease")) {
            plan.lease = *time;
            if (*time < lease_min || *time > lease_max) {
                lease->problem("lease must be from 30s to 365d");
            }
        }
    }
    if (const auto* options = map.find("options")) {
        read_subnet6_options(*options, plan);
    }
    if (const auto* relay = map.find("relay")) {
        const YamlMap relay_map{*relay, "relay", {"link-address"}};
        if (const auto* link = relay_map.require("link-address")) {
            read_addresses(*link, "link-address", plan.relays);
        }
    }
    read_link_names(map, plan.interface, plan.shared_network);
    draft.site.subnets6.push_back(std::move(plan));
    draft.subnet6_places.push_back(subnet->place());
}

void check_subnets6(SiteDraft& draft) {
    const auto& subnets = draft.site.subnets6;
    for (std::size_t i = 0; i < subnets.size(); ++i) {
        const auto refuse = [&](std::string text) {
            draft.problem(draft.subnet6_places[i], std::move(text));
        };
        for (std::size_t j = 0; j < i; ++j) {
            const Subnet6Plan& plan = subnets[i];
            const Subnet6Plan& other = subnets[j];
            const std::string which = fmt::format("subnet {} ({})", to_text(other.subnet),
                                                  to_text(draft.subnet6_places[j]));
            if (overlap6(plan.subnet, other.subnet)) {
                refuse(fmt::format("subnet {} overlaps {}", to_text(plan.subnet), which));
            }
            if (!plan.shared_network.empty() && plan.shared_network == other.shared_network) {
                continue;
            }
            for (const Ipv6Address& relay : plan.relays) {
                if (std::ranges::find(other.relays, relay) != other.relays.end()) {
                    refuse(fmt::format("link-address {} is also that of {}; give both the same "
                                       "'shared-network' if they are one network",
                                       to_text(relay), which));
                }
            }
            if (!plan.interface.empty() && plan.interface == other.interface) {
                refuse(fmt::format("interface {} is also that of {}; give both the same "
                                   "'shared-network' if they are one network",
                                   plan.interface, which));
            }
        }
    }
}

void check_reservation6(const NodeSpec& node, const SitePlace& place, SiteDraft& draft) {
    const Ipv6Address& address = *node.address6;
    const auto& subnets = draft.site.subnets6;
    const bool served = std::any_of(subnets.begin(), subnets.end(), [&](const Subnet6Plan& plan) {
        return plan.subnet.contains(address);
    });
    if (!served && draft.site_known && draft.subnets_known) {
        draft.problem(place,
                      fmt::format("address {} is in no subnet of site.yaml", to_text(address)));
    }
    if (address == draft.site.server_address6) {
        draft.problem(place, fmt::format("address {} is the server's", to_text(address)));
    }
}

} // namespace muster
