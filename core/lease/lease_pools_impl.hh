// SPDX-License-Identifier: Apache-2.0
// Part of lease_tables.cc: the half of the table that knows subnets, pools and reservations, and
// what a restart brings.
#pragma once

#include "core/lease/lease_table.hh"

#include <algorithm>
#include <tuple>
#include <utility>

namespace muster {

template <class Family>
bool BasicLeaseTable<Family>::Link::contains(const Address& address) const noexcept {
    return std::any_of(subnets.begin(), subnets.end(),
                       [&](const Subnet& subnet) { return subnet.contains(address); });
}

template <class Family>
const typename BasicLeaseTable<Family>::Link*
BasicLeaseTable<Family>::find_link(LinkId link) const noexcept {
    const auto index = static_cast<std::size_t>(link);
    return index < links_.size() ? &links_[index] : nullptr;
}

template <class Family>
const typename BasicLeaseTable<Family>::Pool*
BasicLeaseTable<Family>::pool_of(LinkId link, const Address& address) const noexcept {
    const Link* found = find_link(link);
    if (found == nullptr) {
        return nullptr;
    }
    for (const Pool& pool : found->pools) {
        if (pool.range.contains(address)) {
            return &pool;
        }
    }
    return nullptr;
}

template <class Family>
typename BasicLeaseTable<Family>::Pool*
BasicLeaseTable<Family>::pool_of(LinkId link, const Address& address) noexcept {
    return const_cast<Pool*>(std::as_const(*this).pool_of(link, address)); // NOLINT: ours
}

template <class Family>
bool BasicLeaseTable<Family>::reserved(const Address& address) const noexcept {
    return reserved_.contains(address);
}

/// What a machine that has this address may go on with: it lies in a pool and is reserved for
/// nobody else, or is reserved for this machine on this link.
template <class Family>
bool BasicLeaseTable<Family>::may_keep(const LeaseClient& client,
                                       const Address& address) const noexcept {
    if (client.reserved == address) {
        const Link* link = find_link(client.link);
        return link != nullptr && link->contains(address);
    }
    if (reserved(address)) {
        return false;
    }
    const Pool* pool = pool_of(client.link, address);
    return pool != nullptr && (!client.bootp || pool->bootp);
}

template <class Family>
LinkId BasicLeaseTable<Family>::link_of(const Address& address) const noexcept {
    const auto after = std::upper_bound(
        places_.begin(), places_.end(), address,
        [](const Address& a, const Place& place) { return a < place.subnet.network; });
    if (after == places_.begin() || !(after - 1)->subnet.contains(address)) {
        return LinkId::none;
    }
    return (after - 1)->link;
}

template <class Family>
std::optional<typename Family::Address>
BasicLeaseTable<Family>::lowest_never_used(const LeaseClient& client) const noexcept {
    const Link* link = find_link(client.link);
    if (link == nullptr) {
        return std::nullopt;
    }
    for (const Pool& pool : link->pools) {
        if (!pool.open_to(client)) {
            continue;
        }
        if (const auto index = pool.never_used.smallest()) {
            return address_at(pool.range, *index);
        }
    }
    return std::nullopt;
}

template <class Family>
bool BasicLeaseTable<Family>::is_never_used(const LeaseClient& client,
                                            const Address& address) const noexcept {
    const Pool* pool = pool_of(client.link, address);
    return pool != nullptr && pool->open_to(client) &&
           pool->never_used.contains(index_in(pool->range, address));
}

template <class Family>
void BasicLeaseTable<Family>::set_never_used(LinkId link, const Address& address,
                                             bool value) noexcept {
    if (Pool* pool = pool_of(link, address)) {
        const std::uint32_t index = index_in(pool->range, address);
        never_used_ -= pool->never_used.count();
        value ? pool->never_used.insert(index) : pool->never_used.erase(index);
        never_used_ += pool->never_used.count();
    }
}

/// Of the leases that ended and may go to this machine, the one that ended longest ago.
template <class Family>
std::uint32_t BasicLeaseTable<Family>::oldest_idle(const LeaseClient& client) const noexcept {
    Slot oldest = Lease::no_link;
    for (const Pool& pool : find_link(client.link)->pools) {
        const Slot head = pool.idle_head;
        if (head != Lease::no_link && pool.open_to(client) &&
            (oldest == Lease::no_link || at(head).idle_order < at(oldest).idle_order)) {
            oldest = head;
        }
    }
    return oldest;
}

template <class Family>
std::size_t BasicLeaseTable<Family>::candidates(LinkId link,
                                                std::span<Address> out) const noexcept {
    const Link* found = find_link(link);
    std::size_t count = 0;
    for (std::size_t i = 0; found != nullptr && i < found->pools.size(); ++i) {
        const Pool& pool = found->pools[i];
        for (auto n = pool.never_used.smallest(); n && count < out.size();
             n = pool.never_used.smallest_from(*n + 1)) {
            out[count++] = address_at(pool.range, *n);
        }
    }
    for (std::size_t i = 0; found != nullptr && i < found->pools.size(); ++i) {
        for (Slot slot = found->pools[i].idle_head; slot != Lease::no_link && count < out.size();
             slot = at(slot).next_idle) {
            out[count++] = at(slot).address;
        }
    }
    return count;
}

template <class Family>
std::uint64_t BasicLeaseTable<Family>::pool_size(LinkId link) const noexcept {
    const Link* found = find_link(link);
    std::uint64_t size = 0;
    for (std::size_t i = 0; found != nullptr && i < found->pools.size(); ++i) {
        size += found->pools[i].range.count();
    }
    return size;
}

template <class Family>
void BasicLeaseTable<Family>::reserve(const Address& address) {
    if (++reserved_[address] > 1) {
        return;
    }
    set_never_used(link_of(address), address, false);
    if (const auto holder = by_address_.find(address); holder != by_address_.end()) {
        unlink_idle(holder->second); // still remembered, but no longer for everybody to have
    }
}

template <class Family>
void BasicLeaseTable<Family>::unreserve(const Address& address) {
    const auto found = reserved_.find(address);
    if (found == reserved_.end() || --found->second > 0) {
        return;
    }
    reserved_.erase(found);
    const auto holder = by_address_.find(address);
    if (holder == by_address_.end()) {
        set_never_used(link_of(address), address, true);
    } else if (at(holder->second).state == Lease::State::idle) {
        retire(holder->second);
    }
}

template <class Family>
void BasicLeaseTable<Family>::set_subnets(std::span<const typename Family::Plan> subnets) {
    links_.assign(subnets.size(), {});
    places_.clear();
    never_used_ = 0;
    const std::vector<std::uint16_t> links = links_of(subnets);
    for (std::size_t i = 0; i < subnets.size(); ++i) {
        const auto& plan = subnets[i];
        Link& link = links_[links[i]];
        link.subnets.push_back(plan.subnet);
        places_.push_back({plan.subnet, static_cast<LinkId>(links[i])});
        for (const auto& pool : plan.pools) {
            if (const auto part =
                    usable_part(plan.subnet, pool.range, limits_.pool_addresses_max)) {
                never_used_ += part->count();
                link.pools.push_back(
                    {.range = *part,
                     .never_used = AddressBitmap{static_cast<std::uint32_t>(part->count())},
                     .classes = pool.classes,
                     .bootp = pool.bootp});
            }
        }
    }
    std::sort(places_.begin(), places_.end(),
              [](const Place& a, const Place& b) { return a.subnet.network < b.subnet.network; });
    for (const auto& [address, times] : reserved_) {
        set_never_used(link_of(address), address, false);
    }
    place_leases();
}

/// Finds every lease its place among the subnets of now.
template <class Family>
void BasicLeaseTable<Family>::place_leases() {
    if (links_.empty()) {
        return; // before the first site, when a restart has brought leases already
    }
    // The order decides which lease of a machine counts: idle ones first, so that a live one takes
    // the machine over, the later to end last, and after all the one that it is moving to. Ranks
    // are copied out: a million leases are sorted in a tenth of the time that it takes through the
    // table.
    struct Rank {
        bool live;
        bool committing;
        bool durable;
        UnixTime expires;
        Slot slot;
        auto operator<=>(const Rank&) const = default;
    };
    std::vector<Rank> slots;
    slots.reserve(leases_.in_use());
    for (Slot slot = 0; slot < leases_.capacity(); ++slot) {
        if (const Lease* lease = leases_.at(slot)) {
            slots.push_back({lease->state != Lease::State::idle, lease->committing(),
                             lease->durable, lease->expires, slot});
        }
    }
    std::sort(slots.begin(), slots.end());
    by_machine_.clear();
    for (const auto& [live, committing, durable, expires, slot] : slots) {
        Lease& lease = at(slot);
        lease.listed = false;
        lease.previous = Lease::no_link;
        lease.link = link_of(lease.address);
        set_never_used(lease.link, lease.address, false);
        if (!lease.mac.is_zero()) {
            map_machine(slot);
        }
    }
    // Ended leases of addresses that are served no more are kept, for the next site may bring
    // them back; but not when they crowd the table.
    const bool crowded = leases_.in_use() > leases_.capacity() / 2;
    for (const auto& [live, committing, durable, expires, slot] : slots) {
        if (live) {
            continue;
        }
        const Lease& lease = at(slot);
        if (crowded && !reserved(lease.address) && !in_pool(lease.link, lease.address)) {
            erase(slot);
        } else {
            link_idle(slot);
        }
    }
}

template <class Family>
std::uint64_t BasicLeaseTable<Family>::restore(std::span<const Record> records, const Now& now) {
    recycle_from_ = now.steady + limits_.recycle_hold;
    std::vector<const Record*> order;
    order.reserve(records.size());
    for (const Record& record : records) {
        order.push_back(&record);
    }
    if (records.size() > leases_.capacity() - leases_.in_use()) {
        // Those that end last come first, so that a table too small drops what matters least.
        std::stable_sort(order.begin(), order.end(),
                         [](const Record* a, const Record* b) { return b->expires < a->expires; });
    }
    std::uint64_t dropped = 0;
    for (const Record* record : order) {
        const bool live = record->expires > now.wall;
        const bool declined = record->state == LeaseRecord::State::declined;
        if ((declined && !live) || by_address_.contains(record->address)) {
            continue;
        }
        const auto claimed = leases_.claim();
        if (claimed.value == nullptr) {
            ++dropped;
            continue;
        }
        const Slot slot = claimed.handle.slot;
        Lease& lease = *claimed.value;
        lease.address = record->address;
        lease.expires = record->expires;
        lease.hostname = hostname_digest(record->hostname);
        lease.holder = Family::holder_of(*record);
        lease.mac = declined ? MacAddress{} : record->mac;
        lease.remembered = !declined;
        lease.durable = record->state == LeaseRecord::State::bound;
        lease.state = declined                ? Lease::State::declined
                      : live && lease.durable ? Lease::State::bound
                                              : Lease::State::idle;
        ++counter(lease.state);
        by_address_.emplace(record->address, slot);
        if (lease.state != Lease::State::idle) {
            const bool bound = lease.state == Lease::State::bound;
            timers_.arm(slot, now.steady + (record->expires - now.wall) +
                                  (bound ? limits_.expiry_grace : Duration::zero()));
        }
    }
    place_leases();
    return dropped;
}

} // namespace muster
