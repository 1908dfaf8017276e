// SPDX-License-Identifier: Apache-2.0
// Answers IPv6 router solicitations. Where the site has an IPv6 subnet it sends machines to DHCPv6
// (M=1, O=1); elsewhere it says "no router here": iPXE waits 13 s for an advertisement before it
// fetches anything, over IPv4 too, and one of M=0, O=0 and lifetime 0 ends the wait and configures
// nothing.
#pragma once

#include "core/metrics/counter.hh"
#include "core/metrics/exposition.hh"
#include "core/port/interface_info.hh"
#include "core/port/outbox.hh"
#include "core/site/dhcp_plan.hh"
#include "net/wire/icmpv6_router.hh"

#include <array>
#include <span>
#include <vector>

namespace muster {

/// Why a message was not answered, beside those that could not be read (MUSTER_ICMPV6_ERRORS).
#define MUSTER_ADVERTISER_DROPS(X)                                                                 \
    X(unknown_interface, "came in on an interface that is not served, or is without IPv6")         \
    X(own_message, "sent by this machine itself")                                                  \
    X(not_for_us, "an advertisement: read, nothing to answer")                                     \
    X(foreign_router, "a real router is there: it answers")                                        \
    X(merged, "the multicast advertisement under way answers this one too")

enum class AdvertiserDrop : std::uint8_t {
#define X(name, text) name,
    MUSTER_ADVERTISER_DROPS(X)
#undef X
};

/// On worker 0, beside the DHCP server.
///
/// A solicitation from an address is answered at once, by unicast (RFC 4861 section 6.2.6 permits
/// it; its random delay of 0 .. 0.5 s spreads the answers of several routers, and here is one
/// that keeps silent beside others). One from `::` is answered by multicast, at most one every
/// 3 s (MIN_DELAY_BETWEEN_RAS); those that come meanwhile share the next. Where machines are sent
/// to DHCPv6 all are told unasked, too, as RFC 4861 section 6.2.4 wants of a router.
///
/// It keeps silent wherever a real router was heard: flags and prefixes are that router's to say.
class RouterAdvertiser {
public:
    RouterAdvertiser() = default;

    void on_interfaces(std::span<const InterfaceInfo> interfaces) noexcept;
    /// The IPv6 subnets that DHCPv6 serves; none: quiet everywhere.
    void on_subnets(std::span<const Subnet6Plan> subnets, const Now& now) noexcept;
    /// A datagram of UdpService::icmpv6: its payload begins at the ICMPv6 type, its checksum was
    /// verified by the kernel. Only such with a hop limit of 255 may be handed over (section 6.1).
    void receive(const RxDatagram& datagram, const Now& now, Outbox& out) noexcept;
    void expire(const Now& now, Outbox& out) noexcept;
    [[nodiscard]] Instant next_deadline() const noexcept;

    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_.read(); }
    [[nodiscard]] std::uint64_t dropped(AdvertiserDrop reason) const noexcept {
        return drops_[static_cast<std::size_t>(reason)].read();
    }
    [[nodiscard]] std::uint64_t refused(Icmpv6Error error) const noexcept {
        return errors_[static_cast<std::size_t>(error)].read();
    }
    /// Thread: any.
    void report(Exposition& exposition) const;

private:
    /// A router that advertised itself as a default router, until its lifetime ends.
    struct ForeignRouter {
        Ipv6Address address;
        Instant until{INT64_MIN};
    };
    static constexpr std::size_t foreign_routers_max = 4; ///< a segment; the soonest to end goes

    struct Served {
        InterfaceInfo interface;
        std::array<ForeignRouter, foreign_routers_max> foreign{};
        Instant last_multicast{INT64_MIN};
        Instant multicast_due = Instant::never(); ///< an answer that is owed
        Instant unasked_due = Instant::never();
        std::uint8_t first_ones = 0;   ///< unasked ones that still come close together
        std::vector<Subnet6> prefixes; ///< not empty: machines are sent to DHCPv6

        [[nodiscard]] bool has_foreign_router(Instant now) const noexcept;
    };

    void on_advertisement(Served& served, const Ipv6Address& router, std::uint16_t lifetime_s,
                          const Now& now) noexcept;
    void on_solicitation(Served& served, const Ipv6Address& source, const Now& now,
                         Outbox& out) noexcept;
    void multicast(Served& served, Instant now, Outbox& out) noexcept;
    void advertise(const Served& served, const Ipv6Address& destination, Outbox& out) noexcept;
    void drop(AdvertiserDrop reason) noexcept { drops_[static_cast<std::size_t>(reason)].add(); }

#define X(name, text) +1
    static constexpr std::size_t drop_count = 0 MUSTER_ADVERTISER_DROPS(X);
    static constexpr std::size_t error_count = 0 MUSTER_ICMPV6_ERRORS(X);
#undef X

    std::vector<Served> served_;
    Counter sent_;
    std::array<Counter, drop_count> drops_;
    std::array<Counter, error_count> errors_;
};

} // namespace muster
