// SPDX-License-Identifier: Apache-2.0
#include "net/host/neighbour_table.hh"

#include "core/addr/subnet.hh"
#include "core/base/check.hh"

#include <algorithm>
#include <bit>

namespace muster {

NeighbourTable::NeighbourTable(std::uint32_t capacity) : sets_(capacity / ways) {
    MUSTER_CHECK(std::has_single_bit(capacity) && capacity >= ways);
}

// Neighbours of one subnet differ in their last octets: taken as they are, they spread evenly.
NeighbourTable::Set& NeighbourTable::set_of(const Ipv4Address& address) noexcept {
    return sets_[to_number(address) & (sets_.size() - 1)];
}

Neighbour* NeighbourTable::find(const Ipv4Address& address) noexcept {
    Set& set = set_of(address);
    const auto found = std::find_if(set.begin(), set.end(),
                                    [&](const Neighbour& one) { return one.address == address; });
    return found == set.end() || address.is_unspecified() ? nullptr : &*found;
}

const Neighbour* NeighbourTable::find(const Ipv4Address& address) const noexcept {
    return const_cast<NeighbourTable*>(this)->find(address); // NOLINT: it changes nothing
}

Neighbour& NeighbourTable::place_for(const Ipv4Address& address) noexcept {
    if (Neighbour* const known = find(address)) {
        return *known;
    }
    Set& set = set_of(address);
    return *std::min_element(set.begin(), set.end(), [](const Neighbour& a, const Neighbour& b) {
        return a.heard < b.heard;
    });
}

void NeighbourTable::hear_arp(const Ipv4Address& address, const MacAddress& mac,
                              Instant now) noexcept {
    place_for(address) = {.address = address, .mac = mac, .by_arp = true, .heard = now};
}

void NeighbourTable::hear_packet(const Ipv4Address& address, const MacAddress& mac, Instant now,
                                 Duration valid) noexcept {
    Neighbour& place = place_for(address);
    if (place.address == address && place.mac == mac) {
        place.heard = now;
        place.asks = 0;
    } else if (place.address != address || !place.by_arp || place.heard + valid < now) {
        place = {.address = address, .mac = mac, .heard = now};
    }
}

void NeighbourTable::forget(const Ipv4Address& address) noexcept {
    if (Neighbour* const known = find(address)) {
        *known = {};
    }
}

} // namespace muster
