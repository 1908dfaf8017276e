// SPDX-License-Identifier: Apache-2.0
// The loop of one fast-path thread: completions to the engine, the engine's effects to the kernel.
// The only template of the driver: it is instantiated where net meets io, in tools/musterd.
#pragma once

#include "io/host/access_log.hh"
#include "io/host/clock.hh"
#include "io/host/content_store.hh"
#include "io/host/probe_sockets.hh"
#include "io/mirror/mirror_port.hh"
#include "io/uring/datagram_io.hh"
#include "io/uring/ring.hh"
#include "io/uring/stream_io.hh"
#include "io/worker/burst_port.hh"
#include "io/worker/mailbox.hh"
#include "io/worker/packet_log.hh"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace muster {

struct WorkerLimits {
    unsigned ring_entries = 1024;
    std::uint32_t connections_max = 20'000;
    SendHow send = SendHow::automatic;
};

/// Runs one engine. Everything but stop() belongs to the thread that called open().
///
/// Engine: receive, on_stream_open/data/end/progress/sent/closed, on_content, on_content_grown,
/// on_control, expire,
/// next_deadline, ask, next_probe, on_conflict_answer (see net/engine.hh).
template <class Engine>
class Worker {
public:
    Worker(Engine& engine, Mailbox& mailbox, const Wake& control, const WorkerLimits& limits)
        : engine_(engine),
          mailbox_(mailbox),
          control_(control),
          limits_(limits),
          datagrams_(ring_),
          streams_(ring_, limits.connections_max, limits.send) {}

    [[nodiscard]] Result<void, SysError> open() {
        if (auto opened = ring_.open(limits_.ring_entries); !opened) {
            return opened;
        }
        if (auto opened = datagrams_.open(); !opened) {
            return opened;
        }
        if (auto opened = streams_.open(); !opened) {
            return opened;
        }
        arm_wake();
        return {};
    }

    /// Turns until control has said what the site is, or stop(). Before that there is nothing to
    /// answer with, so sockets are added after it: what comes meanwhile waits in the kernel.
    void await_site() {
        Now now = read_clock();
        while (!content_.has_site() && !stopping_.load(std::memory_order_acquire)) { // as in run()
            wait(now);
            now = read_clock();
            step(now);
        }
    }

    [[nodiscard]] DatagramIo& datagrams() noexcept { return datagrams_; }
    /// Without them the engine's probes go nowhere.
    void set_probe_sockets(ProbeSockets sockets) { probe_sockets_ = std::move(sockets); }
    /// Before run(): what moves UDP over IPv4 in place of sockets; null: sockets do.
    void move_by(BurstPort* port) noexcept { port_ = port; }
    [[nodiscard]] StreamIo& streams() noexcept { return streams_; }
    [[nodiscard]] const DatagramIo& datagrams() const noexcept { return datagrams_; }
    [[nodiscard]] const StreamIo& streams() const noexcept { return streams_; }

    /// Before run(): where records of the access log go; null: nowhere.
    void log_to(AccessRing* ring) noexcept { accesses_ = ring; }
    /// Before run(): what remembers packets; null: nothing.
    void remember_in(PacketLog* log) noexcept { packets_ = log; }
    /// Before run(): who answers for mirrors; null: nobody.
    void mirror_by(MirrorPort* port) noexcept { mirror_ = port; }
    /// Its turns: it stands still where these do although it was woken. Any thread.
    [[nodiscard]] const Counter& turns() const noexcept { return turns_; }
    /// Records that found the log's ring full. Any thread.
    [[nodiscard]] const Counter& accesses_lost() const noexcept { return accesses_lost_; }

    /// Any thread: run() drains, then returns.
    void stop() noexcept {
        stopping_.store(true, std::memory_order_release); // pairs with run()
        mailbox_.wake_worker.signal();
    }

    void run() {
        Now now = read_clock();
        if (port_ != nullptr) {
            port_->open();
        }
        Instant drain_until = Instant::never();
        for (;;) {
            const bool stopping = stopping_.load(std::memory_order_acquire); // pairs with stop()
            if (stopping && drain_until == Instant::never()) {
                drain_until = now.steady + drain_max;
                streams_.close_listeners();
            }
            if (stopping && (now.steady >= drain_until || streams_.sending_count() == 0)) {
                return;
            }
            wait(now);
            now = read_clock();
            step(now);
        }
    }

