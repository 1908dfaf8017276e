// SPDX-License-Identifier: Apache-2.0
#include "net/client/dhcp_client_offer.hh"

#include <algorithm>

namespace muster {
namespace {

constexpr auto pxelinux_path_prefix = static_cast<DhcpOptionCode>(210);
constexpr std::uint8_t ipxe_no_proxy_dhcp = 176; ///< sub-option of 175
constexpr std::uint8_t pxe_discovery_control = 6;
constexpr std::uint8_t pxe_boot_menu = 9;
constexpr std::uint8_t pxe_menu_prompt = 10;

/// Text of an option up to its first NUL: servers count one into the length.
std::string offered_text(const DhcpMessage& message, DhcpOptionCode code) {
    const auto value = message.find(code);
    if (!value) {
        return {};
    }
    const std::string_view text = as_text(*value);
    return std::string{text.substr(0, text.find('\0'))};
}

std::uint32_t offered_u32(const DhcpMessage& message, DhcpOptionCode code) noexcept {
    const auto value = message.find(code);
    return value ? ByteReader{*value}.u32().value_or(0) : 0;
}

Ipv4Address next_server_of(const DhcpMessage& message) {
    if (!message.header.siaddr.is_unspecified()) {
        return message.header.siaddr;
    }
    if (const auto named =
            read_ipv4_address(offered_text(message, DhcpOptionCode::tftp_server_name))) {
        return *named;
    }
    return message.address(DhcpOptionCode::server_identifier).value_or(Ipv4Address{});
}

/// Option 43 of a PXE server: code, length, value, up to 255.
/// Source: PXE specification 2.1 table 2-1.
void read_pxe_options(Bytes value, DhcpClientOffer& offer) noexcept {
    ByteReader reader{value};
    while (const auto option = read_dhcp_option(reader)) {
        if (!option->has_value()) {
            return;
        }
        const auto code = static_cast<std::uint8_t>((*option)->code);
        offer.discovery |= code >= pxe_discovery_control && code <= pxe_menu_prompt;
        if (code == pxe_boot_menu) {
            if (const auto type = ByteReader{(*option)->value}.u16()) {
                offer.menu_type = *type;
            }
        }
    }
}

template <class Test>
std::optional<std::size_t> first(std::span<const DhcpClientOffer> offers, Test&& test) noexcept {
    const auto at = std::ranges::find_if(offers, test);
    return at == offers.end() ? std::nullopt
                              : std::optional{static_cast<std::size_t>(at - offers.begin())};
}

} // namespace

DhcpClientOffer read_dhcp_client_offer(const DhcpMessage& message, const Endpoint& source,
                                       bool file_first) {
    DhcpClientOffer offer;
    offer.source = source.address.v4().value_or(Ipv4Address{});
    DhcpClientLease& lease = offer.lease;
    lease.address = message.header.yiaddr;
    lease.server =
        message.address(DhcpOptionCode::server_identifier).value_or(message.header.siaddr);
    lease.next_server = next_server_of(message);
    lease.dhcp_next_server = lease.next_server;
    lease.router = message.address(DhcpOptionCode::router).value_or(Ipv4Address{});
    lease.netmask = message.address(DhcpOptionCode::subnet_mask).value_or(Ipv4Address{});
    lease.lease_s = offered_u32(message, DhcpOptionCode::address_lease_time);
    const std::string in_option = offered_text(message, DhcpOptionCode::bootfile_name);
    const std::string in_field{message.header.file};
    const bool field = in_option.empty() || (file_first && !in_field.empty());
    lease.boot_file = field ? in_field : in_option;
    lease.path_prefix = offered_text(message, pxelinux_path_prefix);
    lease.vendor_class = offered_text(message, DhcpOptionCode::vendor_class);
    offer.pxe = lease.vendor_class.starts_with("PXEClient");
    offer.http = lease.vendor_class.starts_with("HTTPClient");
    if (const auto value = message.find(DhcpOptionCode::vendor_specific); value && offer.pxe) {
        read_pxe_options(*value, offer);
    }
    if (const auto value = message.find(DhcpOptionCode::ipxe)) {
        const auto flag = find_sub_option(*value, ipxe_no_proxy_dhcp);
        offer.no_proxy_dhcp = flag && !flag->empty() && flag->front() != std::byte{0};
    }
    return offer;
}

DhcpClientChoice choose_first(std::span<const DhcpClientOffer> offers) noexcept {
    return {first(offers, [](const auto& o) { return !o.from_proxy(); }),
            first(offers, [](const auto& o) { return o.from_proxy() && o.pxe; })};
}

DhcpClientChoice choose_ranked(std::span<const DhcpClientOffer> offers) noexcept {
    const auto plain = first(offers, [](const auto& o) { return !o.from_proxy(); });
    if (const auto full =
            first(offers, [](const auto& o) { return !o.from_proxy() && o.pxe && o.discovery; })) {
        return {full, std::nullopt};
    }
    const auto full_proxy =
        first(offers, [](const auto& o) { return o.from_proxy() && o.pxe && o.discovery; });
    if (plain && full_proxy) {
        return {plain, full_proxy};
    }
    if (const auto pxe = first(offers, [](const auto& o) { return !o.from_proxy() && o.pxe; })) {
        return {pxe, std::nullopt};
    }
    const auto proxy = first(offers, [](const auto& o) { return o.from_proxy() && o.pxe; });
    if (plain && proxy) {
        return {plain, proxy};
    }
    return {first(offers, [](const auto& o) { return !o.from_proxy() && !o.http && o.bootable(); }),
            std::nullopt};
}

DhcpClientChoice choose_http(std::span<const DhcpClientOffer> offers) noexcept {
    const auto usable = [](const DhcpClientOffer& o) {
        return o.http && o.bootable();
    };
    if (const auto whole =
            first(offers, [&](const auto& o) { return !o.from_proxy() && usable(o); })) {
        return {whole, std::nullopt};
    }
    const auto proxy = first(offers, [&](const auto& o) { return o.from_proxy() && usable(o); });
    const auto plain = first(offers, [](const auto& o) { return !o.from_proxy(); });
    if (plain && proxy) {
        return {plain, proxy};
    }
    return {};
}

} // namespace muster
