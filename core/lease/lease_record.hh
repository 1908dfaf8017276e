// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/base/time.hh"

#include <array>
#include <cstdint>

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
    /// Option 12, NUL-padded. Empty in a change: the machine showed none, and what is known stays.
    std::array<char, 64> hostname{};

    friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;
};

/// Four bytes that stand for a name where only its change matters; 0: no name.
[[nodiscard]] constexpr std::uint32_t
hostname_digest(const std::array<char, 64>& hostname) noexcept {
    std::uint32_t digest = 2'166'136'261U; // FNV-1a
    for (const char c : hostname) {
        if (c == '\0') {
            break;
        }
        digest = (digest ^ static_cast<std::uint8_t>(c)) * 16'777'619U;
    }
    return hostname[0] == '\0' ? 0 : digest == 0 ? 1 : digest;
}

} // namespace muster
