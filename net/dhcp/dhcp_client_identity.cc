// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/dhcp_client_identity.hh"

#include <algorithm>
#include <charconv>

namespace muster {

namespace {

constexpr std::uint8_t ipxe_feature_http = 0x13;
constexpr std::string_view pxe_class = "PXEClient";
constexpr std::string_view http_class = "HTTPClient";
constexpr std::string_view uboot_class = "U-Boot";
constexpr std::string_view arch_mark = ":Arch:";

std::string_view text_of(const DhcpMessage& message, DhcpOptionCode code) noexcept {
    const auto value = message.find(code);
    return value ? as_text(*value) : std::string_view{};
}

ShownIdentity read_shown(const DhcpMessage& message) noexcept {
    ShownIdentity shown{.client_id = text_of(message, DhcpOptionCode::client_identifier),
                        .circuit_id = {},
                        .remote_id = {}};
    const auto relay = message.find(DhcpOptionCode::relay_agent_information);
    if (!relay) {
        return shown;
    }
    const auto text = [&relay](DhcpRelayOption code) {
        const auto value = find_sub_option(*relay, static_cast<std::uint8_t>(code));
        return value ? as_text(*value) : std::string_view{};
    };
    shown.circuit_id = text(DhcpRelayOption::circuit_id);
    shown.remote_id = text(DhcpRelayOption::remote_id);
    return shown;
}

/// iPXE sends the bare text; RFC 3004 section 4 wants a list of length-prefixed ones.
bool has_user_class(std::string_view value, std::string_view wanted) noexcept {
    if (value == wanted) {
        return true;
    }
    ByteReader reader{as_bytes(value)};
    while (const auto size = reader.u8()) {
        const auto instance = reader.take(*size);
        if (!instance) {
            return false;
        }
        if (as_text(*instance) == wanted) {
            return true;
        }
    }
    return false;
}

void read_archs(const DhcpMessage& message, std::string_view vendor_class,
                DhcpClientIdentity& identity) noexcept {
    if (const auto list = message.find(DhcpOptionCode::client_architecture)) {
        ByteReader reader{*list};
        while (identity.arch_count < identity.archs.size()) {
            const auto arch = reader.u16();
            if (!arch) {
                return;
            }
            identity.archs[identity.arch_count++] = *arch;
        }
        return;
    }
    // ROMs from before RFC 4578: `PXEClient:Arch:00000:UNDI:002001` alone says it.
    const auto mark = vendor_class.find(arch_mark);
    if (mark == std::string_view::npos) {
        return;
    }
    const std::string_view digits = vendor_class.substr(mark + arch_mark.size());
    std::uint16_t arch = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), arch);
    if (error == std::errc{}) {
        identity.archs[identity.arch_count++] = arch;
    }
}

} // namespace

DhcpClientIdentity identify_client(const DhcpMessage& message) noexcept {
    DhcpClientIdentity identity;
    const std::string_view vendor_class = text_of(message, DhcpOptionCode::vendor_class);
    const auto ipxe = message.find(DhcpOptionCode::ipxe);
    if (ipxe || has_user_class(text_of(message, DhcpOptionCode::user_class), "iPXE")) {
        identity.kind = DhcpClientKind::ipxe;
        identity.http = !ipxe || find_sub_option(*ipxe, ipxe_feature_http).has_value();
    } else if (vendor_class.starts_with(http_class)) {
        identity.kind = DhcpClientKind::http_boot;
    } else if (vendor_class.starts_with(pxe_class) || vendor_class.starts_with(uboot_class)) {
        identity.kind = DhcpClientKind::pxe;
    }
    read_archs(message, vendor_class, identity);
    identity.shown = read_shown(message);
    // 17 octets, type 0 and the UUID (RFC 4578 section 2.3).
    const auto machine = message.find(DhcpOptionCode::client_machine);
    if (machine && machine->size() == 17 && (*machine)[0] == std::byte{0}) {
        identity.machine_option = *machine;
        ByteReader reader{machine->subspan(1)};
        identity.uuid = reader.octets<16>();
    }
    return identity;
}

} // namespace muster
