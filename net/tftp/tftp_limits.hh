// SPDX-License-Identifier: Apache-2.0
// What a TFTP server may use, and its timers.
#pragma once

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
};

struct TftpLimits {
    std::uint32_t sessions = 8192;     ///< transfers at a time, per worker
    std::uint16_t blksize_max = 1468;  ///< bytes over IPv4: MTU 1500 - 20 - 8 - 4; IPv6: 20 fewer
    std::uint16_t windowsize_max = 64; ///< blocks
    std::uint8_t transfer_sockets = 4; ///< ephemeral ports of this worker
    bool single_port = false;          ///< everything goes through port 69 (NAT, firewalls)
    TftpTimers timers;
};

} // namespace muster
