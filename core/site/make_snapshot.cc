// SPDX-License-Identifier: Apache-2.0
#include "core/site/make_snapshot.hh"

namespace muster {
namespace {

/// What the site sets for all subnets goes behind what one of them says, be it as an option or by
/// a key of its own.
void add_site_options(const DhcpOptionSet& site, SubnetPlan& subnet) {
    for (const DhcpOptionSet::Entry& entry : site.entries()) {
        const bool by_key = (entry.code == 3 && subnet.router) ||
                            (entry.code == 6 && !subnet.dns.empty()) ||
                            (entry.code == 15 && !subnet.domain.empty());
        if (!by_key && !subnet.options.has(entry.code)) {
            subnet.options.set(entry.code, entry.value, entry.always);
        }
    }
}

void add_site_options6(const DhcpOptionSet& site, Subnet6Plan& subnet) {
    for (const DhcpOptionSet::Entry& entry : site.entries()) {
        const bool by_key = (entry.code == 23 && !subnet.dns.empty()) ||
                            (entry.code == 24 && !subnet.domain.empty());
        if (!by_key && !subnet.options.has(entry.code)) {
            subnet.options.set(entry.code, entry.value, entry.always);
        }
    }
}

} // namespace

Snapshot make_snapshot(const Site& site, SnapshotParts parts) {
    Snapshot snapshot;
    snapshot.revision = parts.revision;
    snapshot.nodes = std::move(parts.nodes);
    snapshot.loaders = std::move(parts.loaders);
    snapshot.mirrors = site.mirrors;
    snapshot.files_root =
        site.folder.ends_with('/') ? site.folder + "files" : site.folder + "/files";

    DhcpPlan& plan = snapshot.dhcp;
    plan.subnets = site.subnets;
    plan.subnets6 = site.subnets6;
    plan.server_address6 = site.server_address6.value_or(Ipv6Address{});
    plan.server_address = site.server_address.value_or(Ipv4Address{});
    plan.ports = parts.ports;
    if (!site.http_boot_by_https) {
        plan.ports.https = 0;
    }
    plan.unknown_action = site.unknown.action;
    if (const auto profile = site.profiles.find(site.unknown.profile);
        profile != site.profiles.end()) {
        plan.unknown_loader = profile->second.loader;
        if (!profile->second.options.empty()) {
            plan.unknown_options.set =
                std::make_shared<const DhcpOptionSet>(profile->second.options);
        }
        if (!profile->second.options6.empty()) {
            plan.unknown_options6.set =
                std::make_shared<const DhcpOptionSet>(profile->second.options6);
        }
    }
    plan.classes = site.classes;
    for (SubnetPlan& subnet : plan.subnets) {
        add_site_options(site.default_options, subnet);
    }
    for (Subnet6Plan& subnet : plan.subnets6) {
        add_site_options6(site.default_options6, subnet);
    }
    if (site.server_address) {
        for (SubnetPlan& subnet : plan.subnets) {
            // An installer without a name server stops and asks for one. Where the server's
            // address is not known either, the one of the interface takes its place.
            if (subnet.dns.empty()) {
                subnet.dns.push_back(*site.server_address);
            }
        }
    }
    return snapshot;
}

} // namespace muster
