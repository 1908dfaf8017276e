// SPDX-License-Identifier: Apache-2.0
// Who has which address, of either family. Owned by worker 0; every call is O(1) in the number of
// leases, except set_subnets() and restore(), which run when the site changes and at start.
#pragma once

#include "core/lease/address_bitmap.hh"
#include "core/lease/lease.hh"
#include "core/mem/timer_wheel.hh"

#include <absl/container/flat_hash_map.h>

#include <expected>
#include <span>
#include <vector>

namespace muster {

/// Leases by address and by (machine, link). An address is in exactly one of these places: the
/// bitmap of its pool (never used), a lease, or set aside by a reservation.
template <class Family>
class BasicLeaseTable {
public:
    using Address = typename Family::Address;
    using Subnet = typename Family::Subnet;
    using Range = typename Family::Range;
    using Record = typename Family::Record;
    using Lease = BasicLease<Family>;
    using LeaseClient = BasicLeaseClient<Family>;

    explicit BasicLeaseTable(const LeaseLimits& limits);

    /// Replaces subnets and pools; LinkId and SubnetId index `subnets`. Leases are kept: those
    /// outside the new pools run out where they are and are given to nobody else meanwhile.
    void set_subnets(std::span<const typename Family::Plan> subnets);
    /// Takes back what was durable before a restart. Returns how many did not fit the table.
    std::uint64_t restore(std::span<const Record> records, const Now& now);

    /// Sets an address aside: only a machine whose LeaseClient names it gets it. Counted, so that
    /// two reasons for one address need two calls of unreserve().
    void reserve(const Address& address);
    void unreserve(const Address& address);

    /// The lease to offer, held for the machine from now on: its reservation, else the address it
    /// had, else `requested` when nobody ever had it, else the lowest never used, else the one
    /// that ended longest ago.
    [[nodiscard]] std::expected<LeaseId, LeaseRefusal>
    offer(const LeaseClient& client, std::optional<Address> requested, const Now& now) noexcept;

    [[nodiscard]] LeaseStanding standing(const LeaseClient& client, const Address& address,
                                         const Now& now) const noexcept;
    /// Holds an address whose standing is own or free for the machine.
    [[nodiscard]] std::expected<LeaseId, LeaseRefusal>
    hold(const LeaseClient& client, const Address& address, const Now& now) noexcept;

    [[nodiscard]] const Lease& lease(LeaseId id) const noexcept;
    [[nodiscard]] std::optional<LeaseId> find(const Address& address) const noexcept;
    /// The machine's newest lease on the link, of whatever state.
    [[nodiscard]] std::optional<LeaseId> find(const MacAddress& mac, LinkId link) const noexcept;
    /// The lease that this one is to replace once it is bound: the machine had it before.
    [[nodiscard]] std::optional<LeaseId> replaced_by(LeaseId id) const noexcept;
    /// When the lease ends by itself: the end that was acknowledged, if it is bound.
    [[nodiscard]] Instant deadline(LeaseId id) const noexcept;

    /// A commit of the lease is under way: it ends by nothing until the commit does.
    void begin_commit(LeaseId id, SlabHandle commit) noexcept;
    /// The lease is durable and acknowledged until `record.expires`, here `deadline`.
    void bind(LeaseId id, const Record& record, Instant deadline) noexcept;
    /// The commit failed, and the lease is prolonged all the same on the strength of its older
    /// durable record.
    void prolong(LeaseId id, Instant deadline) noexcept;
    /// The commit failed and nothing was acknowledged.
    void abandon_commit(LeaseId id) noexcept;

    /// The machine gave the address back. It stays remembered for it.
    void release(LeaseId id) noexcept;
    /// The machine found the address in use by somebody else.
    void decline(LeaseId id, Instant until) noexcept;
    /// Somebody unknown uses an address of a pool that nobody ever had. Nullopt: it is no such
    /// address (any more), or the table is full.
    std::optional<LeaseId> quarantine(const Address& address, Instant until) noexcept;
    /// An ended lease whose address is still in use: others go to new machines before it.
    void defer(LeaseId id) noexcept;
    /// The addresses of a link that are offered next to machines without one, soonest first, as far
    /// as they fit `out`; returns how many. What only some classes may have is among them.
    [[nodiscard]] std::size_t candidates(LinkId link, std::span<Address> out) const noexcept;
    /// Forgets the lease altogether: its machine has another one now.
    void forget(LeaseId id) noexcept;
    /// Gives up an offer that the machine did not take (it chose another server).
    void withdraw(LeaseId id) noexcept;

    void expire(const Now& now) noexcept;
    [[nodiscard]] Instant next_deadline() const noexcept { return timers_.next_deadline(); }

