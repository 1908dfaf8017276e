// SPDX-License-Identifier: Apache-2.0
// Many machines behind one driver: finds whose a datagram is, keeps their timers and connections.
#pragma once

#include "core/mem/timer_wheel.hh"
#include "net/client/client_machine.hh"

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <memory>
#include <vector>

namespace muster {

struct ClientFleetLimits {
    std::uint32_t machines = 10'000; ///< alive at once; index is below it
    std::uint32_t streams = 20'000;  ///< connections at once
};

/// Owns its machines from start() until they have finished. Who runs it calls it with facts and
/// performs `ClientOutbox`. The index of a machine that has finished may be used again.
///
/// Thread: one, whoever calls it.
class ClientFleet {
public:
    explicit ClientFleet(const ClientFleetLimits& limits);
    ~ClientFleet();

    /// Machine `identity.index`, which must not be running, begins now.
    void start(const ClientIdentity& identity, std::unique_ptr<ClientMachine> machine,
               const Now& now, ClientOutbox& out);
    /// Pulls the plug: its streams and ports are closed, nothing is noted.
    void stop(MachineIndex machine, const Now& now, ClientOutbox& out);
    /// Something will come for this machine soon: a driver that knows may say so, and a little
    /// later once more with prefetch_engine(), when what this brings has come.
    void prefetch(MachineIndex machine) const noexcept;
    void prefetch_engine(MachineIndex machine) const noexcept;
    [[nodiscard]] bool running(MachineIndex machine) const noexcept;
    [[nodiscard]] std::uint32_t running_count() const noexcept { return running_; }
    [[nodiscard]] std::uint32_t streams_in_use() const noexcept { return streams_.in_use(); }

    /// A datagram whose machine the driver knows (it came on a socket of that machine's).
    void receive(MachineIndex machine, const ClientRx& datagram, const Now& now,
                 ClientOutbox& out) noexcept;
    /// A datagram that came as a frame to `mac` (broadcast or multicast: to whom it may concern).
    /// DHCP (ports 68 and 67) is matched by its chaddr, the rest by MAC address; unicast by IPv4
    /// address for want of both; multicast goes to every machine. False: nobody's.
    bool receive_frame(const MacAddress& mac, const ClientRx& datagram, const Now& now,
                       ClientOutbox& out) noexcept;
    void on_stream_open(ClientStreamId stream, const Now& now, ClientOutbox& out) noexcept;
    void on_stream_data(ClientStreamId stream, Bytes bytes, const Now& now,
                        ClientOutbox& out) noexcept;
    void on_stream_discarded(ClientStreamId stream, std::uint64_t size, const Now& now,
                             ClientOutbox& out) noexcept;
    void on_stream_closed(ClientStreamId stream, const Now& now, ClientOutbox& out) noexcept;

    /// Fires every timer due at or before `now`.
    void expire(const Now& now, ClientOutbox& out) noexcept;
    [[nodiscard]] Instant next_deadline() const noexcept { return timers_.next_deadline(); }

    /// The machine that has this address, as it told by set_address().
    [[nodiscard]] std::optional<MachineIndex> machine_of(const Ipv4Address& address) const noexcept;
    [[nodiscard]] std::optional<MachineIndex> machine_of(const MacAddress& mac) const noexcept;

private:
    friend class ClientContext;
    struct Seat {
        std::unique_ptr<ClientMachine> machine; ///< null: free
        ClientIdentity identity;
        Ipv4Address address;
        std::vector<std::uint16_t> ports; ///< open ones
        std::vector<ClientStreamId> streams;
        bool finished = false; ///< said finish(); cleared away when its call returns
    };
    struct Stream {
        MachineIndex machine = 0;
    };

    template <class Call>
    void call(MachineIndex machine, const Now& now, ClientOutbox& out, Call&& what) noexcept;
    void clear_away(MachineIndex machine, ClientOutbox& out) noexcept;
    [[nodiscard]] const Stream* find(ClientStreamId stream) noexcept {
        return streams_.get(stream);
    }

    std::vector<Seat> seats_;
    TimerWheel timers_;
    Slab<Stream> streams_;
    absl::flat_hash_map<MacAddress, MachineIndex> by_mac_;
    absl::flat_hash_map<Ipv4Address, MachineIndex> by_address_;
    std::uint32_t running_ = 0;
};

} // namespace muster