    /// One turn: what has completed, what control said, what is due.
    void step(const Now& now) {
        turns_.add();
        out_.control_room = mailbox_.to_control.room();
        drain(now);
        if (port_ != nullptr) {
            poll_port(now);
        }
        ControlMessage message;
        while (mailbox_.to_worker.pop(message)) {
            if (const auto* snapshot = std::get_if<SnapshotRef>(&message)) {
                content_.on_snapshot(*snapshot);
            }
            engine_.on_control(std::move(message), now, out_);
        }
        take_mirrored(now);
        engine_.expire(now, out_);
        if (engine_.next_probe() <= now.steady) {
            probe(now);
        }
        perform(now);
        if (now.steady >= next_sweep_) {
            streams_.sweep(now);
            next_sweep_ = now.steady + sweep_interval;
        }
    }

private:
    static constexpr Duration drain_max = std::chrono::seconds{3};
    static constexpr std::uint64_t flood_burst = 16; ///< of one round
    static constexpr unsigned flood_rounds = 8;
    static constexpr Duration samples_wait = std::chrono::milliseconds{5};
    static constexpr Duration sweep_interval = std::chrono::seconds{1};
    /// After so many turns in which its port brought nothing, a worker looks less often.
    static constexpr unsigned idle_turns = 1000;
    static constexpr Duration idle_wait = std::chrono::microseconds{100};
    /// With a port, a call of the kernel in each turn would cost as much as a DHCP message.
    static constexpr unsigned kernel_turns = 8;

    void take_mirrored(const Now& now) {
        if (mirror_ == nullptr) {
            return;
        }
        MirrorAnswer answer;
        while (mirror_->take(answer)) {
            engine_.on_content(answer.ticket, answer.content, now, out_);
        }
        if (mirror_->take_growth()) {
            engine_.on_content_grown(now, out_);
        }
    }

    void open(OpenRequest& request, const Now& now) {
        if (request.root != ContentRoot::mirror) {
            engine_.on_content(
                request.ticket,
                request.netascii
                    ? content_.open_netascii(request.root, request.path, now, request.choice)
                    : content_.open(request.root, request.path, now, request.choice),
                now, out_);
        } else if (mirror_ != nullptr && mirror_->ask(request.ticket, std::move(request.path))) {
            asked_mirror_ = true; // take_mirrored() brings the answer
        } else {
            engine_.on_content(request.ticket, std::unexpected(OpenError::unavailable), now, out_);
        }
    }

    void poll_port(const Now& now) {
        const PortBurst burst = port_->receive(now);
        port_idle_ = burst.busy ? 0 : port_idle_ + 1;
        for (const RxDatagram& datagram : burst.datagrams) {
            receive(datagram, now);
        }
        for (const ConflictAnswer& answer : burst.answers) {
            engine_.on_conflict_answer(answer, now);
        }
    }

    void receive(const RxDatagram& datagram, const Now& now) {
        if (packets_ != nullptr) {
            packets_->received(datagram, now.wall);
        }
        engine_.receive(datagram, now, out_);
    }

    void send_datagrams(const Now& now) {
        if (packets_ != nullptr) {
            for (const TxDatagram& datagram : out_.datagrams) {
                packets_->sent(datagram, out_.payload(datagram), now.wall);
            }
        }
        if (port_ == nullptr) {
            return datagrams_.send_all(out_);
        }
        for (const TxDatagram& datagram : out_.datagrams) {
            if (port_->carries(datagram.service, datagram.destination)) {
                port_->send(datagram, out_.payload(datagram), now);
            } else {
                datagrams_.send(datagram, out_.payload(datagram));
            }
        }
    }
    void send_blocks(const TxBlocks& blocks, const Now& now) {
        if (port_ != nullptr && port_->carries(blocks.service, blocks.destination)) {
            port_->send(blocks, now);
        } else {
            datagrams_.send(blocks);
        }
    }

    /// What the last questions brought, then the next ones.
    void probe(const Now& now) {
        if (probe_sockets_.valid()) {
            probe_sockets_.receive(
                [&](const ConflictAnswer& answer) { engine_.on_conflict_answer(answer, now); });
        }
        engine_.ask(now, probes_, out_);
        for (const ConflictProbe& question : probes_) {
            if (port_ != nullptr && port_->asks()) {
                port_->ask(question, now);
            } else {
                probe_sockets_.send(question);
            }
        }
        probes_.clear();
    }

    /// All that has completed. The kernel hands over some 32 datagrams of a socket at a time; while
    /// these are a flood that can wait, more is read before the turn's share of it is answered, so
    /// that whoever is not part of the flood is found among it.
    void drain(const Now& now) {
        for (unsigned round = 0;; ++round) {
            const std::uint64_t before = datagrams_.patient_received();
            ring_.drain([&](const Completion& cqe) { complete(cqe, now); });
            if (round == flood_rounds || datagrams_.patient_received() - before < flood_burst) {
                return;
            }
            ring_.submit_and_wait(0);
        }
    }

