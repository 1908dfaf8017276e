// SPDX-License-Identifier: Apache-2.0
// Looks for an IPv6 router as iPXE does, which fetches nothing before it has an answer or has
// given up, over IPv4 neither.
#pragma once

#include "net/client/client_machine.hh"

namespace muster {

class RouterSolicitor {
public:
    /// The interface is up.
    void begin(ClientContext& context);
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept;
    void on_timer(ClientContext& context) noexcept;
    void stop() noexcept {
        busy_ = false;
        deadline_ = Instant::never();
    }

    [[nodiscard]] bool busy() const noexcept { return busy_; }
    [[nodiscard]] Instant deadline() const noexcept { return deadline_; }

private:
    void send(ClientContext& context);

    bool busy_ = false;
    std::size_t sent_ = 0;
    Instant deadline_ = Instant::never();
};

} // namespace muster
