// SPDX-License-Identifier: Apache-2.0
// What the DATA packets of a TFTP window have in common, written once: Ethernet, IPv4 and UDP
// headers, and the sums over them.
#pragma once

#include "net/wire/ethernet.hh"
#include "net/wire/ipv4_udp.hh"

#include <array>

namespace muster {

class DataHead {
public:
    static constexpr std::size_t data_header_size = 4; ///< opcode and block (RFC 1350 section 5)

    /// `header`: its identification is that of each packet, see write().
    DataHead(const EthernetHeader& link, const Ipv4UdpHeader& header, Checksums checksums) noexcept;

    /// Writes the frame of block `block` (modulo 65536 on the wire). `data_sum` is the
    /// ones_complement_sum() of `data`; where the port computes checksums it is not looked at.
    /// `room` has size_with(data.size()) bytes, and at least ethernet_frame_min of them.
    ///
    /// Returns: the frame's size.
    [[nodiscard]] std::size_t write(MutableBytes room, std::uint16_t identification,
                                    std::uint64_t block, Bytes data,
                                    std::uint32_t data_sum) const noexcept;

    [[nodiscard]] std::size_t size_with(std::size_t data) const noexcept {
        return link_size_ + ipv4_udp_header_size + data_header_size + data;
    }
    [[nodiscard]] Checksums checksums() const noexcept { return checksums_; }

private:
    std::array<std::byte,
               ethernet_header_size + vlan_tag_size + ipv4_udp_header_size + data_header_size>
        bytes_{};
    std::size_t link_size_;
    Checksums checksums_;
    std::uint32_t ip_sum_ = 0;      ///< of the IPv4 header without size, identification, checksum
    std::uint32_t address_sum_ = 0; ///< of the pseudo header without the UDP size
    std::uint32_t port_sum_ = 0;    ///< of both ports, and the opcode of DATA
};

} // namespace muster
