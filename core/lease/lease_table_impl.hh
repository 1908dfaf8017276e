// SPDX-License-Identifier: Apache-2.0
// Part of lease_tables.cc: what a lease goes through.
#pragma once

#include "core/lease/lease_table.hh"

#include <algorithm>

namespace muster {

namespace lease_table_impl {

constexpr std::uint32_t raw(LeaseId id) noexcept {
    return static_cast<std::uint32_t>(id);
}

} // namespace lease_table_impl

// The maps get an eighth more room than they can fill: a flat_hash_map that is erased from and
// inserted into then cleans up in place (it does so up to 25/32 of its capacity) and never grows.
template <class Family>
BasicLeaseTable<Family>::BasicLeaseTable(const LeaseLimits& limits)
    : limits_(limits), leases_(limits.leases_max), timers_(limits.leases_max) {
    by_address_.reserve(std::size_t{limits.leases_max} + limits.leases_max / 8);
    by_machine_.reserve(std::size_t{limits.leases_max} + limits.leases_max / 8);
}

template <class Family>
BasicLease<Family>& BasicLeaseTable<Family>::at(Slot slot) noexcept {
    Lease* lease = leases_.at(slot);
    MUSTER_CHECK(lease != nullptr);
    return *lease;
}

template <class Family>
const BasicLease<Family>& BasicLeaseTable<Family>::at(Slot slot) const noexcept {
    const Lease* lease = leases_.at(slot);
    MUSTER_CHECK(lease != nullptr);
    return *lease;
}

template <class Family>
const BasicLease<Family>& BasicLeaseTable<Family>::lease(LeaseId id) const noexcept {
    return at(lease_table_impl::raw(id));
}

template <class Family>
std::optional<LeaseId> BasicLeaseTable<Family>::find(const Address& address) const noexcept {
    const auto found = by_address_.find(address);
    return found == by_address_.end() ? std::nullopt : std::optional{LeaseId{found->second}};
}

template <class Family>
std::optional<LeaseId> BasicLeaseTable<Family>::find(const MacAddress& mac,
                                                     LinkId link) const noexcept {
    const auto found = by_machine_.find(MachineKey{mac, link});
    return found == by_machine_.end() ? std::nullopt : std::optional{LeaseId{found->second}};
}

template <class Family>
std::optional<LeaseId> BasicLeaseTable<Family>::replaced_by(LeaseId id) const noexcept {
    const Lease& lease = at(lease_table_impl::raw(id));
    const Lease* previous = leases_.at(lease.previous); // perhaps another one's by now
    if (previous == nullptr || lease.previous == lease_table_impl::raw(id) ||
        previous->mac != lease.mac || previous->link != lease.link) {
        return std::nullopt;
    }
    return LeaseId{lease.previous};
}

template <class Family>
Instant BasicLeaseTable<Family>::deadline(LeaseId id) const noexcept {
    if (!timers_.armed(lease_table_impl::raw(id))) {
        return Instant::never();
    }
    const bool bound = at(lease_table_impl::raw(id)).state == Lease::State::bound;
    return timers_.deadline(lease_table_impl::raw(id)) -
           (bound ? limits_.expiry_grace : Duration::zero());
}

template <class Family>
bool BasicLeaseTable<Family>::reservation_open(const LeaseClient& client,
                                               const Now& now) const noexcept {
    if (!client.reserved || !may_keep(client, *client.reserved)) {
        return false;
    }
    const auto holder = by_address_.find(*client.reserved);
    if (holder == by_address_.end()) {
        return true;
    }
    const Lease& held = at(holder->second);
    return held.mac == client.mac || may_recycle(held, now);
}

template <class Family>
std::expected<LeaseId, LeaseRefusal>
BasicLeaseTable<Family>::offer(const LeaseClient& client, std::optional<Address> requested,
                               const Now& now) noexcept {
    if (find_link(client.link) == nullptr) {
        return std::unexpected(LeaseRefusal::pool_exhausted);
    }
    if (reservation_open(client, now)) {
        return hold(client, *client.reserved, now);
    }
    const auto own = by_machine_.find(MachineKey{client.mac, client.link});
    if (own != by_machine_.end() && may_keep(client, at(own->second).address)) {
        keep_offered(own->second, now);
        return LeaseId{own->second};
    }
    const bool room = leases_.in_use() < leases_.capacity();
    if (room && requested && is_never_used(client, *requested)) {
        return hold(client, *requested, now);
    }
    if (const auto fresh = lowest_never_used(client); fresh && room) {
        return hold(client, *fresh, now);
    }
    if (const Slot oldest = oldest_idle(client); oldest != Lease::no_link) {
        if (may_recycle(at(oldest), now)) {
            give(oldest, client);
            keep_offered(oldest, now);
            return LeaseId{oldest};
        }
    }
    return std::unexpected(room ? LeaseRefusal::pool_exhausted : LeaseRefusal::table_full);
}

template <class Family>
LeaseStanding BasicLeaseTable<Family>::standing(const LeaseClient& client, const Address& address,
                                                const Now& now) const noexcept {
    const Link* link = find_link(client.link);
    if (link == nullptr || !link->contains(address)) {
        return LeaseStanding::wrong_network;
    }
    const bool for_client = client.reserved == address;
    if (reserved(address) && !for_client) {
        return LeaseStanding::taken;
    }
    if (!may_keep(client, address)) {
        return LeaseStanding::unserved;
    }
    const auto holder = by_address_.find(address);
    if (holder == by_address_.end()) {
        return for_client || pool_of(client.link, address)->open_to(client)
                   ? LeaseStanding::free
                   : LeaseStanding::unserved;
    }
    const Lease& held = at(holder->second);
    if (held.mac == client.mac) {
        return LeaseStanding::own;
    }
    return for_client && may_recycle(held, now) ? LeaseStanding::free : LeaseStanding::taken;
}

template <class Family>
std::expected<LeaseId, LeaseRefusal> BasicLeaseTable<Family>::hold(const LeaseClient& client,
                                                                   const Address& address,
                                                                   const Now& now) noexcept {
    const auto holder = by_address_.find(address);
    Slot slot = 0;
    if (holder != by_address_.end()) {
        slot = holder->second;
        if (at(slot).mac != client.mac) {
            MUSTER_CHECK(at(slot).state == Lease::State::idle);
            give(slot, client);
        }
    } else {
        const auto created = create(client, address);
        if (!created) {
            return std::unexpected(created.error());
        }
        slot = *created;
    }
    keep_offered(slot, now);
    return LeaseId{slot};
}

/// A fresh lease of an address that nobody has.
template <class Family>
std::expected<std::uint32_t, LeaseRefusal>
BasicLeaseTable<Family>::create(const LeaseClient& client, const Address& address) noexcept {
    const auto claimed = leases_.claim();
    if (claimed.value == nullptr) {
        return std::unexpected(LeaseRefusal::table_full);
    }
    claimed.value->address = address;
    claimed.value->mac = client.mac;
    claimed.value->link = client.link;
    set_never_used(client.link, address, false);
    by_address_.emplace(address, claimed.handle.slot);
    ++counter(Lease::State::offered);
    map_machine(claimed.handle.slot);
    return claimed.handle.slot;
}

/// Hands an idle lease to another machine: nothing of the old one is left.
template <class Family>
void BasicLeaseTable<Family>::give(Slot slot, const LeaseClient& client) noexcept {
    unlink_idle(slot);
    unmap_machine(slot);
    Lease& lease = at(slot);
    lease.mac = client.mac;
    lease.durable = false;
    lease.remembered = false;
    lease.hostname = 0;
    lease.holder = {};
    lease.previous = Lease::no_link;
    map_machine(slot);
}

template <class Family>
void BasicLeaseTable<Family>::keep_offered(Slot slot, const Now& now) noexcept {
    if (at(slot).state == Lease::State::idle) {
        unlink_idle(slot);
        set_state(slot, Lease::State::offered);
    }
    if (at(slot).state == Lease::State::offered) {
        timers_.arm(slot, now.steady + limits_.offer_hold);
    }
    map_machine(slot);
}

/// Makes this the machine's newest lease; the one before is remembered until this one is bound.
template <class Family>
void BasicLeaseTable<Family>::map_machine(Slot slot) noexcept {
    Lease& lease = at(slot);
    const auto [place, fresh] = by_machine_.try_emplace(MachineKey{lease.mac, lease.link}, slot);
    if (!fresh && place->second != slot) {
        lease.previous = place->second;
        place->second = slot;
    }
}

template <class Family>
void BasicLeaseTable<Family>::unmap_machine(Slot slot) noexcept {
    const Lease& lease = at(slot);
    const auto found = by_machine_.find(MachineKey{lease.mac, lease.link});
    if (found == by_machine_.end() || found->second != slot) {
        return;
    }
    // The lease that this one was to replace becomes the machine's again.
    if (const auto previous = replaced_by(LeaseId{slot})) {
        found->second = lease_table_impl::raw(*previous);
    } else {
        by_machine_.erase(found);
    }
}

template <class Family>
void BasicLeaseTable<Family>::begin_commit(LeaseId id, SlabHandle commit) noexcept {
    at(lease_table_impl::raw(id)).commit = commit;
}

template <class Family>
void BasicLeaseTable<Family>::bind(LeaseId id, const Record& record, Instant deadline) noexcept {
    const Slot slot = lease_table_impl::raw(id);
    unlink_idle(slot);
    set_state(slot, Lease::State::bound);
    Lease& lease = at(slot);
    lease.commit = {};
    lease.durable = true;
    lease.remembered = true;
    lease.expires = record.expires;
    if (const std::uint32_t name = hostname_digest(record.hostname); name != 0) {
        lease.hostname = name;
    }
    lease.holder = Family::holder_of(record);
    lease.previous = Lease::no_link;
    timers_.arm(slot, deadline + limits_.expiry_grace);
}

template <class Family>
void BasicLeaseTable<Family>::prolong(LeaseId id, Instant deadline) noexcept {
    const Slot slot = lease_table_impl::raw(id);
    const bool longer = at(slot).state != Lease::State::bound || this->deadline(id) < deadline;
    unlink_idle(slot);
    set_state(slot, Lease::State::bound);
    at(slot).commit = {};
    if (longer) {
        timers_.arm(slot, deadline + limits_.expiry_grace);
    }
}

template <class Family>
void BasicLeaseTable<Family>::abandon_commit(LeaseId id) noexcept {
    at(lease_table_impl::raw(id)).commit = {};
}

template <class Family>
void BasicLeaseTable<Family>::release(LeaseId id) noexcept {
    const Slot slot = lease_table_impl::raw(id);
    at(slot).commit = {};
    at(slot).durable = false;
    timers_.cancel(slot);
    retire(slot);
}

template <class Family>
void BasicLeaseTable<Family>::forget(LeaseId id) noexcept {
    at(lease_table_impl::raw(id)).commit = {};
    at(lease_table_impl::raw(id)).remembered = false;
    retire(lease_table_impl::raw(id));
}

template <class Family>
void BasicLeaseTable<Family>::decline(LeaseId id, Instant until) noexcept {
    const Slot slot = lease_table_impl::raw(id);
    unlink_idle(slot);
    unmap_machine(slot);
    set_state(slot, Lease::State::declined);
    Lease& lease = at(slot);
    lease.mac = {};
    lease.commit = {};
    lease.durable = false;
    lease.remembered = false;
    lease.previous = Lease::no_link;
    timers_.arm(slot, until);
}

template <class Family>
std::optional<LeaseId> BasicLeaseTable<Family>::quarantine(const Address& address,
                                                           Instant until) noexcept {
    const LinkId link = link_of(address);
    const Pool* pool = pool_of(link, address);
    if (pool == nullptr || by_address_.contains(address) ||
        !pool->never_used.contains(index_in(pool->range, address))) {
        return std::nullopt;
    }
    const auto claimed = leases_.claim();
    if (claimed.value == nullptr) {
        return std::nullopt;
    }
    claimed.value->address = address;
    claimed.value->link = link;
    claimed.value->state = Lease::State::declined;
    set_never_used(link, address, false);
    by_address_.emplace(address, claimed.handle.slot);
    ++counter(Lease::State::declined);
    timers_.arm(claimed.handle.slot, until);
    return LeaseId{claimed.handle.slot};
}

template <class Family>
void BasicLeaseTable<Family>::defer(LeaseId id) noexcept {
    if (at(lease_table_impl::raw(id)).listed) {
        unlink_idle(lease_table_impl::raw(id));
        link_idle(lease_table_impl::raw(id));
    }
}

template <class Family>
void BasicLeaseTable<Family>::withdraw(LeaseId id) noexcept {
    if (at(lease_table_impl::raw(id)).state == Lease::State::offered &&
        !at(lease_table_impl::raw(id)).committing()) {
        timers_.cancel(lease_table_impl::raw(id));
        retire(lease_table_impl::raw(id));
    }
}

template <class Family>
void BasicLeaseTable<Family>::expire(const Now& now) noexcept {
    timers_.expire(now.steady, [&](std::uint32_t slot) {
        const Lease& lease = at(slot);
        if (lease.state == Lease::State::declined) {
            erase(slot);
        } else if (lease.committing()) {
            timers_.arm(slot, now.steady + limits_.offer_hold); // the answer is still to come
        } else {
            retire(slot);
        }
    });
}

/// The lease has ended: remembered for its machine if it was acknowledged once, else forgotten.
template <class Family>
void BasicLeaseTable<Family>::retire(Slot slot) noexcept {
    const Lease& lease = at(slot);
    const bool usable = reserved(lease.address) || in_pool(lease.link, lease.address);
    if (!lease.remembered || !usable) {
        erase(slot);
        return;
    }
    set_state(slot, Lease::State::idle);
    link_idle(slot);
}

template <class Family>
void BasicLeaseTable<Family>::erase(Slot slot) noexcept {
    unlink_idle(slot);
    unmap_machine(slot);
    timers_.cancel(slot);
    const Lease& lease = at(slot);
    --counter(lease.state);
    by_address_.erase(lease.address);
    if (!reserved(lease.address)) {
        set_never_used(lease.link, lease.address, true);
    }
    leases_.release(leases_.handle_of(slot));
}

template <class Family>
void BasicLeaseTable<Family>::set_state(Slot slot, Lease::State state) noexcept {
    --counter(at(slot).state);
    ++counter(state);
    at(slot).state = state;
}

template <class Family>
std::uint32_t& BasicLeaseTable<Family>::counter(Lease::State state) noexcept {
    switch (state) {
    case Lease::State::offered:
        return count_.offered;
    case Lease::State::bound:
        return count_.bound;
    case Lease::State::idle:
        return count_.idle;
    case Lease::State::declined:
        return count_.declined;
    }
    __builtin_unreachable();
}

/// Appends to the list of those that may go to other machines; a reserved address may not.
template <class Family>
void BasicLeaseTable<Family>::link_idle(Slot slot) noexcept {
    Lease& lease = at(slot);
    if (lease.listed || reserved(lease.address) || !in_pool(lease.link, lease.address)) {
        return;
    }
    Pool& pool = *pool_of(lease.link, lease.address); // in_pool() found it
    lease.listed = true;
    lease.idle_order = ++idle_clock_;
    lease.prev_idle = pool.idle_tail;
    lease.next_idle = Lease::no_link;
    (pool.idle_tail == Lease::no_link ? pool.idle_head : at(pool.idle_tail).next_idle) = slot;
    pool.idle_tail = slot;
}

template <class Family>
void BasicLeaseTable<Family>::unlink_idle(Slot slot) noexcept {
    Lease& lease = at(slot);
    Pool* pool = lease.listed ? pool_of(lease.link, lease.address) : nullptr;
    if (pool == nullptr) {
        return;
    }
    lease.listed = false;
    (lease.prev_idle == Lease::no_link ? pool->idle_head : at(lease.prev_idle).next_idle) =
        lease.next_idle;
    (lease.next_idle == Lease::no_link ? pool->idle_tail : at(lease.next_idle).prev_idle) =
        lease.prev_idle;
}

} // namespace muster
