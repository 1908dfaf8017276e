// SPDX-License-Identifier: Apache-2.0
#include "net/host/router_advertiser.hh"

#include "net/dhcp6/subnet6_index.hh"

#include <algorithm>

namespace muster {

namespace {

constexpr Duration min_delay_between_ras = 3s; // RFC 4861 section 10
// RFC 4861 sections 6.2.1 (MaxRtrAdvInterval is 600 s at most by default) and 10.
constexpr Duration unasked_interval = 200s;
constexpr Duration first_interval = 16s; // MAX_INITIAL_RTR_ADVERT_INTERVAL
constexpr std::uint8_t first_count = 3;  // MAX_INITIAL_RTR_ADVERTISEMENTS
constexpr Ipv6Address all_nodes{{0xFF, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

} // namespace

bool RouterAdvertiser::Served::has_foreign_router(Instant now) const noexcept {
    return std::any_of(foreign.begin(), foreign.end(),
                       [&](const ForeignRouter& router) { return router.until > now; });
}

void RouterAdvertiser::on_interfaces(std::span<const InterfaceInfo> interfaces) noexcept {
    served_.clear();
    for (const InterfaceInfo& interface : interfaces) {
        if (!interface.link_local.is_unspecified()) {
            served_.emplace_back().interface = interface;
        }
    }
}

void RouterAdvertiser::on_subnets(std::span<const Subnet6Plan> subnets, const Now& now) noexcept {
    const Subnet6Index index{subnets};
    for (Served& served : served_) {
        std::vector<Subnet6> prefixes;
        const LinkId link = index.link(index.of_interface(served.interface));
        for (std::size_t i = 0; link != LinkId::none && i < subnets.size(); ++i) {
            if (index.link(static_cast<SubnetId>(i)) == link) {
                prefixes.push_back(subnets[i].subnet);
            }
        }
        if (prefixes == served.prefixes) {
            continue;
        }
        // Also when there are none any more: machines hear that once, M=0 and O=0.
        served.first_ones = prefixes.empty() ? 0 : first_count;
        served.unasked_due = now.steady;
        served.prefixes = std::move(prefixes);
    }
}

void RouterAdvertiser::receive(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept {
    const Ipv6Address source = datagram.source.address.v6();
    const auto message = read_router_message(datagram.payload, source);
    if (!message) {
        errors_[static_cast<std::size_t>(message.error())].add();
        return;
    }
    const auto served = std::find_if(served_.begin(), served_.end(), [&](const Served& s) {
        return s.interface.index == datagram.interface;
    });
    if (served == served_.end()) {
        return drop(AdvertiserDrop::unknown_interface);
    }
    if (source == served->interface.link_local) {
        return drop(AdvertiserDrop::own_message);
    }
    switch (message->kind) {
    case RouterMessage::Kind::advertisement:
        on_advertisement(*served, source, message->router_lifetime_s, now);
        return drop(AdvertiserDrop::not_for_us);
    case RouterMessage::Kind::solicitation:
        return on_solicitation(*served, source, now, out);
    }
}

void RouterAdvertiser::on_advertisement(Served& served, const Ipv6Address& router,
                                        std::uint16_t lifetime_s, const Now& now) noexcept {
    auto place = std::find_if(served.foreign.begin(), served.foreign.end(),
                              [&](const ForeignRouter& f) { return f.address == router; });
    if (place == served.foreign.end()) {
        if (lifetime_s == 0) {
            return;
        }
        place = std::min_element(
            served.foreign.begin(), served.foreign.end(),
            [](const ForeignRouter& a, const ForeignRouter& b) { return a.until < b.until; });
    }
    *place = {router, now.steady + std::chrono::seconds{lifetime_s}};
    if (served.has_foreign_router(now.steady)) {
        served.multicast_due = Instant::never(); // what was owed, the router has just said
    }
}

void RouterAdvertiser::on_solicitation(Served& served, const Ipv6Address& source, const Now& now,
                                       Outbox& out) noexcept {
    if (served.has_foreign_router(now.steady)) {
        return drop(AdvertiserDrop::foreign_router);
    }
    if (!source.is_unspecified()) {
        return advertise(served, source, out);
    }
    if (served.multicast_due != Instant::never()) {
        return drop(AdvertiserDrop::merged);
    }
    const bool never_sent = served.last_multicast.ns == INT64_MIN;
    if (never_sent || served.last_multicast + min_delay_between_ras <= now.steady) {
        return multicast(served, now.steady, out);
    }
    served.multicast_due = served.last_multicast + min_delay_between_ras;
}

void RouterAdvertiser::expire(const Now& now, Outbox& out) noexcept {
    for (Served& served : served_) {
        if (served.unasked_due <= now.steady && served.has_foreign_router(now.steady)) {
            served.unasked_due = now.steady + unasked_interval; // perhaps it is gone by then
        }
        if (served.multicast_due <= now.steady || served.unasked_due <= now.steady) {
            multicast(served, now.steady, out);
        }
    }
}

Instant RouterAdvertiser::next_deadline() const noexcept {
    Instant next = Instant::never();
    for (const Served& served : served_) {
        next = std::min({next, served.multicast_due, served.unasked_due});
    }
    return next;
}

/// Tells all, which is what was owed to one, and what was to be said unasked.
void RouterAdvertiser::multicast(Served& served, Instant now, Outbox& out) noexcept {
    served.last_multicast = now;
    served.multicast_due = Instant::never();
    served.unasked_due = Instant::never();
    if (!served.prefixes.empty()) {
        if (served.first_ones > 0) {
            --served.first_ones;
        }
        served.unasked_due = now + (served.first_ones > 0 ? first_interval : unasked_interval);
    }
    advertise(served, all_nodes, out);
}

void RouterAdvertiser::advertise(const Served& served, const Ipv6Address& destination,
                                 Outbox& out) noexcept {
    std::array<std::byte, advertisement_size_max> message{};
    const std::size_t size =
        served.prefixes.empty()
            ? write_quiet_advertisement(message, served.interface.mac)
            : write_managed_advertisement(message, served.interface.mac, served.prefixes);
    TxDatagram datagram;
    datagram.service = UdpService::icmpv6;
    datagram.interface = served.interface.index;
    datagram.destination = {destination, 0};
    datagram.source = served.interface.link_local; // RFC 4861 section 4.2: link-local it must be
    datagram.payload_offset = out.store(Bytes{message}.first(size));
    datagram.payload_size = static_cast<std::uint32_t>(size);
    out.datagrams.push_back(datagram);
    sent_.add();
}

void RouterAdvertiser::report(Exposition& exposition) const {
    using Kind = Exposition::Kind;
    constexpr std::string_view drops = "muster_router_advertiser_drops_total";
    constexpr std::string_view drops_help = "ICMPv6 router messages not answered";
    exposition.add(Kind::counter, "muster_router_advertisements_total", {},
                   "Router advertisements sent", static_cast<double>(sent_.read()));
#define X(name, text)                                                                              \
    exposition.add(Kind::counter, drops, "reason=\"" #name "\"", drops_help,                       \
                   static_cast<double>(dropped(AdvertiserDrop::name)));
    MUSTER_ADVERTISER_DROPS(X)
#undef X
#define X(name, text)                                                                              \
    exposition.add(Kind::counter, drops, "reason=\"" #name "\"", drops_help,                       \
                   static_cast<double>(refused(Icmpv6Error::name)));
    MUSTER_ICMPV6_ERRORS(X)
#undef X
}

} // namespace muster
