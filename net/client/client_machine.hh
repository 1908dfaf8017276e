// SPDX-License-Identifier: Apache-2.0
// One machine's side of the protocols, as a driver and a fleet see it.
#pragma once

#include "core/base/prng.hh"
#include "core/port/client.hh"

namespace muster {

/// What a machine is told about its place in a fleet.
struct ClientIdentity {
    MachineIndex index = 0;
    MacAddress mac{};
    std::array<std::uint8_t, 16> uuid{}; ///< SMBIOS UUID as option 97 carries it
    Ipv4Address address{};               ///< its own from the start; unspecified: DHCP brings one
};

class ClientFleet;

/// The way of a machine to its driver: effects of the machine that is being called.
///
/// A machine keeps no reference to it beyond the call.
class ClientContext {
public:
    ClientContext(ClientFleet& fleet, const ClientIdentity& who, const Now& at,
                  ClientOutbox& effects) noexcept
        : now(at), out(effects), identity(who), fleet_(fleet) {}

    const Now& now;
    ClientOutbox& out;
    const ClientIdentity& identity;

    /// Sends from `source_port`; `source` unspecified: as a frame, without an address.
    void send_udp(const IpAddress& source, std::uint16_t source_port, const Endpoint& destination,
                  Bytes payload);
    void send_icmpv6(const IpAddress& source, const IpAddress& destination, Bytes payload);
    void close_udp(std::uint16_t port);
    void join(const Endpoint& group);
    void leave(const Endpoint& group);

    /// A new connection; generation 0: the fleet has no slot left (counted, noted as failed).
    [[nodiscard]] ClientStreamId connect(const IpAddress& source, const Endpoint& destination,
                                         std::uint32_t receive_window = 0);
    void send_stream(ClientStreamId stream, Bytes bytes);
    void discard_stream(ClientStreamId stream, std::uint64_t bytes);
    void close_stream(ClientStreamId stream);

    /// One timer a machine: the moment of its next on_timer(); Instant::never() for none.
    void set_timer(Instant deadline);
    /// An address that DHCP brought, or lost (unspecified): datagrams to it are this machine's.
    void set_address(const Ipv4Address& address);

    /// Fills in `note.machine`.
    void note(ClientNote note);
    void enter(ClientStage stage);
    void waited(ClientWait wait, Duration duration);
    void retransmitted();
    void failed(std::string text);
    /// The last thing that a machine says; its port, streams and timer are closed by the fleet.
    void finish(bool ok, std::string text = {});

private:
    ClientFleet& fleet_;
};

/// Facts in, effects out; nothing blocks, fails or reads a clock. Thread: its fleet's.
class ClientMachine {
public:
    ClientMachine() = default;
    ClientMachine(const ClientMachine&) = delete;
    ClientMachine& operator=(const ClientMachine&) = delete;
    virtual ~ClientMachine() = default;

    /// Power on, or begin. Called once.
    virtual void start(ClientContext& context) noexcept = 0;
    virtual void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept = 0;
    virtual void on_timer(ClientContext& context) noexcept = 0;

    virtual void on_stream_open(ClientStreamId /*stream*/, ClientContext& /*context*/) noexcept {}
    virtual void on_stream_data(ClientStreamId /*stream*/, Bytes /*bytes*/,
                                ClientContext& /*context*/) noexcept {}
    /// `size` bytes that discard_stream() allowed to throw away have arrived and are gone.
    virtual void on_stream_discarded(ClientStreamId /*stream*/, std::uint64_t /*size*/,
                                     ClientContext& /*context*/) noexcept {}
    /// The server ended it, or it broke, or connecting failed. The id is void from now on.
    virtual void on_stream_closed(ClientStreamId /*stream*/, ClientContext& /*context*/) noexcept {}
};

} // namespace muster
