// SPDX-License-Identifier: Apache-2.0
#include "net/wire/icmpv6_router.hh"

#include "core/base/byte_reader.hh"

#include <algorithm>

namespace muster {

namespace {

constexpr std::uint8_t type_solicitation = 133;
constexpr std::uint8_t type_advertisement = 134;
constexpr std::uint8_t option_source_link = 1;
constexpr std::uint8_t option_prefix = 3;
constexpr std::uint8_t flags_managed_other = 0xC0;
constexpr std::uint8_t flag_on_link = 0x80;
constexpr std::uint32_t prefix_valid_s = 86'400; ///< many times the interval of advertisements
constexpr std::uint32_t prefix_preferred_s = 14'400;
constexpr std::size_t option_unit = 8; ///< option lengths count these

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

void write_head(ByteWriter& writer, std::uint8_t flags, const MacAddress& source_link) noexcept {
    writer.u8(type_advertisement);
    writer.u8(0);
    writer.u16(0); // checksum: the kernel's
    writer.u8(0);  // hop limit: unspecified
    writer.u8(flags);
    writer.u16(0); // router lifetime: no default router
    writer.u32(0); // reachable time: unspecified
    writer.u32(0); // retransmission timer: unspecified
    writer.u8(option_source_link);
    writer.u8(1);
    writer.octets(source_link.octets);
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
    if (solicitation ? source.is_unspecified() && source_link : !source.is_link_local()) {
        return std::unexpected(Icmpv6Error::bad_source);
    }
    return message;
}

std::size_t write_quiet_advertisement(MutableBytes out, const MacAddress& source_link) noexcept {
    ByteWriter writer{out};
    write_head(writer, 0, source_link);
    return writer.overflow() ? 0 : writer.size();
}

std::size_t write_managed_advertisement(MutableBytes out, const MacAddress& source_link,
                                        std::span<const Subnet6> prefixes) noexcept {
    ByteWriter writer{out};
    write_head(writer, flags_managed_other, source_link);
    for (const Subnet6& prefix :
         prefixes.first(std::min(prefixes.size(), advertised_prefixes_max))) {
        writer.u8(option_prefix);
        writer.u8(4);
        writer.u8(prefix.prefix_length);
        writer.u8(flag_on_link);
        writer.u32(prefix_valid_s);
        writer.u32(prefix_preferred_s);
        writer.u32(0); // reserved
        writer.octets(prefix.network.octets);
    }
    return writer.overflow() ? 0 : writer.size();
}

} // namespace muster
