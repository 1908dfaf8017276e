// SPDX-License-Identifier: Apache-2.0
// Api: what is remembered of a node's packets, as a capture file.
#include "core/control/api.hh"

namespace muster {
namespace {

/// The recorder counts a boot from the OFFER that was sent; what led to it came before.
constexpr Duration before_offer = std::chrono::seconds{4};

/// When the latest boot began; what was noted of the one before it came earlier.
UnixTime boot_began(std::span<const FlightEntry> entries) {
    UnixTime since{};
    for (const FlightEntry& entry : entries) {
        if (entry.boot == entries.back().boot) {
            return std::max(since, entry.at + -before_offer);
        }
        since = std::max(since, entry.last + 1ms);
    }
    return since;
}

} // namespace

Answer Api::show_packets(const NodeRecord& node, const UrlQuery& query) const {
    if (!options_.packets) {
        return api_error(404, "no_packet_log", "packets are not remembered (--packet-log off)");
    }
    const std::string_view boot = query.value("boot");
    if (query.find("boot") != nullptr && boot != "last" && boot != "all") {
        return api_error(400, "bad_boot", "boot is last or all");
    }
    PacketsWanted wanted{.macs = node.macs(), .uuid = node.uuid, .addresses = {}, .since = {}};
    if (const Ipv4Address address = ledger_.address_of(node); !address.is_unspecified()) {
        wanted.addresses.emplace_back(address);
    }
    if (const Ipv6Address address = ledger_.address6_of(node); !address.is_unspecified()) {
        wanted.addresses.emplace_back(address);
    }
    if (boot != "all") {
        wanted.since = boot_began(recorder_.of(node.name()));
    }
    return {.body = options_.packets(wanted), .type = "application/vnd.tcpdump.pcap"};
}

} // namespace muster
