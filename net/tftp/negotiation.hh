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
/// A block and its headers fit the interface's `mtu`, so that nothing is sent in fragments, unless
/// `limits` says by a blksize_max above Ethernet's that fragments are wanted.
///
/// Units:   `size` and `mtu` in bytes; `ipv6` lowers the blksize cap by the 20 bytes its header is
///          larger
/// Source:  RFC 2347, RFC 2348, RFC 2349, RFC 7440 section 3
[[nodiscard]] TftpOptions grant_options(const TftpOptions& asked, std::uint64_t size, bool ipv6,
                                        const TftpLimits& limits,
                                        std::uint16_t mtu = ethernet_mtu) noexcept;

} // namespace muster
