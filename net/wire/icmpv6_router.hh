// SPDX-License-Identifier: Apache-2.0
// Router solicitations and advertisements (RFC 4861 sections 4.1 and 4.2). Payloads begin at the
// ICMPv6 type; the checksum and the hop limit of 255 are the kernel's and the driver's to check.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/addr/subnet6.hh"
#include "core/base/byte_writer.hh"
#include "core/base/result.hh"

#include <optional>
#include <span>

namespace muster {

inline constexpr std::size_t quiet_advertisement_size = 24;
/// Prefixes that one advertisement names; more are left out.
inline constexpr std::size_t advertised_prefixes_max = 8;
inline constexpr std::size_t advertisement_size_max =
    quiet_advertisement_size + advertised_prefixes_max * 32;

/// Every way in which bytes can fail to be one of the two messages; each has an input of its name
/// in tests/fuzz/corpus/router_solicitation/.
#define MUSTER_ICMPV6_ERRORS(X)                                                                    \
    X(truncated, "shorter than the message's fixed part (RFC 4861 section 6.1)")                   \
    X(other_type, "neither a router solicitation nor a router advertisement")                      \
    X(bad_code, "the ICMP code is not 0 (RFC 4861 section 6.1)")                                   \
    X(bad_option, "an option of length 0 or past the end (RFC 4861 section 6.1)")                  \
    X(bad_source, "a source address that the message must not have (RFC 4861 section 6.1)")

enum class Icmpv6Error : std::uint8_t {
#define X(name, text) name,
    MUSTER_ICMPV6_ERRORS(X)
#undef X
};

constexpr std::string_view describe(Icmpv6Error error) noexcept {
    switch (error) {
#define X(name, text)                                                                              \
    case Icmpv6Error::name:                                                                        \
        return text;
        MUSTER_ICMPV6_ERRORS(X)
#undef X
    }
    __builtin_unreachable();
}

struct RouterMessage {
    enum class Kind : std::uint8_t { solicitation, advertisement };
    Kind kind{};
    std::uint16_t router_lifetime_s = 0; ///< of an advertisement; 0: no default router
};

/// Reads either message and applies the validity rules that can be seen from here.
///
/// Errors:  see MUSTER_ICMPV6_ERRORS. bad_source: a solicitation from `::` with a source
///          link-layer address, or an advertisement from an address that is not link-local.
/// Source:  RFC 4861 sections 6.1.1, 6.1.2.
[[nodiscard]] Result<RouterMessage, Icmpv6Error>
read_router_message(Bytes payload, const Ipv6Address& source) noexcept;

/// Writes an advertisement that advertises nothing: lifetime 0, no prefix, M=0, O=0, and the
/// sender's link-layer address. Its checksum is left 0 for the kernel.
///
/// Returns: quiet_advertisement_size, or 0 when `out` is smaller.
/// Source:  RFC 4861 section 4.2: a lifetime of 0 says that the router is no default router.
[[nodiscard]] std::size_t write_quiet_advertisement(MutableBytes out,
                                                    const MacAddress& source_link) noexcept;

/// Writes an advertisement that sends machines to DHCPv6 for addresses and all else (M=1, O=1),
/// and says which prefixes are on the link without a router between. It is no default router
/// (lifetime 0), and nobody shall make an address of the prefixes (A=0).
///
/// Returns: the size, or 0 when `out` is too small; advertisement_size_max is enough.
/// Source:  RFC 4861 sections 4.2, 4.6.2.
[[nodiscard]] std::size_t write_managed_advertisement(MutableBytes out,
                                                      const MacAddress& source_link,
                                                      std::span<const Subnet6> prefixes) noexcept;

} // namespace muster
