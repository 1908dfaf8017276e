// SPDX-License-Identifier: Apache-2.0
// The values that pass between an engine and whatever moves its datagrams.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/base/bytes.hh"
#include "core/content/content.hh"

namespace muster {

/// Which socket of the driver: what it is bound to is the driver's business.
enum class UdpService : std::uint8_t {
    dhcp,          ///< port 67, one socket an interface
    pxe,           ///< port 4011
    tftp,          ///< port 69: read requests
    tftp_transfer, ///< ephemeral ports of this worker; `socket` says which of them
    dhcp6,         ///< port 547, one socket an interface
    icmpv6,        ///< raw ICMPv6: router solicitations in, advertisements out
};

/// A datagram that arrived.
struct RxDatagram {
    UdpService service{};
    std::uint8_t socket = 0;     ///< index among the sockets of the service (tftp_transfer)
    std::uint32_t interface = 0; ///< index of the interface it came in on
    Endpoint source{};
    IpAddress local{}; ///< the address it was sent to; replies leave from it
    Bytes payload{};   ///< borrowed until the engine returns
};

/// A datagram to send. The payload lies in the outbox (Outbox::payload()).
struct TxDatagram {
    UdpService service{};
    std::uint8_t socket = 0;
    std::uint32_t interface = 0; ///< 0: by route
    Endpoint destination{};
    IpAddress source{}; ///< unspecified: the kernel's choice
    /// Set: `payload` is a whole IPv4 packet, to be sent to this link address on `interface`,
    /// because the client has no address yet and answers no ARP (RFC 2131 section 4.1).
    MacAddress link_destination{};
    bool link = false;
    std::uint32_t payload_offset = 0;
    std::uint32_t payload_size = 0;
};

/// TFTP DATA blocks `first_block` .. `first_block + count - 1` of a content, each behind its
/// four-byte header (RFC 1350 section 5). The driver may send them in one call.
struct TxBlocks {
    std::uint8_t socket = 0;                        ///< index of the transfer socket
    UdpService service = UdpService::tftp_transfer; ///< `tftp` in single-port mode
    std::uint32_t interface = 0; ///< 0: by route; a multicast destination needs it
    Endpoint destination{};
    IpAddress source{};
    ContentRef content{};
    std::uint64_t first_block = 1; ///< from 1, never wraps; on the wire it is taken modulo 65536
    std::uint16_t count = 1;
    std::uint16_t blksize = 512; ///< bytes; the content's last block is shorter, perhaps empty
    bool repair = false;         ///< some were sent before: goes before what was not
};

} // namespace muster
