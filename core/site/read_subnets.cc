// SPDX-License-Identifier: Apache-2.0
// The items of `subnets` in site.yaml.
#include "core/site/loader.hh"
#include "core/site/loader_parts.hh"
#include "core/site/scalar.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

/// The longest name of an interface (IFNAMSIZ without its NUL).
constexpr std::size_t interface_name_max = 15;

std::optional<AddressRange> read_range(const YamlValue& value, const SubnetPlan& plan) {
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
    for (const PoolPlan& other : plan.pools) {
        if (range->first <= other.range.last && other.range.first <= range->last) {
            value.problem(fmt::format("pool {} overlaps pool {}-{}", *text,
                                      to_text(other.range.first), to_text(other.range.last)));
        }
    }
    return range;
}

/// A range, or `{range: …, class: …, bootp: …}`.
std::optional<PoolPlan> read_pool(const YamlValue& value, const SubnetPlan& plan,
                                  const SiteDraft& draft) {
    if (!value.is_map()) {
        const auto range = read_range(value, plan);
        return range ? std::optional{PoolPlan{*range}} : std::nullopt;
    }
    const YamlMap map{value, "pool", {"range", "class", "bootp"}};
    const auto* where = map.require("range");
    const auto range = where == nullptr ? std::nullopt : read_range(*where, plan);
    PoolPlan pool{range.value_or(AddressRange{})};
    if (const auto* names = map.find("class")) {
        pool.classes = read_class_names(*names, draft);
    }
    if (const auto* bootp = map.find("bootp")) {
        pool.bootp = bootp->boolean("bootp").value_or(false);
    }
    return range ? std::optional{pool} : std::nullopt;
}

/// Where the subnet is: behind relays, on an interface, together with others.
void read_link(const YamlMap& map, SubnetPlan& plan) {
    if (const auto* relay = map.find("relay")) {
        const YamlMap relay_map{*relay, "relay", {"giaddr"}};
        if (const auto* giaddr = relay_map.require("giaddr")) {
            for (const YamlValue& item : giaddr->items_or_one("giaddr")) {
                if (const auto address = item.address("giaddr")) {
                    plan.relays.push_back(*address);
                }
            }
        }
    }
    read_link_names(map, plan.interface, plan.shared_network);
}

/// The option sets that the keys of a subnet stand for, so that nothing is said twice.
void read_subnet_options(const YamlValue& value, SubnetPlan& plan) {
    plan.options = read_dhcp_options(value);
    const auto refuse = [&](bool given, std::uint8_t code, std::string_view key) {
        if (given && plan.options.has(code)) {
            value.problem(fmt::format("option {} is given by the key '{}' already", code, key));
        }
    };
    refuse(plan.router.has_value(), 3, "router");
    refuse(!plan.dns.empty(), 6, "dns");
    refuse(!plan.domain.empty(), 15, "domain");
}

} // namespace

ClassMask read_class_names(const YamlValue& value, const SiteDraft& draft) {
    ClassMask mask = 0;
    for (const YamlValue& item : value.items_or_one("class")) {
        const auto name = item.text("class");
        if (!name) {
            continue;
        }
        const auto& classes = draft.site.classes;
        const auto found = std::find_if(classes.begin(), classes.end(),
                                        [&](const ClientClass& one) { return one.name == *name; });
        if (found != classes.end()) {
            mask |= ClassMask{1} << (found - classes.begin());
            continue;
        }
        std::vector<std::string_view> known;
        for (const ClientClass& one : classes) {
            known.push_back(one.name);
        }
        item.problem(fmt::format("there is no class '{}'{}", *name, suggestion(*name, known)));
    }
    return mask;
}

void read_link_names(const YamlMap& map, std::string& name, std::string& shared_network) {
    if (const auto* given = map.find("interface")) {
        name = given->text("interface").value_or("");
        if (name.empty() || name.size() > interface_name_max ||
            name.find('/') != std::string::npos) {
            given->problem(fmt::format("'{}' is no name of a network interface", name));
        }
    }
    if (const auto* shared = map.find("shared-network")) {
        shared_network = shared->text("shared-network").value_or("");
        if (!is_plain_name(shared_network)) {
            shared->problem(
                fmt::format("'{}' is no name of a shared network (letters, digits, '.', "
                            "'_' and '-')",
                            shared_network));
        }
    }
}

void read_subnet_yaml(const YamlValue& value, SiteDraft& draft) {
    const YamlMap map{value,
                      "subnet",
                      {"subnet", "pools", "router", "dns", "domain", "lease", "options", "relay",
                       "interface", "shared-network"}};
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
            if (const auto read = read_pool(pool, plan, draft)) {
                plan.pools.push_back(*read);
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
    if (const auto* options = map.find("options")) {
        read_subnet_options(*options, plan);
    }
    read_link(map, plan);
    draft.subnets_known = draft.subnets_known && good;
    if (good) {
        draft.site.subnets.push_back(std::move(plan));
        draft.subnet_places.push_back(place);
    }
}

} // namespace muster
