// SPDX-License-Identifier: Apache-2.0
// Which options a read request is granted.
#pragma once

#include "net/tftp/tftp_limits.hh"
#include "net/wire/tftp_packet.hh"

namespace muster {

/// The OACK for what was asked: options asked for and nothing else, never a larger number than
/// asked (EDK2 ends with ERROR 4, PXELINUX with ERROR 8 otherwise); tsize becomes `size`, timeout
/// is echoed equal. Empty: no OACK, the first block is the answer.
///
/// Units:   `size` in bytes; `ipv6` lowers the blksize cap by the 20 bytes its header is larger
/// Source:  RFC 2347, RFC 2348, RFC 2349, RFC 7440 section 3
[[nodiscard]] TftpOptions grant_options(const TftpOptions& asked, std::uint64_t size, bool ipv6,
                                        const TftpLimits& limits) noexcept;

} // namespace muster
