// SPDX-License-Identifier: Apache-2.0
// A wire of a fleet's own: all that its machines say goes there as frames, past the kernel.
#pragma once

#include "core/base/time.hh"
#include "io/client/frame.hh"

#include <span>

namespace muster {

struct ClientWireMetrics {
    std::uint64_t received = 0; ///< datagrams
    std::uint64_t received_bytes = 0;
    std::uint64_t sent = 0;
    std::uint64_t unresolved = 0; ///< nobody answered ARP for their destination
};

/// Called a few times for a whole burst, so that its calls may be virtual.
///
/// Thread: the driver's.
class ClientWire {
public:
    virtual ~ClientWire() = default;

    /// What has come, borrowed until the next one. Empty: nothing now; ask again.
    [[nodiscard]] virtual std::span<const ReceivedFrame> receive() = 0;
    /// Queues one; flush() sends what is queued.
    virtual void send(const ClientTx& datagram, Bytes payload, const Now& now) = 0;
    virtual void flush(const Now& now) = 0;
    [[nodiscard]] virtual const ClientWireMetrics& metrics() const noexcept = 0;
};

} // namespace muster
