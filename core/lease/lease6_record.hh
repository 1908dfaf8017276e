// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/lease/duid.hh"
#include "core/lease/lease_record.hh"

namespace muster {

/// One binding of an IPv6 address, as it is kept in the store. As in IPv4 the machine is known by
/// its link address; the client that asked in its name, by DUID and IAID.
struct Lease6Record {
    using State = LeaseRecord::State;

    Ipv6Address address{};
    MacAddress mac{}; ///< or what stands for a machine without one (DuidIndex)
    State state = State::bound;
    UnixTime expires{};
    std::array<char, 64> hostname{}; ///< option 39, NUL-padded; empty if none was sent
    std::uint32_t iaid = 0;
    Duid duid{}; ///< empty: nobody's by now

    friend bool operator==(const Lease6Record&, const Lease6Record&) = default;
};

} // namespace muster
