// SPDX-License-Identifier: Apache-2.0
// One musterd in virtual time: the engines and the control that ship, joined as the daemon joins
// them, with a store that survives and a process that can be killed at any moment.
#pragma once

#include "core/control/control.hh"
#include "core/control/governor.hh"
#include "core/port/client.hh"
#include "core/site/site.hh"
#include "net/engine.hh"

#include "tools/simulator/datagrams.hh"
#include "tools/simulator/store.hh"

#include <deque>

namespace muster::sim {

class Accounting;
class Streams;

struct ServerOptions {
    unsigned workers = 1;
    EngineOptions engine; ///< limits; interfaces and what worker 0 alone does are filled in
    std::optional<GovernorOptions> governor; ///< empty: all load at once
    std::size_t mailbox_capacity = 8192;
    std::uint32_t connections_max = 20'000; ///< a worker
    /// From a message to the control step that takes it; from an answer to the worker's turn.
    Duration control_turn = 20us;
    Duration commit_least = 200us; ///< how long a commit takes, faults aside
    Duration process_start{100ms}; ///< from the start of the process to its sockets
};

/// Thread: the world's.
class ServerHost {
public:
    ServerHost(Universe& universe, SimStore& store, const ServerOptions& options,
               const NetworkOptions& network, std::shared_ptr<const Site> site);
    ~ServerHost();
    void connect(Datagrams& datagrams, Streams& streams, Accounting& accounting) noexcept;

    /// The process starts after `delay`; its sockets are open `process_start` later.
    void start(Duration delay = {});
    /// kill -9.
    void kill();
    [[nodiscard]] bool up() const noexcept { return control_ != nullptr; }
    [[nodiscard]] bool starting() const noexcept { return starting_; }
    void pause_worker(unsigned worker, Instant until);
    void pause_control(Instant until) noexcept { control_paused_ = until; }

    // Facts for the workers. Datagrams and streams wait until ready_at().
    [[nodiscard]] Instant ready_at(const Endpoint& source, std::uint16_t port) const noexcept;
    [[nodiscard]] Instant ready_at(unsigned worker) const noexcept;
    /// False: no socket is bound to that port.
    bool receive(const ClientRx& datagram);
    void receive(unsigned worker, const RxDatagram& datagram);
    /// Whose socket gets what comes from `source` to that port; nullopt: nobody's.
    [[nodiscard]] std::optional<unsigned> worker_for(const Endpoint& source,
                                                     std::uint16_t port) const noexcept;
    [[nodiscard]] unsigned worker_of(const Endpoint& source) const noexcept;
    void on_stream_open(unsigned worker, StreamId id, const Endpoint& peer, const Endpoint& local);
    void on_stream_data(unsigned worker, StreamId id, Bytes bytes);
    void on_stream_progress(unsigned worker, StreamId id, std::uint64_t sent);
    void on_stream_sent(unsigned worker, StreamId id);
    void on_stream_closed(unsigned worker, StreamId id);

    void on_event(const AgendaEvent& event);
    void expire();
    [[nodiscard]] Instant next_deadline() const noexcept { return next_deadline_; }

    /// SIGHUP, or the site that the next process will find.
    void reload(std::shared_ptr<const Site> site);
    /// As the admin API would: the answer's status is counted, not kept.
    void order(DynamicRequest::Method method, std::string path);

    [[nodiscard]] const Control* control() const noexcept { return control_.get(); }
    [[nodiscard]] const ServerOptions& options() const noexcept { return options_; }
    /// The counters of one worker, as text of the metrics.
    [[nodiscard]] std::string metrics(unsigned worker) const;
    [[nodiscard]] std::uint64_t starts() const noexcept { return starts_; }
    [[nodiscard]] std::uint64_t orders_refused() const noexcept { return orders_refused_; }

private:
    static void misread_reports(std::vector<WorkerMessage>& messages);
    enum What : std::uint8_t { process_ready, control_turn, commit_returned, worker_turn };
    struct Member {
        std::unique_ptr<Engine> engine;
        std::deque<WorkerMessage> to_control;
        std::vector<ControlMessage> to_worker; ///< while the worker has no CPU
        SnapshotRef snapshot;
        Outbox out;
        std::vector<OpenRequest> opens;
        Instant paused;
        Instant deadline = Instant::never();
    };
    struct Socket {
        UdpService service{};
        unsigned worker = 0;
        std::uint8_t index = 0;
    };

    void open_process();
    [[nodiscard]] std::vector<UdpPortRange> ports_of(unsigned worker) const;
    [[nodiscard]] std::optional<Socket> socket_of(const Endpoint& source,
                                                  std::uint16_t port) const noexcept;
    template <class Call>
    void run(unsigned worker, Call&& call);
    void perform(unsigned worker);
    void tell_worker(unsigned worker, ControlMessage&& message);
    void want_control_turn();
    void take_control_turn();
    void hand_out();
    void refresh_deadline() noexcept;
    void fill_random(MutableBytes bytes);
    [[nodiscard]] std::expected<ContentRef, OpenError> open(const Member& member,
                                                            const OpenRequest& request) const;

    Universe& universe_;
    SimStore& store_;
    ServerOptions options_;
    NetworkOptions network_;
    std::shared_ptr<const Site> site_;
    Datagrams* datagrams_ = nullptr;
    Streams* streams_ = nullptr;
    Accounting* accounting_ = nullptr;

    std::unique_ptr<Control> control_;
    std::vector<Member> members_;
    ControlOutbox control_out_;
    std::vector<ControlOutbox::Addressed> answers_; ///< of the step whose commit is under way
    bool control_busy_ = false;                     ///< until its commit returns
    bool turn_wanted_ = false;
    bool starting_ = false;
    Instant control_paused_;
    Instant any_paused_; ///< no worker is paused beyond this
    Instant next_deadline_ = Instant::never();
    std::uint32_t process_ = 0; ///< which life: events of an earlier one mean nothing
    Prng secrets_;
    std::uint64_t starts_ = 0;
    std::uint64_t orders_refused_ = 0;
};

} // namespace muster::sim
