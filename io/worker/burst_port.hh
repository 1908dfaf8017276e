// SPDX-License-Identifier: Apache-2.0
// What moves a worker's UDP over IPv4 in place of sockets.
#pragma once

#include "core/base/time.hh"
#include "core/port/conflict_probe.hh"
#include "core/port/outbox.hh"

#include <span>

namespace muster {

/// What one receive() brought. Borrowed until the next one.
struct PortBurst {
    std::span<const RxDatagram> datagrams;
    std::span<const ConflictAnswer> answers;
    bool busy = false; ///< something came, if only for somebody else: look again soon
};

/// Called once or a few times for a whole burst, so that its calls may be virtual.
///
/// Thread: the worker's.
class BurstPort {
public:
    virtual ~BurstPort() = default;

    /// In the worker's thread, before the rest.
    virtual void open() = 0;
    [[nodiscard]] virtual PortBurst receive(const Now& now) = 0;
    /// Whether datagrams of that service to that address leave here; else they are a socket's.
    [[nodiscard]] virtual bool carries(UdpService service,
                                       const Endpoint& destination) const noexcept = 0;
    virtual void send(const TxDatagram& datagram, Bytes payload, const Now& now) = 0;
    virtual void send(const TxBlocks& blocks, const Now& now) = 0;
    /// Whether answers to ask() would come here; else sockets have to ask.
    [[nodiscard]] virtual bool asks() const noexcept = 0;
    virtual void ask(const ConflictProbe& probe, const Now& now) = 0;
    /// The end of a burst: fires timers, and lets out what was gathered.
    virtual void flush(const Now& now) = 0;
};

} // namespace muster
