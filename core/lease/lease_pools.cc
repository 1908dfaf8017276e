// SPDX-License-Identifier: Apache-2.0
// The half of LeaseTable that knows subnets, pools and reservations, and what a restart brings.
#include "core/lease/lease_table.hh"

#include <algorithm>
#include <tuple>
#include <utility>

namespace muster {

namespace {

/// The part of a pool that machines can have: not the subnet's own two addresses (RFC 1122
/// section 3.2.1.3), and no more than the limit.
std::optional<AddressRange> usable_part(const Subnet& subnet, AddressRange range,
                                        std::uint32_t limit) {
    if (range.last < range.first || !subnet.contains(range.first) || !subnet.contains(range.last)) {
        return std::nullopt;
    }
    std::uint64_t first = to_number(range.first);
    std::uint64_t last = to_number(range.last);
    if (subnet.prefix_length < 31) {
        first += range.first == subnet.network ? 1U : 0U;
        last -= range.last == subnet.broadcast() ? 1U : 0U;
    }
    last = std::min(last, first + limit - 1);
    if (last < first) {
        return std::nullopt;
    }
    return AddressRange{from_number(static_cast<std::uint32_t>(first)),
                        from_number(static_cast<std::uint32_t>(last))};
}

} // namespace

bool LeaseTable::Link::contains(const Ipv4Address& address) const noexcept {
    return std::any_of(subnets.begin(), subnets.end(),
                       [&](const Subnet& subnet) { return subnet.contains(address); });
}

const LeaseTable::Link* LeaseTable::find_link(LinkId link) const noexcept {
    const auto index = static_cast<std::size_t>(link);
    return index < links_.size() ? &links_[index] : nullptr;
}

const LeaseTable::Pool* LeaseTable::pool_of(LinkId link,
                                            const Ipv4Address& address) const noexcept {
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

LeaseTable::Pool* LeaseTable::pool_of(LinkId link, const Ipv4Address& address) noexcept {
    return const_cast<Pool*>(std::as_const(*this).pool_of(link, address)); // NOLINT: ours
}

bool LeaseTable::reserved(const Ipv4Address& address) const noexcept {
    return reserved_.contains(address);
}

/// What a machine that has this address may go on with: it lies in a pool and is reserved for
/// nobody else, or is reserved for this machine on this link.
bool LeaseTable::may_keep(const LeaseClient& client, const Ipv4Address& address) const noexcept {
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

LinkId LeaseTable::link_of(const Ipv4Address& address) const noexcept {
    const auto after = std::upper_bound(
        places_.begin(), places_.end(), to_number(address),
        [](std::uint32_t n, const Place& place) { return n < to_number(place.subnet.network); });
    if (after == places_.begin() || !(after - 1)->subnet.contains(address)) {
        return LinkId::none;
    }
    return (after - 1)->link;
}

std::optional<Ipv4Address> LeaseTable::lowest_never_used(const LeaseClient& client) const noexcept {
    const Link* link = find_link(client.link);
    if (link == nullptr) {
        return std::nullopt;
    }
    for (const Pool& pool : link->pools) {
        if (!pool.open_to(client)) {
            continue;
        }
        if (const auto index = pool.never_used.smallest()) {
            return from_number(to_number(pool.range.first) + *index);
        }
    }
    return std::nullopt;
}

bool LeaseTable::is_never_used(const LeaseClient& client,
                               const Ipv4Address& address) const noexcept {
    const Pool* pool = pool_of(client.link, address);
    return pool != nullptr && pool->open_to(client) &&
           pool->never_used.contains(to_number(address) - to_number(pool->range.first));
}

void LeaseTable::set_never_used(LinkId link, const Ipv4Address& address, bool value) noexcept {
    if (Pool* pool = pool_of(link, address)) {
        const std::uint32_t index = to_number(address) - to_number(pool->range.first);
        never_used_ -= pool->never_used.count();
        value ? pool->never_used.insert(index) : pool->never_used.erase(index);
        never_used_ += pool->never_used.count();
    }
}

/// Of the leases that ended and may go to this machine, the one that ended longest ago.
LeaseTable::Slot LeaseTable::oldest_idle(const LeaseClient& client) const noexcept {
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

std::size_t LeaseTable::candidates(LinkId link, std::span<Ipv4Address> out) const noexcept {
    const Link* found = find_link(link);
    std::size_t count = 0;
    for (std::size_t i = 0; found != nullptr && i < found->pools.size(); ++i) {
        const Pool& pool = found->pools[i];
        for (auto n = pool.never_used.smallest(); n && count < out.size();
             n = pool.never_used.smallest_from(*n + 1)) {
            out[count++] = from_number(to_number(pool.range.first) + *n);
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

std::uint64_t LeaseTable::pool_size(LinkId link) const noexcept {
    const Link* found = find_link(link);
    std::uint64_t size = 0;
    for (std::size_t i = 0; found != nullptr && i < found->pools.size(); ++i) {
        size += found->pools[i].range.count();
    }
    return size;
}

void LeaseTable::reserve(const Ipv4Address& address) {
    if (++reserved_[address] > 1) {
        return;
    }
    set_never_used(link_of(address), address, false);
    if (const auto holder = by_address_.find(address); holder != by_address_.end()) {
        unlink_idle(holder->second); // still remembered, but no longer for everybody to have
    }
}

void LeaseTable::unreserve(const Ipv4Address& address) {
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

void LeaseTable::set_subnets(std::span<const SubnetPlan> subnets) {
    links_.assign(subnets.size(), {});
    places_.clear();
    never_used_ = 0;
    const std::vector<std::uint16_t> links = links_of(subnets);
    for (std::size_t i = 0; i < subnets.size(); ++i) {
        const SubnetPlan& plan = subnets[i];
        Link& link = links_[links[i]];
        link.subnets.push_back(plan.subnet);
        places_.push_back({plan.subnet, static_cast<LinkId>(links[i])});
        for (const PoolPlan& pool : plan.pools) {
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
    std::sort(places_.begin(), places_.end(), [](const Place& a, const Place& b) {
        return to_number(a.subnet.network) < to_number(b.subnet.network);
    });
    for (const auto& [address, times] : reserved_) {
        set_never_used(link_of(address), address, false);
    }
    place_leases();
}

/// Finds every lease its place among the subnets of now.
void LeaseTable::place_leases() {
    if (links_.empty()) {
        return; // before the first site, when a restart has brought leases already
    }
    // The order decides which lease of a machine counts: idle ones first, so that a live one takes
    // the machine over, the later to end last. Ranks are copied out: a million leases are sorted
    // in a tenth of the time that it takes through the table.
    struct Rank {
        bool live;
        bool durable;
        UnixTime expires;
        Slot slot;
        auto operator<=>(const Rank&) const = default;
    };
    std::vector<Rank> slots;
    slots.reserve(leases_.in_use());
    for (Slot slot = 0; slot < leases_.capacity(); ++slot) {
        if (const Lease* lease = leases_.at(slot)) {
            slots.push_back(
                {lease->state != Lease::State::idle, lease->durable, lease->expires, slot});
        }
    }
    std::sort(slots.begin(), slots.end());
    by_machine_.clear();
    for (const auto& [live, durable, expires, slot] : slots) {
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
    for (const auto& [live, durable, expires, slot] : slots) {
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

std::uint64_t LeaseTable::restore(std::span<const LeaseRecord> records, const Now& now) {
    recycle_from_ = now.steady + limits_.recycle_hold;
    std::vector<const LeaseRecord*> order;
    order.reserve(records.size());
    for (const LeaseRecord& record : records) {
        order.push_back(&record);
    }
    if (records.size() > leases_.capacity() - leases_.in_use()) {
        // Those that end last come first, so that a table too small drops what matters least.
        std::stable_sort(
            order.begin(), order.end(),
            [](const LeaseRecord* a, const LeaseRecord* b) { return b->expires < a->expires; });
    }
    std::uint64_t dropped = 0;
    for (const LeaseRecord* record : order) {
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
