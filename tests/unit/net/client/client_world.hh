// SPDX-License-Identifier: Apache-2.0
// One client engine behind a fleet, for tests: facts go in with their times, and what it wants done
// is written down. What a machine would do around the engine (arming its timer) is done here.
#pragma once

#include "net/client/client_fleet.hh"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace muster::test {

inline constexpr Ipv4Address client_address{{10, 79, 0, 187}};
inline constexpr Ipv4Address tftp_server_address{{10, 79, 0, 1}};

/// A content whose every byte depends on where it is, so that a misplaced piece shows.
inline std::string file_of(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>((i * 2654435761U) >> 13U);
    }
    return text;
}

/// A datagram of the machine.
struct ClientSent {
    Endpoint source;
    Endpoint destination;
    std::string bytes;
};

/// A machine that is nothing but an engine (TftpClient, HttpClient) and its timer.
template <class Engine>
class EngineMachine final : public ClientMachine {
public:
    template <class... Args>
    explicit EngineMachine(Args&&... args) : engine(std::forward<Args>(args)...) {}

    void start(ClientContext& /*context*/) noexcept override {}
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept override {
        if constexpr (requires { engine.on_datagram(datagram, context); }) {
            engine.on_datagram(datagram, context);
            context.set_timer(engine.deadline());
        }
    }
    void on_timer(ClientContext& context) noexcept override {
        engine.on_timer(context);
        context.set_timer(engine.deadline());
    }
    void on_stream_open(ClientStreamId stream, ClientContext& context) noexcept override {
        on_stream(stream, context, [&](auto& it) { it.on_stream_open(context); });
    }
    void on_stream_data(ClientStreamId stream, Bytes bytes,
                        ClientContext& context) noexcept override {
        on_stream(stream, context, [&](auto& it) { it.on_stream_data(bytes, context); });
    }
    void on_stream_discarded(ClientStreamId stream, std::uint64_t size,
                             ClientContext& context) noexcept override {
        on_stream(stream, context, [&](auto& it) { it.on_stream_discarded(size, context); });
    }
    void on_stream_closed(ClientStreamId stream, ClientContext& context) noexcept override {
        on_stream(stream, context, [&](auto& it) { it.on_stream_closed(context); });
    }

    Engine engine;

private:
    template <class Call>
    void on_stream([[maybe_unused]] ClientStreamId stream, [[maybe_unused]] ClientContext& context,
                   [[maybe_unused]] Call&& call) noexcept {
        if constexpr (requires { engine.owns(stream); }) {
            EXPECT_TRUE(engine.owns(stream));
            call(engine);
            context.set_timer(engine.deadline());
        }
    }
};

/// The engine, its fleet of one, and a clock.
template <class Engine>
class ClientWorld {
public:
    template <class... Args>
    explicit ClientWorld(Args&&... args) {
        auto machine = std::make_unique<EngineMachine<Engine>>(std::forward<Args>(args)...);
        machine_ = machine.get();
        fleet.start({.index = 0,
                     .mac = {{0x52, 0x54, 0, 0x79, 0, 0}},
                     .uuid = {},
                     .address = client_address},
                    std::move(machine), now, out);
    }

    [[nodiscard]] Engine& engine() { return machine_->engine; }
    /// Calls the engine with a context: `act(engine, context)`.
    template <class Act>
    void with(Act&& act) {
        const ClientIdentity identity{.index = 0,
                                      .mac = {{0x52, 0x54, 0, 0x79, 0, 0}},
                                      .uuid = {},
                                      .address = client_address};
        ClientContext context{fleet, identity, now, out};
        act(engine(), context);
        context.set_timer(engine().deadline());
        gather();
    }
    void receive(const Endpoint& from, const std::string& bytes, const Endpoint& to) {
        fleet.receive(0, {.source = from, .destination = to, .payload = as_bytes(bytes)}, now, out);
        gather();
    }
    void at(Duration when) { pass(Instant{} + when - now.steady); }
    /// Lets time pass, firing timers when they are due.
    void pass(Duration time) {
        const Instant end = now.steady + time;
        while (fleet.next_deadline() <= end) {
            set(std::max(now.steady, fleet.next_deadline()));
            fleet.expire(now, out);
            gather();
        }
        set(end);
        fleet.expire(now, out);
        gather();
    }
    void set(Instant at) {
        now.wall = now.wall + (at - now.steady);
        now.steady = at;
    }
    /// Takes what was sent since the last call.
    std::vector<ClientSent> take() { return std::exchange(sent, {}); }
    [[nodiscard]] std::size_t count(ClientNote::Kind kind) const {
        std::size_t count = 0;
        for (const ClientNote& note : notes) {
            count += note.kind == kind ? 1 : 0;
        }
        return count;
    }
    [[nodiscard]] Duration waited(ClientWait wait) const {
        Duration sum{};
        for (const ClientNote& note : notes) {
            sum += note.kind == ClientNote::Kind::waited && note.wait == wait ? note.duration
                                                                              : Duration{};
        }
        return sum;
    }
    /// Copies effects out of the outbox and clears it.
    void gather() {
        for (const ClientTx& tx : out.datagrams) {
            sent.push_back({tx.source, tx.destination, std::string{as_text(out.payload(tx))}});
        }
        for (const auto& close : out.udp_closes) {
            closed_ports.push_back(close.port);
        }
        for (const ClientGroup& group : out.groups) {
            groups.push_back(group);
        }
        for (const ClientConnect& connect : out.connects) {
            connects.push_back(connect);
        }
        for (const ClientStreamOrder& order : out.stream_orders) {
            orders.push_back({order, order.kind == ClientStreamOrder::Kind::send
                                         ? std::string{as_text(out.payload(order))}
                                         : std::string{}});
        }
        for (ClientNote& note : out.notes) {
            notes.push_back(std::move(note));
        }
        out.clear();
    }

    Now now{.steady = {}, .wall = {1'795'334'718'000}};
    ClientOutbox out;
    ClientFleet fleet{{.machines = 1, .streams = 4}};
    std::vector<ClientSent> sent;
    std::vector<std::uint16_t> closed_ports;
    std::vector<ClientGroup> groups;
    std::deque<ClientConnect> connects;
    std::deque<std::pair<ClientStreamOrder, std::string>> orders;
    std::vector<ClientNote> notes;

private:
    EngineMachine<Engine>* machine_ = nullptr;
};

} // namespace muster::test
