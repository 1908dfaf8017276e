// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp6/dhcp6_metrics.hh"

#include <string>

namespace muster {

namespace {

using Kind = Exposition::Kind;

std::string tag(std::string_view key, std::string_view value) {
    std::string text{key};
    text.append("=\"").append(value).append("\"");
    return text;
}

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
    const auto count = [&](std::string_view name, const std::string& labels, std::string_view help,
                           std::uint64_t value) {
        exposition.add(Kind::counter, name, labels, help, static_cast<double>(value));
    };
    const auto gauge = [&](std::string_view name, const std::string& labels, std::string_view help,
                           const Counter& value) {
        exposition.add(Kind::gauge, name, labels, help, static_cast<double>(value.read()));
    };
    for (const auto& [type, name] : requests) {
        count("muster_dhcp6_requests_total", tag("type", name), "DHCPv6 messages received",
              received.read(type));
    }
    for (const auto& [type, name] : replies) {
        count("muster_dhcp6_replies_total", tag("type", name), "DHCPv6 messages sent",
              sent.read(type));
    }
    constexpr std::string_view drops_name = "muster_dhcp6_drops_total";
    constexpr std::string_view drops_help = "DHCPv6 messages not answered";
#define X(name, text)                                                                              \
    count(drops_name, tag("reason", #name), drops_help, errors.read(Dhcp6Error::name));
    MUSTER_DHCP6_ERRORS(X)
#undef X
#define X(name, text)                                                                              \
    count(drops_name, tag("reason", #name), drops_help, drops.read(Dhcp6Drop::name));
    MUSTER_DHCP6_DROPS(X)
#undef X
#define X(name, text)                                                                              \
    count("muster_dhcp6_boot_refusals_total", tag("reason", #name),                                \
          "DHCPv6 replies without a boot file", boot_refusals.read(BootRefusal::name));
    MUSTER_BOOT_REFUSALS(X)
#undef X
    constexpr std::array<std::pair<CommitOutcome, std::string_view>, 5> outcomes{{
        {CommitOutcome::durable, "durable"},
        {CommitOutcome::refused, "refused"},
        {CommitOutcome::spared, "spared"},
        {CommitOutcome::repeated, "repeated"},
        {CommitOutcome::stale, "stale"},
    }};
    for (const auto& [outcome, name] : outcomes) {
        count("muster_dhcp6_commits_total", tag("outcome", name),
              "DHCPv6 leases by how they became durable", commits.read(outcome));
    }
    count("muster_dhcp6_no_addresses_total", {}, "Associations that no IPv6 address was left for",
          no_addresses.read());
    count("muster_dhcp6_prolonged_total", {}, "IPv6 leases prolonged while the store refused",
          prolonged.read());
    count("muster_dhcp6_samples_dropped_total", {},
          "DHCPv6 machine sightings that control had no room for", samples_dropped.read());
    count("muster_dhcp6_restore_dropped_total", {}, "Stored IPv6 leases that did not fit the table",
          restore_dropped.read());
    constexpr std::string_view leases = "muster_dhcp6_leases";
    constexpr std::string_view leases_help = "IPv6 leases in memory by state";
    gauge(leases, tag("state", "offered"), leases_help, leases_offered);
    gauge(leases, tag("state", "bound"), leases_help, leases_bound);
    gauge(leases, tag("state", "idle"), leases_help, leases_idle);
    gauge(leases, tag("state", "declined"), leases_help, leases_declined);
    gauge("muster_dhcp6_commits_pending", {}, "DHCPv6 replies that wait for their commit",
          commits_pending);
}

} // namespace muster
