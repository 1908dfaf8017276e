// SPDX-License-Identifier: Apache-2.0
// site.yaml: the server, the subnets, what unknown machines get, overrides of loaders, defaults.
#include "core/content/loaders.hh"
#include "core/content/template_context.hh"
#include "core/site/loader.hh"
#include "core/site/loader_parts.hh"
#include "core/site/scalar.hh"

#include <fmt/format.h>

namespace muster {
namespace {

std::optional<AddressRange> read_pool(const YamlValue& value, const SubnetPlan& plan) {
    const auto text = value.text("pool");
    if (!text) {
        return std::nullopt;
    }
    const auto range = read_address_range(*text);
    if (!range) {
        value.problem(fmt::format(
            "pool '{}' is no range such as 10.0.1.0-10.0.1.255, first address first", *text));
        return std::nullopt;
    }
    if (!plan.subnet.contains(range->first) || !plan.subnet.contains(range->last)) {
        value.problem(fmt::format("pool {} leaves its subnet {}", *text, to_text(plan.subnet)));
        return std::nullopt;
    }
    const auto refuse = [&](const Ipv4Address& address, std::string_view what) {
        if (range->contains(address)) {
            value.problem(fmt::format("pool {} holds {} {}", *text, what, to_text(address)));
        }
    };
    if (plan.subnet.prefix_length < 31) { // RFC 3021: a /31 has neither
        refuse(plan.subnet.network, "the network's own address");
        refuse(plan.subnet.broadcast(), "the broadcast address");
    }
    if (plan.router) {
        refuse(*plan.router, "the router");
    }
    for (const AddressRange& other : plan.pools) {
        if (range->first <= other.last && other.first <= range->last) {
            value.problem(fmt::format("pool {} overlaps pool {}-{}", *text, to_text(other.first),
                                      to_text(other.last)));
        }
    }
    return range;
}

void read_subnet_yaml(const YamlValue& value, SiteDraft& draft) {
    const YamlMap map{
        value, "subnet", {"subnet", "pools", "router", "dns", "domain", "lease", "relay"}};
    SubnetPlan plan;
    bool good = false;
    SitePlace place = value.place();
    if (const auto* subnet = map.require("subnet")) {
        place = subnet->place();
        if (const auto text = subnet->text("subnet")) {
            const auto read = read_subnet(*text);
            if (!read) {
                subnet->problem(fmt::format(
                    "'{}' is no subnet such as 10.0.0.0/16, with the host part zero", *text));
            }
            good = read.has_value();
            plan.subnet = read.value_or(Subnet{});
        }
    }
    if (const auto* router = map.find("router")) {
        plan.router = router->address("router");
        if (good && plan.router && !plan.subnet.contains(*plan.router)) {
            router->problem(fmt::format("router {} is not in its subnet {}", to_text(*plan.router),
                                        to_text(plan.subnet)));
        }
    }
    if (const auto* pools = map.find("pools"); pools != nullptr && good) {
        for (const YamlValue& pool : pools->items_or_one("pools")) {
            if (const auto range = read_pool(pool, plan)) {
                plan.pools.push_back(*range);
            }
        }
    }
    if (const auto* dns = map.find("dns")) {
        for (const YamlValue& server : dns->items_or_one("dns")) {
            if (const auto address = server.address("dns")) {
                plan.dns.push_back(*address);
            }
        }
    }
    if (const auto* domain = map.find("domain")) {
        plan.domain = domain->text("domain").value_or("");
        if (!plan.domain.empty() && !is_host_name(plan.domain, 253)) {
            domain->problem(fmt::format("domain '{}' is no domain name", plan.domain));
        }
    }
    if (const auto* lease = map.find("lease")) {
        if (const auto read = lease->duration("lease")) {
            plan.lease = *read;
            if (*read < lease_min || *read > lease_max) {
                lease->problem("lease must be from 30s to 365d");
            }
        }
    }
    if (const auto* relay = map.find("relay")) {
        const YamlMap relay_map{*relay, "relay", {"giaddr"}};
        if (const auto* giaddr = relay_map.require("giaddr")) {
            plan.relay_giaddr = giaddr->address("giaddr");
        }
    }
    draft.subnets_known = draft.subnets_known && good;
    if (good) {
        draft.site.subnets.push_back(std::move(plan));
        draft.subnet_places.push_back(place);
    }
}

void read_unknown_nodes(const YamlValue& value, SiteDraft& draft) {
    UnknownNodes& unknown = draft.site.unknown;
    constexpr std::string_view expected =
        "{profile: NAME}, ignore, boot-local or {hold: true} is expected";
    if (!value.is_map()) {
        const auto text = value.text("unknown-nodes");
        if (text == "ignore") {
            unknown.action = BootAction::ignore;
        } else if (text == "boot-local") {
            unknown.action = BootAction::boot_local;
        } else if (text) {
            value.problem(fmt::format("unknown-nodes '{}': {}{}", *text, expected,
                                      nearest_word(*text, {"ignore", "boot-local"}).empty()
                                          ? ""
                                          : suggestion(*text, {"ignore", "boot-local"})));
        }
        return;
    }
    const YamlMap map{value, "unknown-nodes", {"profile", "hold"}};
    const auto* profile = map.find("profile");
    const auto* hold = map.find("hold");
    if ((profile == nullptr) == (hold == nullptr)) {
        value.problem(fmt::format("unknown-nodes: {}", expected));
        return;
    }
    if (profile != nullptr) {
        unknown.action = BootAction::install;
        unknown.profile = profile->text("profile").value_or("");
        draft.unknown_profile_place = profile->place();
    } else if (const auto on = hold->boolean("hold")) {
        unknown.action = *on ? BootAction::hold : BootAction::ignore;
    }
}

void read_loader_overrides(const YamlValue& value, SiteDraft& draft) {
    for (const YamlValue::Entry& entry : value.entries("loaders")) {
        if (!is_loader_name(entry.name)) {
            entry.key.problem(fmt::format("unknown loader '{}'{}", entry.name,
                                          suggestion(entry.name, loader_names())));
            continue;
        }
        const auto path = entry.value.text("loader");
        if (path && !path->starts_with('/')) {
            entry.value.problem(
                fmt::format("loader {}: '{}' is no absolute path", entry.name, *path));
        } else if (path) {
            draft.site.loaders[entry.name] = *path;
        }
    }
}

} // namespace

Variables read_variables(const YamlValue& value) {
    Variables variables = Variables::object();
    for (const YamlValue::Entry& entry : value.entries("variables")) {
        if (is_reserved_variable(entry.name)) {
            entry.key.problem(
                fmt::format("variable '{}' is muster's own and cannot be set", entry.name));
        } else if (!is_variable_name(entry.name)) {
            entry.key.problem(fmt::format("'{}' is no name of a variable (letters, digits, '_' "
                                          "and '-', not beginning with a digit)",
                                          entry.name));
        } else {
            variables[entry.name] = entry.value.json();
        }
    }
    return variables;
}

void read_site_yaml(const YamlValue& value, SiteDraft& draft) {
    const YamlMap map{
        value, "site.yaml", {"server", "subnets", "unknown-nodes", "loaders", "defaults"}};
    draft.site_known = value.is_map();
    if (const auto* server = map.find("server")) {
        const YamlMap server_map{*server, "server", {"address"}};
        if (const auto* address = server_map.find("address")) {
            draft.site.server_address = address->address("server address");
        }
    }
    if (const auto* subnets = map.find("subnets")) {
        draft.subnets_known = subnets->is_list();
        for (const YamlValue& subnet : subnets->items("subnets")) {
            read_subnet_yaml(subnet, draft);
        }
    }
    if (const auto* unknown = map.find("unknown-nodes")) {
        read_unknown_nodes(*unknown, draft);
    }
    if (const auto* loaders = map.find("loaders")) {
        read_loader_overrides(*loaders, draft);
    }
    if (const auto* defaults = map.find("defaults")) {
        const YamlMap defaults_map{*defaults, "defaults", {"variables"}};
        if (const auto* variables = defaults_map.find("variables")) {
            draft.site.default_variables = read_variables(*variables);
        }
    }
}

} // namespace muster
