// SPDX-License-Identifier: Apache-2.0
// When machines were offered an address: how long each of them went on to collect offers.
#pragma once

#include "core/addr/mac_address.hh"
#include "core/base/time.hh"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace muster {

/// The first OFFER of each exchange under way, in fixed memory. An exchange is a machine and its
/// xid, which the REQUEST has from the DISCOVER (RFC 2131 section 4.4.1). Where more machines
/// collect at a time than there is room for, the oldest exchange of a few is forgotten: nothing is
/// known of its wait then.
///
/// Thread: worker 0.
class OfferTimes {
public:
    /// `machines`: rounded up to a power of two, at least 4; 16 bytes each.
    explicit OfferTimes(std::uint32_t machines)
        : sets_(std::bit_ceil(std::max(machines, std::uint32_t{ways})) / ways) {}

    /// An OFFER leaves. One that is repeated changes nothing: its client collects since the first.
    void offered(const MacAddress& mac, std::uint32_t xid, Instant now) noexcept {
        const std::uint64_t exchange = number(mac, xid);
        Place* oldest = nullptr;
        for (Place& place : set(exchange)) {
            if (place.exchange == exchange && place.at + memory > now) {
                return;
            }
            if (oldest == nullptr || place.exchange == exchange || place.at < oldest->at) {
                oldest = &place;
            }
        }
        *oldest = {exchange, now};
    }
    /// A REQUEST is there: the time since the first OFFER; zero if nothing is known of it. Forgets
    /// it, so that the same REQUEST again counts nothing.
    [[nodiscard]] Duration take(const MacAddress& mac, std::uint32_t xid, Instant now) noexcept {
        const std::uint64_t exchange = number(mac, xid);
        for (Place& place : set(exchange)) {
            if (place.exchange == exchange && place.at + memory > now) {
                const Duration waited = now - place.at;
                place = {};
                return waited;
            }
        }
        return {};
    }

private:
    static constexpr std::size_t ways = 4;
    static constexpr Duration memory = std::chrono::seconds{60}; ///< an offer's own life

    struct Place {
        std::uint64_t exchange = 0;
        Instant at{INT64_MIN / 2};
    };

    /// 48 bits of the machine, 16 of the xid. Never 0: that is an empty place.
    [[nodiscard]] static std::uint64_t number(const MacAddress& mac, std::uint32_t xid) noexcept {
        std::uint64_t number = 0;
        for (const std::uint8_t octet : mac.octets) {
            number = number << 8U | octet;
        }
        return std::max<std::uint64_t>(number << 16U | ((xid ^ xid >> 16U) & 0xFFFFU), 1);
    }
    [[nodiscard]] std::array<Place, ways>& set(std::uint64_t exchange) noexcept {
        const std::uint64_t mixed = exchange * 0x9E37'79B9'7F4A'7C15U; // Fibonacci hashing
        return sets_[(mixed >> 32U) & (sets_.size() - 1)];
    }

    std::vector<std::array<Place, ways>> sets_;
};

} // namespace muster
