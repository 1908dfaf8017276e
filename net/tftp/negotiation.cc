// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/negotiation.hh"

#include <algorithm>

namespace muster {
namespace {

constexpr std::uint16_t ipv6_header_excess = 20; ///< 40 bytes instead of 20

} // namespace

TftpOptions grant_options(const TftpOptions& asked, std::uint64_t size, bool ipv6,
                          const TftpLimits& limits, std::uint16_t mtu) noexcept {
    TftpOptions granted;
    if (asked.blksize) {
        const bool fragments = limits.blksize_max > ethernet_mtu - block_headers;
        const int fits = fragments || mtu < mtu_min
                             ? limits.blksize_max
                             : std::min<int>(limits.blksize_max, mtu - block_headers);
        const int cap = fits - (ipv6 ? ipv6_header_excess : 0);
        granted.blksize = std::min(
            *asked.blksize, static_cast<std::uint16_t>(std::max<int>(cap, tftp_blksize_min)));
    }
    if (asked.tsize) {
        granted.tsize = size;
    }
    granted.timeout = asked.timeout;
    if (asked.windowsize) {
        granted.windowsize =
            std::min(*asked.windowsize, std::max<std::uint16_t>(limits.windowsize_max, 1));
    }
    return granted;
}

} // namespace muster