    void arm_wake() {
        io_uring_sqe* sqe = ring_.sqe();
        io_uring_prep_poll_multishot(sqe, mailbox_.wake_worker.get(), POLLIN);
        sqe->user_data = to_user_data({.kind = OpKind::wake});
    }

    void wait(const Now& now) {
        Instant until = std::min({engine_.next_deadline(), next_sweep_, samples_due_});
        if (port_ != nullptr) { // it wakes nobody
            if (port_idle_ < idle_turns && ++port_turns_ % kernel_turns != 0) {
                return;
            }
            until = std::min(until, port_idle_ < idle_turns ? now.steady : now.steady + idle_wait);
        }
        ring_.submit_and_wait(until <= now.steady ? 0 : (until - now.steady).count());
    }

    void complete(const Completion& cqe, const Now& now) {
        switch (to_token(cqe.user_data).kind) {
        case OpKind::none:
            break;
        case OpKind::wake:
            mailbox_.wake_worker.clear();
            if ((cqe.flags & IORING_CQE_F_MORE) == 0) {
                arm_wake();
            }
            break;
        case OpKind::receive_datagrams:
            datagrams_.on_received(cqe,
                                   [&](const RxDatagram& datagram) { receive(datagram, now); });
            break;
        case OpKind::send_datagram:
            datagrams_.on_sent(cqe);
            break;
        case OpKind::accept:
        case OpKind::receive_stream:
        case OpKind::send_stream:
        case OpKind::poll_stream:
        case OpKind::warm_stream:
        case OpKind::wake_stream:
            streams_.on_completion(cqe, engine_, now, out_);
            break;
        }
    }

    void perform(const Now& now) {
        // Opening a file is answered at once, and the answer may ask for more.
        while (!out_.opens.empty()) {
            opens_.swap(out_.opens);
            for (OpenRequest& request : opens_) {
                open(request, now);
            }
            opens_.clear();
        }
        if (std::exchange(asked_mirror_, false)) {
            mirror_->wake_mirror();
        }
        send_datagrams(now);
        // Who lost a packet goes first: else a burst of those who did not takes the room that its
        // repair needs, again and again (the capture effect).
        for (const bool repairs : {true, false}) {
            for (const TxBlocks& blocks : out_.blocks) {
                if (blocks.repair == repairs) {
                    send_blocks(blocks, now);
                }
            }
        }
        if (port_ != nullptr) {
            port_->flush(now);
        }
        for (const StreamSend& send : out_.stream_sends) {
            streams_.send(send, out_.head(send), now);
        }
        for (const StreamOrder& order : out_.stream_orders) {
            streams_.order(order);
        }
        for (auto& access : out_.accesses) {
            if (accesses_ == nullptr || !accesses_->push(std::move(access))) {
                accesses_lost_.add();
            }
        }
        tell_control(now);
        out_.clear();
    }

    /// Nobody waits for what control makes of a transfer's sample: these gather for a while, since
    /// waking control for each small file would cost more than sending it.
    void tell_control(const Now& now) {
        bool urgent = now.steady >= samples_due_;
        for (WorkerMessage& message : out_.messages) {
            urgent = urgent || !std::holds_alternative<std::unique_ptr<TransferSample>>(message);
            // The engine was told how much room there is, and only this thread fills it.
            const bool pushed = mailbox_.to_control.push(std::move(message));
            MUSTER_CHECK(pushed);
        }
        if (!urgent && out_.messages.empty()) {
            return;
        }
        if (urgent || mailbox_.to_control.room() < mailbox_.to_control.capacity() / 2) {
            control_.signal();
            samples_due_ = Instant::never();
        } else {
            samples_due_ = std::min(samples_due_, now.steady + samples_wait);
        }
    }

    Engine& engine_;
    Mailbox& mailbox_;
    const Wake& control_;
    WorkerLimits limits_;
    Ring ring_;
    DatagramIo datagrams_;
    StreamIo streams_;
    ContentStore content_;
    ProbeSockets probe_sockets_;
    std::vector<ConflictProbe> probes_;
    AccessRing* accesses_ = nullptr;
    PacketLog* packets_ = nullptr;
    MirrorPort* mirror_ = nullptr;
    BurstPort* port_ = nullptr;
    unsigned port_idle_ = 0; ///< turns in a row
    unsigned port_turns_ = 0;
    Counter turns_;
    bool asked_mirror_ = false; ///< in this turn
    Counter accesses_lost_;
    Outbox out_;
    std::vector<OpenRequest> opens_;
    Instant next_sweep_;
    Instant samples_due_ = Instant::never(); ///< when control is to see the samples that wait
    std::atomic<bool> stopping_{false};
};

} // namespace muster
