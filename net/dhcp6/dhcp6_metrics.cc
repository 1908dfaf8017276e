// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp6/dhcp6_metrics.hh"

#include <array>

namespace muster {

namespace {

constexpr LeaseMetricsWords lease6_words{
    .prefix = "muster_dhcp6_",
    .boot_refusals = "DHCPv6 replies without a boot file",
    .commits = "DHCPv6 leases by how they became durable",
    .prolonged = "IPv6 leases prolonged while the store refused",
    .samples_dropped = "DHCPv6 machine sightings that control had no room for",
    .restore_dropped = "Stored IPv6 leases that did not fit the table",
    .leases = "IPv6 leases in memory by state",
    .commits_pending = "DHCPv6 replies that wait for their commit"};

struct TypeName {
    Dhcp6MessageType type;
    std::string_view name;
};
constexpr std::array requests{
    TypeName{Dhcp6MessageType::solicit, "solicit"},
    TypeName{Dhcp6MessageType::request, "request"},
    TypeName{Dhcp6MessageType::confirm, "confirm"},
    TypeName{Dhcp6MessageType::renew, "renew"},
    TypeName{Dhcp6MessageType::rebind, "rebind"},
    TypeName{Dhcp6MessageType::release, "release"},
    TypeName{Dhcp6MessageType::decline, "decline"},
    TypeName{Dhcp6MessageType::information_request, "information_request"}};
constexpr std::array replies{TypeName{Dhcp6MessageType::advertise, "advertise"},
                             TypeName{Dhcp6MessageType::reply, "reply"}};

} // namespace

void Dhcp6Metrics::report(Exposition& exposition) const {
    for (const auto& [type, name] : requests) {
        exposition.count("muster_dhcp6_requests_total", exposition_label("type", name),
                         "DHCPv6 messages received", received.read(type));
    }
    for (const auto& [type, name] : replies) {
        exposition.count("muster_dhcp6_replies_total", exposition_label("type", name),
                         "DHCPv6 messages sent", sent.read(type));
    }
    constexpr std::string_view drops_name = "muster_dhcp6_drops_total";
    constexpr std::string_view drops_help = "DHCPv6 messages not answered";
#define X(name, text)                                                                              \
    exposition.count(drops_name, exposition_label("reason", #name), drops_help,                    \
                     errors.read(Dhcp6Error::name));
    MUSTER_DHCP6_ERRORS(X)
#undef X
#define X(name, text)                                                                              \
    exposition.count(drops_name, exposition_label("reason", #name), drops_help,                    \
                     drops.read(Dhcp6Drop::name));
    MUSTER_DHCP6_DROPS(X)
#undef X
    exposition.count("muster_dhcp6_no_addresses_total", {},
                     "Associations that no IPv6 address was left for", no_addresses.read());
    report_leases(exposition, lease6_words);
    exposition.gauge("muster_dhcp6_links_dry", {},
                     "Links whose IPv6 pools have no address left for newcomers", links_dry.read());
    exposition.gauge("muster_dhcp6_requests_waiting", {},
                     "DHCPv6 messages received that wait for their turn", waiting.read());
}

} // namespace muster
