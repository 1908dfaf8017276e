// SPDX-License-Identifier: Apache-2.0
// Ethernet frames, with or without a VLAN tag. The check sequence is the hardware's.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/base/byte_writer.hh"
#include "core/base/result.hh"

#include <optional>
#include <string_view>

namespace muster {

inline constexpr std::size_t ethernet_header_size = 14;
inline constexpr std::size_t vlan_tag_size = 4;
/// The shortest frame, without its check sequence; what sends pads to it (IEEE 802.3 clause 3.2.8).
inline constexpr std::size_t ethernet_frame_min = 60;

inline constexpr std::uint16_t ethertype_ipv4 = 0x0800;
inline constexpr std::uint16_t ethertype_arp = 0x0806;

struct EthernetHeader {
    MacAddress destination;
    MacAddress source;
    /// 1 .. 4094; 0: no tag, or one that carries a priority alone (IEEE 802.1Q clause 9.6).
    std::uint16_t vlan = 0;
    std::uint16_t type = 0;

    [[nodiscard]] std::size_t size() const noexcept {
        return ethernet_header_size + (vlan != 0 ? vlan_tag_size : 0);
    }
};

/// Every way a frame can be refused.
#define MUSTER_ETHERNET_ERRORS(X)                                                                  \
    X(truncated_frame, "shorter than its Ethernet header")                                         \
    X(nested_vlan, "more than one VLAN tag")

enum class EthernetError : std::uint8_t {
#define X(name, text) name,
    MUSTER_ETHERNET_ERRORS(X)
#undef X
};

struct EthernetFrame {
    EthernetHeader header;
    Bytes payload; ///< borrows the frame; padding is part of it
};

/// Errors:  see MUSTER_ETHERNET_ERRORS
/// Source:  IEEE 802.3 clause 3.2; IEEE 802.1Q clause 9
[[nodiscard]] Result<EthernetFrame, EthernetError> read_ethernet(Bytes frame) noexcept;

/// Appends the header. `header.vlan` above 4094 is written as it is.
void write_ethernet(ByteWriter& writer, const EthernetHeader& header) noexcept;

/// A group address (IEEE 802.3 clause 3.2.3): broadcast too.
[[nodiscard]] constexpr bool is_group_address(const MacAddress& mac) noexcept {
    return (mac.octets[0] & 1U) != 0;
}

/// 224.0.0.0/4 (RFC 5771).
[[nodiscard]] constexpr bool is_multicast(const Ipv4Address& address) noexcept {
    return address.octets[0] >> 4U == 0xE;
}

/// The link address of a multicast group. Source: RFC 1112 section 6.4.
[[nodiscard]] constexpr MacAddress multicast_mac(const Ipv4Address& group) noexcept {
    return {{0x01, 0x00, 0x5E, static_cast<std::uint8_t>(group.octets[1] & 0x7FU), group.octets[2],
             group.octets[3]}};
}

} // namespace muster