    struct Count {
        std::uint32_t offered = 0;
        std::uint32_t bound = 0;
        std::uint32_t idle = 0;
        std::uint32_t declined = 0;
    };
    [[nodiscard]] const Count& count() const noexcept { return count_; }
    /// Addresses of all pools that nobody ever had.
    [[nodiscard]] std::uint64_t never_used() const noexcept { return never_used_; }
    /// Addresses of the link's pools, however they are used.
    [[nodiscard]] std::uint64_t pool_size(LinkId link) const noexcept;

private:
    using Slot = std::uint32_t;
    struct Pool {
        Range range;
        AddressBitmap never_used;
        ClassMask classes = 0;
        bool bootp = false;
        std::uint32_t idle_head = Lease::no_link; ///< ended longest ago
        std::uint32_t idle_tail = Lease::no_link;

        [[nodiscard]] bool open_to(const LeaseClient& client) const noexcept {
            return (classes == 0 || (classes & client.classes) != 0) && (!client.bootp || bootp);
        }
    };
    struct Link {
        std::vector<Subnet> subnets;
        std::vector<Pool> pools; ///< those of the first subnet first

        [[nodiscard]] bool contains(const Address& address) const noexcept;
    };
    /// A subnet and its link, to be found by address.
    struct Place {
        Subnet subnet;
        LinkId link{};
    };
    struct MachineKey {
        MacAddress mac;
        LinkId link{};
        friend bool operator==(const MachineKey&, const MachineKey&) = default;
        template <class H>
        friend H AbslHashValue(H h, const MachineKey& key) {
            return H::combine(std::move(h), key.mac, key.link);
        }
    };

    [[nodiscard]] Lease& at(Slot slot) noexcept;
    [[nodiscard]] const Lease& at(Slot slot) const noexcept;
    [[nodiscard]] const Link* find_link(LinkId link) const noexcept;
    [[nodiscard]] Pool* pool_of(LinkId link, const Address& address) noexcept;
    [[nodiscard]] const Pool* pool_of(LinkId link, const Address& address) const noexcept;
    [[nodiscard]] bool in_pool(LinkId link, const Address& address) const noexcept {
        return pool_of(link, address) != nullptr;
    }
    [[nodiscard]] bool reserved(const Address& address) const noexcept;
    [[nodiscard]] bool may_keep(const LeaseClient& client, const Address& address) const noexcept;
    [[nodiscard]] LinkId link_of(const Address& address) const noexcept;
    [[nodiscard]] std::optional<Address>
    lowest_never_used(const LeaseClient& client) const noexcept;
    [[nodiscard]] bool is_never_used(const LeaseClient& client,
                                     const Address& address) const noexcept;
    void set_never_used(LinkId link, const Address& address, bool value) noexcept;
    [[nodiscard]] Slot oldest_idle(const LeaseClient& client) const noexcept;
    void place_leases();
    [[nodiscard]] bool reservation_open(const LeaseClient& client, const Now& now) const noexcept;
    /// An ended lease of another machine that may be taken from it now.
    [[nodiscard]] bool may_recycle(const Lease& lease, const Now& now) const noexcept {
        return lease.state == Lease::State::idle && (!lease.durable || recycle_from_ <= now.steady);
    }

    [[nodiscard]] std::expected<Slot, LeaseRefusal> create(const LeaseClient& client,
                                                           const Address& address) noexcept;
    void give(Slot slot, const LeaseClient& client) noexcept;
    void keep_offered(Slot slot, const Now& now) noexcept;
    void map_machine(Slot slot) noexcept;
    void unmap_machine(Slot slot) noexcept;
    void set_state(Slot slot, Lease::State state) noexcept;
    [[nodiscard]] std::uint32_t& counter(Lease::State state) noexcept;
    void retire(Slot slot) noexcept;
    void erase(Slot slot) noexcept;
    void link_idle(Slot slot) noexcept;
    void unlink_idle(Slot slot) noexcept;

    LeaseLimits limits_;
    std::vector<Link> links_;   ///< by LinkId; empty where a subnet shares another's link
    std::vector<Place> places_; ///< by network address
    Slab<Lease> leases_;
    TimerWheel timers_; ///< one a lease, by its slot
    absl::flat_hash_map<Address, Slot> by_address_;
    absl::flat_hash_map<MachineKey, Slot> by_machine_;
    absl::flat_hash_map<Address, std::uint32_t> reserved_; ///< how many times
    Count count_;
    std::uint64_t never_used_ = 0;
    std::uint64_t idle_clock_ = 0;
    Instant recycle_from_;
};

/// Compiled in lease_tables.cc.
extern template class BasicLeaseTable<Ipv4Leases>;
extern template class BasicLeaseTable<Ipv6Leases>;
using LeaseTable = BasicLeaseTable<Ipv4Leases>;
using Lease6 = BasicLease<Ipv6Leases>;
using Lease6Client = BasicLeaseClient<Ipv6Leases>;
using Lease6Table = BasicLeaseTable<Ipv6Leases>;

} // namespace muster
