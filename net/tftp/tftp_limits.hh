// SPDX-License-Identifier: Apache-2.0
// What a TFTP server may use, and its timers.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/base/time.hh"

#include <cstdint>

namespace muster {

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

    // Multicast (RFC 2090). A spurious resend is one block there, not a window: short timers.
    Duration resend_group_first = 20ms;
    Duration resend_group_min = 5ms;
    Duration resend_group_max = 250ms; ///< ceiling of the back-off
    /// A group's first block waits until no member joined for so long: who comes later has to be
    /// sent again what it missed, and machines that were switched on together come together.
    /// A member that does not answer for so long, while others wait, has gone.
    Duration group_give_up = 20s;
    Duration gather_quiet = 40ms;
    Duration gather_max = 400ms; ///< but no longer than this
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
    std::uint32_t sessions = 8192;     ///< transfers at a time, per worker
    std::uint16_t blksize_max = 1468;  ///< bytes over IPv4: MTU 1500 - 20 - 8 - 4; IPv6: 20 fewer
    std::uint16_t windowsize_max = 64; ///< blocks
    std::uint8_t transfer_sockets = 4; ///< ephemeral ports of this worker
    bool single_port = false;          ///< everything goes through port 69 (NAT, firewalls)
    MulticastLimits multicast;
    TftpTimers timers;
};

} // namespace muster
