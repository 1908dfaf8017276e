// SPDX-License-Identifier: Apache-2.0
// The DHCP options that a site can set by name: their codes, the types of their values, and why
// some are not a site's to set.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace muster {

/// How a value is written in YAML and what becomes of it on the wire.
enum class DhcpOptionType : std::uint8_t {
    address,       ///< one IPv4 address
    addresses,     ///< a list of them
    address_pairs, ///< a list of pairs (policy filters, static routes)
    text,          ///< as it stands, without a NUL
    u8,            ///< a number
    u16,           ///<
    u32,           ///<
    i32,           ///< a number, perhaps negative
    u16_list,      ///< a list of numbers
    boolean,       ///< true or false, one octet
    domains,       ///< a list of names, compressed (RFC 3397)
    routes,        ///< a list of `10.9.0.0/16 via 10.0.0.254` (RFC 3442)
    sub_options,   ///< a mapping of sub-option numbers (RFC 2132 section 8.4)
    hex,           ///< `0x0102`
    addresses6,    ///< a list of IPv6 addresses, or one
    names,         ///< a list of domain names, not compressed (RFC 8415 section 10)
    texts,         ///< a list of texts, each behind its length in two octets (RFC 5970 section 3.2)
    ntp_servers,   ///< a list of IPv6 addresses and host names (RFC 5908)
    enterprise,    ///< `{NUMBER: {1: …}}`: sub-options of a maker (RFC 8415 section 21.17)
};

/// The name of a type as `{type: …}` takes it.
[[nodiscard]] std::string_view to_text(DhcpOptionType type) noexcept;
/// The types that `{type: …}` takes.
[[nodiscard]] std::span<const DhcpOptionType> dhcp_option_types() noexcept;

struct KnownDhcpOption {
    std::uint8_t code = 0;
    DhcpOptionType type = DhcpOptionType::hex;
    std::string_view name;       ///< as in the IANA registry and Kea, mostly
    std::string_view other_name; ///< what dnsmasq or habit calls it; empty: nothing else
    std::string_view refusal;    ///< not empty: a site cannot set it, and this is why
};

/// Whose option codes are meant: they have nothing in common.
enum class DhcpOptionFamily : std::uint8_t { dhcp4, dhcp6 };

/// By either name; null when there is no such option.
[[nodiscard]] const KnownDhcpOption*
find_dhcp_option(std::string_view name, DhcpOptionFamily family = DhcpOptionFamily::dhcp4) noexcept;
[[nodiscard]] const KnownDhcpOption*
find_dhcp_option(std::uint8_t code, DhcpOptionFamily family = DhcpOptionFamily::dhcp4) noexcept;
/// For suggestions: the names of what a site can set.
[[nodiscard]] std::vector<std::string_view>
dhcp_option_names(DhcpOptionFamily family = DhcpOptionFamily::dhcp4);

} // namespace muster
