// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/base/time.hh"

namespace muster {

/// One binding of an address, as it is kept in the store. A machine is known by its link address
/// (and the subnet it asks from); other identities are aliases of it.
struct LeaseRecord {
    enum class State : std::uint8_t {
        bound,
        released, ///< given back (RFC 2131 section 4.3.4); kept, so that the machine gets it again
        declined, ///< in use by somebody else (section 4.3.3): quarantined until `expires`
    };
    Ipv4Address address{};
    MacAddress mac{};
    State state = State::bound;
    UnixTime expires{};
    std::array<char, 64> hostname{}; ///< option 12, NUL-padded; empty if none was sent

    friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;
};

} // namespace muster
