// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp6/dhcp6_client.hh"

#include <charconv>

namespace muster {

namespace {

constexpr std::string_view pxe_word = "PXEClient";
constexpr std::string_view http_word = "HTTPClient";
constexpr std::string_view arch_word = ":Arch:";

/// The text of option 16 that begins with one of the words of network boot; empty: none.
std::string_view boot_class(const Dhcp6Message& message) noexcept {
    std::string_view found;
    any_class_text(message.vendor_class, [&found](std::string_view text) {
        if (!text.starts_with(pxe_word) && !text.starts_with(http_word)) {
            return false;
        }
        found = text;
        return true;
    });
    return found;
}

bool is_ipxe(const Dhcp6Message& message) noexcept {
    return any_class_text(message.user_class, [](std::string_view text) { return text == "iPXE"; });
}

/// RFC 5970 section 3.4: interface type 1 is UNDI.
bool loads_by_undi(const Dhcp6Message& message) noexcept {
    return !message.client_interface.empty() && message.client_interface[0] == std::byte{1} &&
           message.asks_for(Dhcp6OptionCode::bootfile_url);
}

void add_arch(DhcpClientIdentity& identity, std::uint16_t arch) noexcept {
    if (identity.arch_count < identity.archs.size()) {
        identity.archs[identity.arch_count++] = arch;
    }
}

void read_archs6(const Dhcp6Message& message, std::string_view vendor_class,
                 DhcpClientIdentity& identity) noexcept {
    ByteReader reader{message.archs};
    while (const auto arch = reader.u16()) {
        add_arch(identity, *arch);
    }
    const auto mark = vendor_class.find(arch_word);
    if (identity.arch_count > 0 || mark == std::string_view::npos) {
        return;
    }
    const std::string_view digits = vendor_class.substr(mark + arch_word.size());
    std::uint16_t arch = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), arch);
    if (error == std::errc{}) {
        add_arch(identity, arch);
    }
}

bool of_one_machine(const MacAddress& mac) noexcept {
    return !mac.is_zero() && (mac.octets[0] & 1U) == 0;
}

} // namespace

DhcpClientIdentity identify_client(const Dhcp6Message& message) noexcept {
    DhcpClientIdentity identity;
    const std::string_view vendor_class = boot_class(message);
    if (is_ipxe(message)) {
        identity.kind = DhcpClientKind::ipxe;
        identity.http = true; // every build that has IPv6 has HTTP
    } else if (vendor_class.starts_with(http_word)) {
        identity.kind = DhcpClientKind::http_boot;
    } else if (!vendor_class.empty() || loads_by_undi(message)) {
        identity.kind = DhcpClientKind::pxe;
    }
    read_archs6(message, vendor_class, identity);
    identity.uuid = read_duid(message.client_id).uuid;
    identity.shown.client_id = as_text(message.client_id);
    if (message.relayed()) {
        const Dhcp6Hop& hop = message.nearest_hop();
        identity.shown.circuit_id =
            hop.interface_id ? as_text(*hop.interface_id) : std::string_view{};
        identity.shown.remote_id = as_text(hop.remote_id);
    }
    return identity;
}

std::optional<MacAddress> mac_of_eui64(const Ipv6Address& address) noexcept {
    const auto& o = address.octets;
    if (o[11] != 0xFF || o[12] != 0xFE) {
        return std::nullopt;
    }
    const MacAddress mac{
        {static_cast<std::uint8_t>(o[8] ^ 0x02U), o[9], o[10], o[13], o[14], o[15]}};
    return of_one_machine(mac) ? std::optional{mac} : std::nullopt;
}

Dhcp6Machine find_machine(const Dhcp6Message& message, const Ipv6Address& link_source,
                          std::uint32_t iaid) noexcept {
    for (std::size_t i = message.hop_count; i > 0; --i) { // the nearest relay saw it itself
        const auto& told = message.hops[i - 1].client;
        if (told && of_one_machine(*told)) {
            return {*told};
        }
    }
    if (link_source.is_link_local()) {
        if (const auto shown = mac_of_eui64(link_source)) {
            return {*shown};
        }
    }
    if (const auto in_duid = read_duid(message.client_id).mac) {
        return {*in_duid};
    }
    const std::uint64_t digest =
        (duid_digest(message.client_id) ^ iaid) * 0x9e3779b97f4a7c15U; // spreads the IAID
    MacAddress made;
    for (std::size_t i = 0; i < made.octets.size(); ++i) {
        made.octets[i] = static_cast<std::uint8_t>(digest >> (16 + 8 * i));
    }
    // Locally administered, of one machine: no maker's address is like that.
    made.octets[0] = static_cast<std::uint8_t>((made.octets[0] & 0xFCU) | 0x02U);
    return {made, false};
}

} // namespace muster
