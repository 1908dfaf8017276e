// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/dhcp_metrics.hh"

#include <utility>

namespace muster {

namespace {

constexpr LeaseMetricsWords lease_words{
    .prefix = "muster_dhcp_",
    .boot_refusals = "DHCP replies without a boot file",
    .commits = "Acknowledgements by how they became durable",
    .prolonged = "Leases prolonged while the store refused",
    .samples_dropped = "Machine sightings that control had no room for",
    .restore_dropped = "Stored leases that did not fit the table",
    .leases = "Leases in memory by state",
    .commits_pending = "Acknowledgements that wait for their commit"};

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
    for (const auto& [type, name] : message_types) {
        const bool from_server = type == DhcpMessageType::offer || type == DhcpMessageType::ack ||
                                 type == DhcpMessageType::nak;
        if (from_server) {
            exposition.count("muster_dhcp_replies_total", exposition_label("type", name),
                             "DHCP messages sent", sent.read(type));
        } else {
            exposition.count("muster_dhcp_requests_total", exposition_label("type", name),
                             "DHCP messages received", received.read(type));
        }
    }
    exposition.count("muster_dhcp_requests_total", exposition_label("type", "bootp"),
                     "DHCP messages received", received.read(DhcpMessageType{}));
    exposition.count("muster_dhcp_replies_total", exposition_label("type", "bootp"),
                     "DHCP messages sent", sent.read(DhcpMessageType{}));
#define X(name, text)                                                                              \
    exposition.count("muster_dhcp_drops_total", exposition_label("reason", #name),                 \
                     "DHCP messages not answered", errors.read(DhcpError::name));
    MUSTER_DHCP_ERRORS(X)
#undef X
#define X(name, text)                                                                              \
    exposition.count("muster_dhcp_drops_total", exposition_label("reason", #name),                 \
                     "DHCP messages not answered", drops.read(DhcpDrop::name));
    MUSTER_DHCP_DROPS(X)
#undef X
    report_leases(exposition, lease_words);
    exposition.gauge("muster_dhcp_addresses_never_used", {},
                     "Addresses of all pools that nobody ever had", addresses_never_used.read());
    exposition.gauge("muster_dhcp_links_dry", {},
                     "Links whose pools have no address left for newcomers", links_dry.read());
    exposition.count("muster_dhcp_conflict_probes_total", {},
                     "Addresses asked about before they are offered", probes.read());
    exposition.count("muster_dhcp_conflicts_total", {},
                     "Addresses quarantined since somebody answered there", conflicts.read());
    exposition.count("muster_dhcp_conflict_answers_ignored_total", {},
                     "Answers to probes by whoever answers for many addresses (proxy ARP)",
                     conflicts_ignored.read());
    exposition.gauge("muster_dhcp_requests_waiting", {},
                     "Messages received that wait for their turn", waiting.read());
}

} // namespace muster
