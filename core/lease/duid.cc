// SPDX-License-Identifier: Apache-2.0
#include "core/lease/duid.hh"

#include "core/base/byte_reader.hh"

namespace muster {

namespace {

constexpr std::uint16_t duid_link_layer_time = 1;
constexpr std::uint16_t duid_link_layer = 3;
constexpr std::uint16_t duid_uuid = 4;
constexpr std::uint16_t hardware_ethernet = 1;

/// Hardware type and address, to the end of the DUID.
std::optional<MacAddress> read_link_layer(ByteReader reader, std::size_t time_size) noexcept {
    const auto type = reader.u16();
    if (!type || *type != hardware_ethernet || !reader.skip(time_size) ||
        reader.remaining() != sizeof(MacAddress::octets)) {
        return std::nullopt;
    }
    const MacAddress mac{*reader.octets<6>()};
    const bool of_one_machine = !mac.is_zero() && (mac.octets[0] & 1U) == 0;
    return of_one_machine ? std::optional{mac} : std::nullopt;
}

} // namespace

DuidParts read_duid(Bytes duid) noexcept {
    DuidParts parts;
    ByteReader reader{duid};
    const auto type = reader.u16();
    if (!type) {
        return parts;
    }
    if (*type == duid_link_layer_time) {
        parts.mac = read_link_layer(reader, sizeof(std::uint32_t));
    } else if (*type == duid_link_layer) {
        parts.mac = read_link_layer(reader, 0);
    } else if (*type == duid_uuid && reader.remaining() == 16) {
        parts.uuid = reader.octets<16>();
    }
    return parts;
}

} // namespace muster
