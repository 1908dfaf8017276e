// SPDX-License-Identifier: Apache-2.0
// What a TFTP server may use, and its timers.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/base/time.hh"

#include <cstdint>

namespace muster {

inline constexpr std::uint16_t ethernet_mtu = 1500; ///< bytes
/// An interface that says less carries no IPv6 and hardly IPv4 (RFC 791: 576); it is not believed.
inline constexpr std::uint16_t mtu_min = 576;
/// Of a block over IPv4: 20 + 8 + 4, IP, UDP and TFTP.
inline constexpr std::uint16_t block_headers = 32;

struct TftpTimers {
    /// Before a round trip was measured. PXELINUX asks again after 110 ms, iPXE after 250 ms.
    Duration resend_first = 250ms;
    Duration resend_min = 20ms; ///< floor of the measured one: clients poll, and stall for a while
    Duration resend_max = 8s;   ///< ceiling of the back-off
    /// A transfer without progress ends after this. GRUB waits 32 s, U-Boot 50 s, and neither asks
    /// for its block again.
    Duration give_up = 60s;
    /// How long content may take to come. Then the request is forgotten, and the client, which
    /// asks every 4 s at the slowest that cares, is served by its next one.
    Duration open_max = 5s;
    /// A repeated request in the middle of a transfer that was silent for this long comes from a
    /// client that started over; before, it is a late duplicate.
    Duration restart_silence = 1s;
    Duration sample_interval = 250ms; ///< between two samples of one transfer
    /// Between the parts of a window that is not sent in one piece after losses: half the round
    /// trip, within these. A switch port of 1 Gbit/s drains 85 full packets in 1 ms.
    Duration part_gap_min = 1ms;
    Duration part_gap_max = 10ms;

    // Multicast (RFC 2090). A spurious resend is one block there, not a window: short timers.
    Duration resend_group_first = 20ms;
    Duration resend_group_min = 5ms;
    Duration resend_group_max = 250ms; ///< ceiling of the back-off
    /// A group's first block waits until no member joined for so long: who comes later has to be
    /// sent again what it missed, and machines that were switched on together come together. No
    /// client waits less than 4 s for a block once it has its OACK.
    Duration gather_quiet = 150ms;
    Duration gather_max = 2s; ///< but no longer than this
    /// A member that does not answer for so long, while others wait, has gone.
    Duration group_give_up = 20s;
};

/// Where multicast groups live.
struct MulticastLimits {
    std::uint16_t groups = 0;        ///< at a time, per worker; 0: multicast is off
    Ipv4Address first_address{};     ///< of all workers' groups
    std::uint32_t address_count = 1; ///< group n has address n modulo this, and port n
    std::uint16_t first_port = 1758; ///< the port of RFC 2090's example
    std::uint16_t window = 16;       ///< blocks ahead of the master's ACKs
    std::uint8_t worker = 0;         ///< this one, for its share of the ports
    std::uint8_t workers = 1;        ///< all of them
};

struct TftpLimits {
    std::uint32_t sessions = 8192; ///< transfers at a time, per worker
    /// Bytes over IPv4; IPv6: 20 fewer. Up to Ethernet's 1468 an interface with a smaller MTU
    /// lowers it; above, IP sends fragments.
    std::uint16_t blksize_max = ethernet_mtu - block_headers;
    std::uint16_t windowsize_max = 64; ///< blocks
    std::uint8_t transfer_sockets = 4; ///< ephemeral ports of this worker
    bool single_port = false;          ///< everything goes through port 69 (NAT, firewalls)
    bool ignore_case = false;          ///< of file names, where no exact one is there
    MulticastLimits multicast;
    TftpTimers timers;
};

} // namespace muster
