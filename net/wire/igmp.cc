// SPDX-License-Identifier: Apache-2.0
#include "net/wire/igmp.hh"

#include "core/base/byte_reader.hh"
#include "core/base/byte_writer.hh"
#include "net/wire/ipv4_udp.hh"

namespace muster {

namespace {

constexpr std::uint8_t igmp_query = 0x11;
constexpr std::uint8_t igmp_report_v1 = 0x12;
constexpr std::uint8_t igmp_report_v2 = 0x16;
constexpr std::uint8_t igmp_leave = 0x17;
constexpr std::uint8_t igmp_report_v3 = 0x22;

} // namespace

std::optional<IgmpMessage> read_igmp(Bytes message) noexcept {
    ByteReader reader{message};
    const auto type = reader.u8();
    const bool skipped = reader.skip(3); // response time, checksum
    const auto group = reader.octets<4>();
    if (!type || !skipped || !group || internet_checksum(message) != 0) {
        return std::nullopt;
    }
    using Kind = IgmpMessage::Kind;
    switch (*type) {
    case igmp_query:
        return IgmpMessage{Kind::query, {*group}};
    case igmp_report_v1:
    case igmp_report_v2:
        return IgmpMessage{Kind::report, {*group}};
    case igmp_report_v3: // its groups are records behind this header
        return IgmpMessage{Kind::report, {}};
    case igmp_leave:
        return IgmpMessage{Kind::leave, {*group}};
    default:
        return std::nullopt;
    }
}

std::size_t write_igmp_query(MutableBytes out, Duration response) noexcept {
    ByteWriter writer{out};
    writer.u8(igmp_query);
    writer.u8(static_cast<std::uint8_t>(response / std::chrono::milliseconds{100}));
    writer.u16(0); // checksum, below
    writer.u32(0); // any group
    if (writer.overflow()) {
        return 0;
    }
    writer.patch_u16(2, internet_checksum(writer.written()));
    return writer.size();
}

} // namespace muster
