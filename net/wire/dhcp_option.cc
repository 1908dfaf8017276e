// SPDX-License-Identifier: Apache-2.0
#include "net/wire/dhcp_option.hh"

namespace muster {

Result<std::optional<DhcpOption>, DhcpError> read_dhcp_option(ByteReader& field) noexcept {
    while (const auto raw = field.u8()) {
        const auto code = static_cast<DhcpOptionCode>(*raw);
        if (code == DhcpOptionCode::pad) {
            continue;
        }
        if (code == DhcpOptionCode::end) {
            return std::nullopt;
        }
        const auto len = field.u8();
        const auto value = len ? field.take(*len) : std::nullopt;
        if (!value) {
            return std::unexpected(DhcpError::truncated_option);
        }
        return DhcpOption{.code = code, .value = *value};
    }
    return std::nullopt;
}

std::optional<Bytes> find_sub_option(Bytes encapsulated, std::uint8_t code) noexcept {
    ByteReader reader{encapsulated};
    while (const auto found = reader.u8()) {
        const auto len = reader.u8();
        const auto value = len ? reader.take(*len) : std::nullopt;
        if (!value) {
            return std::nullopt;
        }
        if (*found == code) {
            return value;
        }
    }
    return std::nullopt;
}

} // namespace muster
