// SPDX-License-Identifier: Apache-2.0
// Whose link address an IPv4 address is, in fixed memory (what an ARP cache holds).
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/base/time.hh"

#include <array>
#include <cstdint>
#include <vector>

namespace muster {

struct Neighbour {
    Ipv4Address address; ///< unspecified: a free place
    MacAddress mac;
    bool by_arp = false;         ///< it said so itself; else a packet of its came from there
    std::uint8_t asks = 0;       ///< unanswered, since it was last heard
    Instant heard{INT64_MIN};    ///< when `mac` was last confirmed
    Instant asked_at{INT64_MIN}; ///< the last of `asks`
};

/// The neighbours heard last. One that is not heard of again is pushed out by others of its set, so
/// that a flood of made-up addresses costs those a question each and no more.
class NeighbourTable {
public:
    /// `capacity`: a power of two, at least 4; 40 bytes each.
    explicit NeighbourTable(std::uint32_t capacity);

    /// Null: not known. Valid until the next call of hear() or forget().
    [[nodiscard]] Neighbour* find(const Ipv4Address& address) noexcept;
    [[nodiscard]] const Neighbour* find(const Ipv4Address& address) const noexcept;

    /// What ARP says: it counts whatever was known.
    void hear_arp(const Ipv4Address& address, const MacAddress& mac, Instant now) noexcept;
    /// What the sender of a packet says by sending it. That confirms what is known, or fills a
    /// place where nothing is; what ARP said within `valid` it does not change, so that a packet
    /// with a made-up source, come by a router, takes nobody's traffic away.
    void hear_packet(const Ipv4Address& address, const MacAddress& mac, Instant now,
                     Duration valid) noexcept;
    void forget(const Ipv4Address& address) noexcept;

private:
    static constexpr std::size_t ways = 4;
    using Set = std::array<Neighbour, ways>;

    [[nodiscard]] Set& set_of(const Ipv4Address& address) noexcept;
    [[nodiscard]] Neighbour& place_for(const Ipv4Address& address) noexcept;

    std::vector<Set> sets_;
};

} // namespace muster
