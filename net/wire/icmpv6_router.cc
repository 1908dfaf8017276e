// SPDX-License-Identifier: Apache-2.0
#include "net/wire/icmpv6_router.hh"

#include "core/base/byte_reader.hh"

namespace muster {

namespace {

constexpr std::uint8_t type_solicitation = 133;
constexpr std::uint8_t type_advertisement = 134;
constexpr std::uint8_t option_source_link = 1;
constexpr std::size_t option_unit = 8; ///< option lengths count these

bool is_link_local(const Ipv6Address& address) noexcept {
    return address.octets[0] == 0xFE && (address.octets[1] & 0xC0U) == 0x80U;
}

/// Walks the options; says whether one is a source link-layer address (RFC 4861 section 4.6).
Result<bool, Icmpv6Error> has_source_link(ByteReader& reader) noexcept {
    bool found = false;
    while (!reader.empty()) {
        const auto type = reader.u8();
        const auto length = reader.u8();
        if (!length || *length == 0 || !reader.skip(*length * option_unit - 2)) {
            return std::unexpected(Icmpv6Error::bad_option);
        }
        found |= type == option_source_link;
    }
    return found;
}

} // namespace

Result<RouterMessage, Icmpv6Error> read_router_message(Bytes payload,
                                                       const Ipv6Address& source) noexcept {
    ByteReader reader{payload};
    const auto type = reader.u8();
    const auto code = reader.u8();
    if (!code || !reader.skip(2)) { // the checksum is the kernel's
        return std::unexpected(Icmpv6Error::truncated);
    }
    if (*type != type_solicitation && *type != type_advertisement) {
        return std::unexpected(Icmpv6Error::other_type);
    }
    if (*code != 0) {
        return std::unexpected(Icmpv6Error::bad_code);
    }
    RouterMessage message;
    if (*type == type_solicitation) {
        message.kind = RouterMessage::Kind::solicitation;
        if (!reader.skip(4)) { // reserved
            return std::unexpected(Icmpv6Error::truncated);
        }
    } else {
        message.kind = RouterMessage::Kind::advertisement;
        const bool flags = reader.skip(2); // hop limit, M and O
        const auto lifetime = reader.u16();
        if (!flags || !lifetime || !reader.skip(8)) { // reachable and retransmission times
            return std::unexpected(Icmpv6Error::truncated);
        }
        message.router_lifetime_s = *lifetime;
    }
    MUSTER_TRY(source_link, has_source_link(reader));
    const bool solicitation = message.kind == RouterMessage::Kind::solicitation;
    if (solicitation ? source.is_unspecified() && source_link : !is_link_local(source)) {
        return std::unexpected(Icmpv6Error::bad_source);
    }
    return message;
}

std::size_t write_quiet_advertisement(MutableBytes out, const MacAddress& source_link) noexcept {
    ByteWriter writer{out};
    writer.u8(type_advertisement);
    writer.u8(0);
    writer.u16(0); // checksum: the kernel's
    writer.u8(0);  // hop limit: unspecified
    writer.u8(0);  // M=0, O=0: neither address nor other configuration by DHCPv6
    writer.u16(0); // router lifetime: no default router
    writer.u32(0); // reachable time: unspecified
    writer.u32(0); // retransmission timer: unspecified
    writer.u8(option_source_link);
    writer.u8(1);
    writer.octets(source_link.octets);
    return writer.overflow() ? 0 : writer.size();
}

} // namespace muster
