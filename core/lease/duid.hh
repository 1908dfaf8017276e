// SPDX-License-Identifier: Apache-2.0
// DHCP unique identifiers (RFC 8415 section 11): who a DHCPv6 client says that it is.
#pragma once

#include "core/addr/mac_address.hh"
#include "core/base/bytes.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace muster {

/// The longest that is taken: two octets of type, then at most 128 (RFC 8415 section 11.1).
inline constexpr std::size_t duid_size_max = 130;

/// A DUID held in place, as on the wire.
class Duid {
public:
    Duid() = default;
    /// Octets beyond duid_size_max are no DUID: it stays empty.
    explicit Duid(Bytes octets) noexcept {
        if (octets.size() <= octets_.size()) {
            std::copy(octets.begin(), octets.end(), octets_.begin());
            size_ = static_cast<std::uint8_t>(octets.size());
        }
    }
    [[nodiscard]] Bytes bytes() const noexcept { return Bytes{octets_}.first(size_); }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    friend bool operator==(const Duid& a, const Duid& b) noexcept {
        return std::ranges::equal(a.bytes(), b.bytes());
    }

private:
    std::uint8_t size_ = 0;
    std::array<std::byte, duid_size_max> octets_{};
};

/// A number that stands for a DUID: FNV-1a, the same in every run, for it is compared with what
/// the store brings back.
[[nodiscard]] constexpr std::uint64_t duid_digest(Bytes duid) noexcept {
    std::uint64_t digest = 0xcbf29ce484222325U;
    for (const std::byte octet : duid) {
        digest = (digest ^ std::to_integer<std::uint64_t>(octet)) * 0x100000001b3U;
    }
    return digest;
}

/// What a DUID says of the machine. Types: 1 link-layer address plus time, 2 vendor, 3 link-layer
/// address, 4 UUID (RFC 6355).
struct DuidParts {
    std::optional<MacAddress> mac;                    ///< of types 1 and 3 on Ethernet
    std::optional<std::array<std::uint8_t, 16>> uuid; ///< of type 4, as on the wire
};
[[nodiscard]] DuidParts read_duid(Bytes duid) noexcept;

} // namespace muster
