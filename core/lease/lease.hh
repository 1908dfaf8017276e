// SPDX-License-Identifier: Apache-2.0
// One address and who has it, as worker 0 remembers it.
#pragma once

#include "core/lease/lease_family.hh"
#include "core/mem/slab.hh"

#include <cstdint>

namespace muster {

/// Index of a lease in its table.
enum class LeaseId : std::uint32_t {};

/// Index of a subnet in the plan.
enum class SubnetId : std::uint16_t { none = UINT16_MAX };

/// What machines are plugged into: one subnet, or several that share it. Named by the index of the
/// first of them (links_of()).
enum class LinkId : std::uint16_t { none = UINT16_MAX };

template <class Family>
struct BasicLease {
    enum class State : std::uint8_t {
        offered,  ///< held for a machine that has been offered it, in memory only
        bound,    ///< acknowledged
        idle,     ///< expired or given back; its machine gets it again until another needs it
        declined, ///< somebody unknown uses it (RFC 2131 section 4.3.3): given to nobody
    };
    static constexpr std::uint32_t no_link = UINT32_MAX;

    typename Family::Address address;
    MacAddress mac; ///< zero while declined
    State state = State::offered;
    bool durable = false;    ///< the store's record of this address binds it to `mac`
    bool remembered = false; ///< was acknowledged once, so it stays with `mac` when it ends
    bool listed = false;     ///< in its pool's list of idle leases
    LinkId link = LinkId::none;
    UnixTime expires;                  ///< of the durable record
    SlabHandle commit;                 ///< the commit under way; generation 0: none
    std::uint32_t previous = no_link;  ///< another lease of this machine, ended once this is bound
    std::uint32_t next_idle = no_link; ///< links of the idle list
    std::uint32_t prev_idle = no_link; ///<
    std::uint32_t hostname = 0;        ///< digest of the record's: to see whether it changes
    std::uint64_t idle_order = 0;      ///< rises with every lease that ends
    [[no_unique_address]] typename Family::Holder holder{}; ///< as in the record

    [[nodiscard]] bool committing() const noexcept { return commit.generation != 0; }
};

/// Who asks for an address, and where.
template <class Family>
struct BasicLeaseClient {
    MacAddress mac;
    LinkId link = LinkId::none;
    std::optional<typename Family::Address>
        reserved{}; ///< its reservation, if that lies on the link
    /// Which pools it gets a first address from. What it has, it keeps: the stages of one boot
    /// show different classes, and must not take an address each.
    ClassMask classes = 0;
    bool bootp = false; ///< never gives an address back, so only from pools that allow it
};

using Lease = BasicLease<Ipv4Leases>;
using LeaseClient = BasicLeaseClient<Ipv4Leases>;

// With its generation a lease fills one cache line of the table's slab: a million are 64 MB.
static_assert(sizeof(Lease) <= 56);

/// How an address that a machine names relates to it.
enum class LeaseStanding : std::uint8_t {
    own,           ///< offered to it, bound to it, or remembered as its own
    free,          ///< nobody's, and it may have it
    taken,         ///< somebody else's: bound, offered, remembered, reserved or declined
    unserved,      ///< on the link, but in no pool that the machine may use
    wrong_network, ///< outside the link's subnets
};

enum class LeaseRefusal : std::uint8_t {
    pool_exhausted, ///< every address of the link's pools is somebody's
    table_full,     ///< LeaseLimits::leases_max
};

struct LeaseLimits {
    /// Leases held in memory, remembered ones included.
    std::uint32_t leases_max = 131'072;
    /// Addresses of one pool that are used, from its first: more than the table can hold are of
    /// no use, this bounds the memory a mistyped pool takes.
    std::uint32_t pool_addresses_max = 1U << 24U;
    /// How long an offered address is kept for the machine.
    Duration offer_hold = std::chrono::seconds{60};
    /// How long a bound lease is kept to its machine beyond its end: many clients count their time
    /// from when the ACK reached them, which is later than when the server began to.
    Duration expiry_grace = std::chrono::seconds{10};
    /// For this long after restore() an expired lease goes to its own machine only: it may have
    /// been prolonged without a durable record while the store was full (LeaseTable::prolong()).
    Duration recycle_hold = std::chrono::seconds{120};
};

} // namespace muster
