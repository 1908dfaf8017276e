// SPDX-License-Identifier: Apache-2.0
// A packet that a driver remembers, and which of them somebody wants to see.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/base/bytes.hh"
#include "core/base/time.hh"
#include "core/port/datagram.hh"

#include <array>
#include <optional>
#include <vector>

namespace muster {

struct PacketRecord {
    UnixTime at;
    bool sent = false;  ///< by us; else received
    bool whole = false; ///< `payload` is an IPv4 packet with its headers (TxDatagram::link)
    UdpService service{};
    std::uint16_t local_port = 0; ///< 0: not known
    IpAddress local{};            ///< ours; unspecified: not known
    Endpoint peer{};
    Bytes payload{}; ///< borrowed
};

/// The packets of one machine.
struct PacketsWanted {
    std::vector<MacAddress> macs;
    std::optional<std::array<std::uint8_t, 16>> uuid; ///< of DHCPv6 clients that say no more
    std::vector<IpAddress> addresses;                 ///< that it has; of TFTP nothing else tells
    UnixTime since;                                   ///< none before this
};

} // namespace muster
