// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/socket_choice.hh"

#include "core/base/check.hh"
#include "net/tftp/digest.hh"

#include <algorithm>
#include <bit>

namespace muster {

SocketChoice::SocketChoice(std::uint8_t sockets, std::uint32_t memory)
    : sockets_(sockets), last_(std::bit_ceil(std::max(memory, std::uint32_t{256})), none) {
    MUSTER_CHECK(sockets > 0 && sockets < none);
}

std::uint8_t SocketChoice::choose(const Endpoint& client,
                                  std::optional<std::uint8_t> former) noexcept {
    const std::array<std::byte, 2> port{static_cast<std::byte>(client.port >> 8U),
                                        static_cast<std::byte>(client.port & 0xFFU)};
    const std::uint64_t digest =
        fnv1a(port, fnv1a(std::as_bytes(std::span{client.address.octets})));
    std::uint8_t& last = last_[static_cast<std::size_t>(digest) & (last_.size() - 1)];
    const std::uint8_t avoided = former.value_or(last);
    if (next_ == avoided) {
        next_ = static_cast<std::uint8_t>((next_ + 1) % sockets_);
    }
    last = next_;
    next_ = static_cast<std::uint8_t>((next_ + 1) % sockets_);
    return last;
}

} // namespace muster
