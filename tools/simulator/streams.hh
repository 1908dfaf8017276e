// SPDX-License-Identifier: Apache-2.0
// The TCP connections of a world, at the level of flows: setting up costs a round trip, bytes come
// in order, large bodies share the server's link fairly and are counted, not carried.
//
// What TCP would hide from its users is hidden: loss costs time, a cut link stalls a connection,
// and it goes on when the link is back. A process that dies resets its connections; a machine that
// loses power says nothing, so that only the server's timers end what it had open.
#pragma once

#include "core/port/client.hh"
#include "core/port/stream.hh"

#include "tools/simulator/datagrams.hh"
#include "tools/simulator/flow_shares.hh"

namespace muster::sim {

class HttpCheck;
class Machines;
class ServerHost;

struct StreamOptions {
    /// How often a large transfer is reported to both ends. Below every timer that watches for
    /// progress; larger is faster.
    Duration report_every = 250ms;
    /// Answers up to this size do not wait for their share of the link.
    std::uint64_t small_max = 16 * 1024;
    std::uint32_t streams_max = 40'000; ///< of the fleet
};

class Streams {
public:
    Streams(Universe& universe, const NetworkOptions& network, const StreamOptions& options,
            unsigned workers, std::uint32_t connections_max);
    void connect(ServerHost& server, Machines& machines, HttpCheck* check) noexcept {
        server_ = &server;
        machines_ = &machines;
        check_ = check;
    }

    // Effects of the machines.
    void open(const ClientConnect& connect, const Ipv4Address& source);
    void order(const ClientStreamOrder& order, Bytes bytes);
    /// The machine lost power: nobody hears of it.
    void abandon(ClientStreamId stream);
    // Effects of the server's engines.
    void send(unsigned worker, const StreamSend& send, Bytes head);
    void order(unsigned worker, const StreamOrder& order);

    void on_server_death();
    /// The machine's link was cut, or is back.
    void on_link_changed(MachineIndex machine);
    void on_event(const AgendaEvent& event);

    /// Connections of a worker that it was told to forget and has not heard the end of.
    [[nodiscard]] std::uint32_t closing(unsigned worker) const noexcept;
    /// While a machine is handed a part of a large body: it came little by little since the last
    /// part, so that no silence lies behind it, whatever the machine thinks.
    [[nodiscard]] bool delivering_flow() const noexcept { return delivering_flow_; }
    [[nodiscard]] double bytes_moved() { return shares_.moved_in_all(universe_.now.steady); }
    /// The same at `at`: not before now, and no later than the world's next event.
    [[nodiscard]] double bytes_moved(Instant at) { return shares_.moved_in_all(at); }
    [[nodiscard]] std::uint32_t flows() const noexcept { return shares_.count(); }

private:
    enum What : std::uint8_t { segment, report, completion };
    struct Connection {
        ClientStreamId client{};
        StreamId server{};
        unsigned worker = 0;
        MachineIndex machine = 0;
        Endpoint peer;
        Endpoint local;
        std::uint32_t receive_window = 0;
        bool client_open = false;    ///< the machine's end lives
        bool server_open = false;    ///< the engine knows of it
        bool server_closing = false; ///< it ordered the end and has not yet heard of it
        bool paused = false;
        bool frozen = false;         ///< its transfer waits for the link
        bool silent = false;         ///< the machine's end vanished without a word
        Instant to_client_at;        ///< nothing arrives before what was sent before it
        Instant to_server_at;        ///< the same
        std::uint64_t discard = 0;   ///< bytes that the machine does not want to see
        std::vector<std::byte> held; ///< for the server, while paused
        // The StreamSend under way.
        bool sending = false;
        bool close_after = false;
        ContentRef content;
        std::uint64_t offset = 0;   ///< of the next byte to report
        std::uint64_t left = 0;     ///< bytes not yet reported
        std::uint64_t flow = 0;     ///< bytes of the current flow not yet reported
        std::uint64_t reported = 0; ///< of the current flow
        std::uint32_t serial = 0;   ///< of the current flow: reports of others mean nothing
        std::uint64_t posted = 0;   ///< bytes of the content, handed to the network
        std::uint32_t unsaid = 0;   ///< bytes of the head, until progress is next reported
    };
    /// What arrives at one end.
    struct Segment {
        enum class Kind : std::uint8_t {
            syn,         ///< at the server
            accepted,    ///< at the engine, once the handshake is over
            opened,      ///< at the machine
            refused,     ///< at the machine: nobody listens
            to_server,   ///< bytes
            to_client,   ///< bytes
            body,        ///< bytes of a content, by number
            fin,         ///< at the machine: the server has ended it
            client_gone, ///< at the server: the machine has ended it
            server_done, ///< at the engine: its order to close was carried out
            all_sent,    ///< at the engine: a small answer is out
        };
        Kind kind{};
        SlabHandle connection;
        std::vector<std::byte> bytes;
        ContentRef content;
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
        bool moved = false; ///< of a body that came little by little until now
    };

    Segment& post(Instant at, Segment::Kind kind, SlabHandle connection);
    [[nodiscard]] Instant arrival(Connection& c, bool to_client, std::uint64_t bytes);
    [[nodiscard]] double limit_of(const Connection& c) const noexcept;
    [[nodiscard]] SlabHandle find(ClientStreamId stream) const noexcept;
    [[nodiscard]] SlabHandle find(unsigned worker, StreamId stream) noexcept;

    void arrive(std::uint32_t slot);
    void on_syn(SlabHandle handle, Connection& c);
    void give_to_server(SlabHandle handle, Bytes bytes);
    void give_body(SlabHandle handle, const Segment& segment);
    void end_at_client(SlabHandle handle);
    void end_at_server(SlabHandle handle);
    void forget_if_over(SlabHandle handle);

    void begin_flow(SlabHandle handle, Connection& c);
    void stop_flow(SlabHandle handle, Connection& c);
    void report_flow(SlabHandle handle, std::uint64_t bytes);
    void finish_send(SlabHandle handle);
    void plan_completion();
    void take_completions();

    Universe& universe_;
    NetworkOptions network_;
    StreamOptions options_;
    ServerHost* server_ = nullptr;
    Machines* machines_ = nullptr;
    HttpCheck* check_ = nullptr;
    Slab<Connection> connections_;
    std::vector<Slab<SlabHandle>> of_worker_; ///< StreamId → connection
    std::vector<SlabHandle> of_client_;       ///< by ClientStreamId.slot
    std::vector<Segment> segments_;
    std::vector<std::uint32_t> free_segments_;
    FlowShares shares_;
    std::uint32_t last_serial_ = 0;
    Instant completion_planned_ = Instant::never();
    std::vector<std::byte> piece_;
    bool delivering_flow_ = false;
};

} // namespace muster::sim
