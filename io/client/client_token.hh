// SPDX-License-Identifier: Apache-2.0
// Names of a client driver's operations on its ring.
#pragma once

#include "core/mem/slab.hh"

#include <bit>
#include <cstdint>

namespace muster {

enum class ClientOp : std::uint8_t {
    none, ///< a completion that nobody waits for (cancels)
    frames_ready,
    receive_datagrams,
    send_datagram,
    connect,
    receive_stream,
    discard_stream,
    send_stream,
};

/// As OpToken of the server's driver: slot and generation instead of a pointer, so that a late
/// completion for a slot that serves somebody else by now is seen as such.
struct ClientToken {
    std::uint32_t slot = 0;
    std::uint16_t generation = 0; ///< the low bits of the slot's
    ClientOp op = ClientOp::none;
    std::uint8_t reserved = 0;
};
static_assert(sizeof(ClientToken) == sizeof(std::uint64_t));

inline std::uint64_t to_client_data(ClientOp op, SlabHandle handle = {}) noexcept {
    return std::bit_cast<std::uint64_t>(
        ClientToken{handle.slot, static_cast<std::uint16_t>(handle.generation), op});
}
inline ClientToken to_client_token(std::uint64_t user_data) noexcept {
    return std::bit_cast<ClientToken>(user_data);
}

} // namespace muster
