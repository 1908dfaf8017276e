// SPDX-License-Identifier: Apache-2.0
// From which of the transfer sockets a new transfer leaves.
#pragma once

#include "core/addr/ip_address.hh"

#include <cstdint>
#include <optional>
#include <vector>

namespace muster {

/// Round robin, but never the socket that the same client endpoint used just before: a late packet
/// of its former transfer then arrives on another socket and cannot be taken for the new one's.
///
/// The memory of former sockets is a table of fixed size; clients whose endpoints share a place
/// in it forget each other's. Who knows the former socket for certain passes it as `former`.
class SocketChoice {
public:
    /// `memory`: how many endpoints to remember, about.
    SocketChoice(std::uint8_t sockets, std::uint32_t memory);

    [[nodiscard]] std::uint8_t choose(const Endpoint& client,
                                      std::optional<std::uint8_t> former) noexcept;

private:
    static constexpr std::uint8_t none = UINT8_MAX;

    std::uint8_t sockets_;
    std::uint8_t next_ = 0;
    std::vector<std::uint8_t> last_; ///< by digest of the endpoint; a power of two
};

} // namespace muster
