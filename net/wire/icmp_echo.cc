// SPDX-License-Identifier: Apache-2.0
#include "net/wire/icmp_echo.hh"

#include "core/base/byte_reader.hh"
#include "net/wire/ipv4_udp.hh"

namespace muster {

namespace {

constexpr std::uint8_t icmp_echo_reply = 0;
constexpr std::uint8_t icmp_echo_request = 8;

} // namespace

std::optional<IcmpEcho> read_icmp_echo(Bytes message) noexcept {
    ByteReader reader{message};
    const auto type = reader.u8();
    const auto code = reader.u8();
    const auto checksum = reader.u16();
    const auto identifier = reader.u16();
    const auto sequence = reader.u16();
    const bool echo = type == icmp_echo_request || type == icmp_echo_reply;
    if (!echo || code != 0 || !checksum || !identifier || !sequence ||
        internet_checksum(message) != 0) {
        return std::nullopt;
    }
    return IcmpEcho{.reply = type == icmp_echo_reply,
                    .identifier = *identifier,
                    .sequence = *sequence,
                    .data = reader.rest()};
}

std::size_t write_icmp_echo(MutableBytes out, const IcmpEcho& echo) noexcept {
    ByteWriter writer{out};
    writer.u8(echo.reply ? icmp_echo_reply : icmp_echo_request);
    writer.u8(0);
    writer.u16(0); // checksum, below
    writer.u16(echo.identifier);
    writer.u16(echo.sequence);
    writer.put(echo.data);
    if (writer.overflow()) {
        return 0;
    }
    writer.patch_u16(2, internet_checksum(writer.written()));
    return writer.size();
}

} // namespace muster
