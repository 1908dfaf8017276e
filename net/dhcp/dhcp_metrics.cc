// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/dhcp_metrics.hh"

#include <string>

namespace muster {

namespace {

using Kind = Exposition::Kind;

std::string label(std::string_view key, std::string_view value) {
    std::string text{key};
    text.append("=\"").append(value).append("\"");
    return text;
}

constexpr std::array<std::pair<DhcpMessageType, std::string_view>, 8> message_types{{
    {DhcpMessageType::discover, "discover"},
    {DhcpMessageType::offer, "offer"},
    {DhcpMessageType::request, "request"},
    {DhcpMessageType::decline, "decline"},
    {DhcpMessageType::ack, "ack"},
    {DhcpMessageType::nak, "nak"},
    {DhcpMessageType::release, "release"},
    {DhcpMessageType::inform, "inform"},
}};

} // namespace

void DhcpMetrics::report(Exposition& exposition) const {
    const auto count = [&](std::string_view name, const std::string& labels, std::string_view help,
                           std::uint64_t value) {
        exposition.add(Kind::counter, name, labels, help, static_cast<double>(value));
    };
    const auto gauge = [&](std::string_view name, const std::string& labels, std::string_view help,
                           const Counter& value) {
        exposition.add(Kind::gauge, name, labels, help, static_cast<double>(value.read()));
    };
    for (const auto& [type, name] : message_types) {
        const bool from_server = type == DhcpMessageType::offer || type == DhcpMessageType::ack ||
                                 type == DhcpMessageType::nak;
        if (from_server) {
            count("muster_dhcp_replies_total", label("type", name), "DHCP messages sent",
                  sent.read(type));
        } else {
            count("muster_dhcp_requests_total", label("type", name), "DHCP messages received",
                  received.read(type));
        }
    }
    count("muster_dhcp_requests_total", label("type", "bootp"), "DHCP messages received",
          received.read(DhcpMessageType{}));
    count("muster_dhcp_replies_total", label("type", "bootp"), "DHCP messages sent",
          sent.read(DhcpMessageType{}));
#define X(name, text)                                                                              \
    count("muster_dhcp_drops_total", label("reason", #name), "DHCP messages not answered",         \
          errors.read(DhcpError::name));
    MUSTER_DHCP_ERRORS(X)
#undef X
#define X(name, text)                                                                              \
    count("muster_dhcp_drops_total", label("reason", #name), "DHCP messages not answered",         \
          drops.read(DhcpDrop::name));
    MUSTER_DHCP_DROPS(X)
#undef X
#define X(name, text)                                                                              \
    count("muster_dhcp_boot_refusals_total", label("reason", #name),                               \
          "DHCP replies without a boot file", boot_refusals.read(BootRefusal::name));
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
        count("muster_dhcp_commits_total", label("outcome", name),
              "Acknowledgements by how they became durable", commits.read(outcome));
    }
    count("muster_dhcp_prolonged_total", {}, "Leases prolonged while the store refused",
          prolonged.read());
    count("muster_dhcp_samples_dropped_total", {}, "Machine sightings that control had no room for",
          samples_dropped.read());
    count("muster_dhcp_restore_dropped_total", {}, "Stored leases that did not fit the table",
          restore_dropped.read());
    constexpr std::string_view leases = "muster_dhcp_leases";
    constexpr std::string_view leases_help = "Leases in memory by state";
    gauge(leases, label("state", "offered"), leases_help, leases_offered);
    gauge(leases, label("state", "bound"), leases_help, leases_bound);
    gauge(leases, label("state", "idle"), leases_help, leases_idle);
    gauge(leases, label("state", "declined"), leases_help, leases_declined);
    gauge("muster_dhcp_addresses_never_used", {}, "Addresses of all pools that nobody ever had",
          addresses_never_used);
    gauge("muster_dhcp_links_dry", {}, "Links whose pools have no address left for newcomers",
          links_dry);
    count("muster_dhcp_conflict_probes_total", {}, "Addresses asked about before they are offered",
          probes.read());
    count("muster_dhcp_conflicts_total", {}, "Addresses quarantined since somebody answered there",
          conflicts.read());
    count("muster_dhcp_conflict_answers_ignored_total", {},
          "Answers to probes by whoever answers for many addresses (proxy ARP)",
          conflicts_ignored.read());
    gauge("muster_dhcp_requests_waiting", {}, "Messages received that wait for their turn",
          waiting);
    gauge("muster_dhcp_commits_pending", {}, "Acknowledgements that wait for their commit",
          commits_pending);
}

} // namespace muster
