// SPDX-License-Identifier: Apache-2.0
// What differs between a table of IPv4 leases and one of IPv6 leases.
#pragma once

#include "core/lease/lease6_record.hh"
#include "core/lease/lease_record.hh"
#include "core/site/dhcp_plan.hh"

namespace muster {

struct Ipv4Leases {
    using Address = Ipv4Address;
    using Subnet = muster::Subnet;
    using Range = AddressRange;
    using Plan = SubnetPlan;
    using Record = LeaseRecord;
    /// Nothing: the link address says who holds a lease.
    struct Holder {};
    static Holder holder_of(const Record& /*record*/) noexcept { return {}; }
};

struct Ipv6Leases {
    using Address = Ipv6Address;
    using Subnet = Subnet6;
    using Range = Range6;
    using Plan = Subnet6Plan;
    using Record = Lease6Record;
    /// Which of the machine's programs was given the lease last: only that one can give it back.
    struct Holder {
        std::uint64_t client = 0; ///< duid_digest()
        std::uint32_t iaid = 0;
        friend bool operator==(const Holder&, const Holder&) = default;
    };
    static Holder holder_of(const Record& record) noexcept {
        return {duid_digest(record.duid.bytes()), record.iaid};
    }
};

} // namespace muster
