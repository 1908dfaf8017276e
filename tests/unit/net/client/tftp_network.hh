// SPDX-License-Identifier: Apache-2.0
// A fleet of clients and the real TFTP server on a network that loses, doubles, delays and
// reorders, in virtual time.
#pragma once

#include "core/base/prng.hh"
#include "net/client/client_fleet.hh"

#include "tests/unit/net/tftp/tftp_world.hh"

#include <gtest/gtest.h>

#include <queue>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace muster::test {

struct NetworkFaults {
    double loss = 0;
    double duplication = 0;
    Duration delay_min = 100us;
    Duration delay_spread{}; ///< above the gap of two packets it reorders
};

class TftpNetwork {
public:
    static constexpr std::uint16_t transfer_port = 40'000; ///< of the server's socket 0

    TftpNetwork(const NetworkFaults& faults, std::uint64_t seed, std::uint32_t machines = 1)
        : fleet({.machines = machines, .streams = 1}), faults_(faults), random_(seed) {}

    static Ipv4Address address_of(MachineIndex index) {
        return {{10, 79, static_cast<std::uint8_t>(1 + index / 250),
                 static_cast<std::uint8_t>(1 + index % 250)}};
    }
    void add(MachineIndex index, std::unique_ptr<ClientMachine> machine) {
        fleet.start({.index = index,
                     .mac = {{2, 0, 0, 0, static_cast<std::uint8_t>(index >> 8U),
                              static_cast<std::uint8_t>(index)}},
                     .uuid = {},
                     .address = address_of(index)},
                    std::move(machine), now(), out_);
        perform();
    }
    /// Until no machine runs; false: not within `limit`.
    [[nodiscard]] bool run(Duration limit) {
        while (fleet.running_count() > 0) {
            const Instant event = events_.empty() ? Instant::never() : events_.top().at;
            const Instant next =
                std::min({event, world.server.next_deadline(), fleet.next_deadline()});
            if (next == Instant::never() || next > Instant{} + limit) {
                return false;
            }
            world.at(std::max(next, world.now()) - Instant{});
            if (event <= world.now()) {
                const Event first = events_.top();
                events_.pop();
                handle(first);
            } else {
                deliver(world.expire());
                fleet.expire(now(), out_);
                perform();
            }
        }
        return true;
    }
    [[nodiscard]] Now now() const { return {.steady = world.now(), .wall = {}}; }
    [[nodiscard]] std::size_t count(ClientNote::Kind kind) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(notes, [kind](const auto& note) { return note.kind == kind; }));
    }
    /// What a machine's finish() said.
    [[nodiscard]] std::size_t finished_well() const {
        return static_cast<std::size_t>(std::ranges::count_if(notes, [](const auto& note) {
            return note.kind == ClientNote::Kind::finished && note.ok;
        }));
    }

    TftpWorld world;
    ClientFleet fleet;
    std::vector<ClientNote> notes;
    std::uint64_t datagrams_to_server = 0;
    std::uint64_t datagrams_to_clients = 0;

private:
    struct Event {
        Instant at{};
        std::uint64_t number = 0;
        bool to_server = false;
        Endpoint source{};
        Endpoint destination{};
        std::string bytes{};
        bool operator<(const Event& other) const {
            return std::tie(other.at, other.number) < std::tie(at, number);
        }
    };

    Instant arrival() {
        const auto spread = static_cast<std::uint64_t>(faults_.delay_spread.count());
        return world.now() + faults_.delay_min +
               Duration{spread == 0 ? 0 : static_cast<std::int64_t>(random_.below(spread))};
    }
    void push(Event event) {
        (event.to_server ? datagrams_to_server : datagrams_to_clients) += 1;
        if (random_.chance(faults_.loss)) {
            return;
        }
        if (random_.chance(faults_.duplication)) {
            Event twin = event;
            twin.at = arrival();
            twin.number = ++number_;
            events_.push(std::move(twin));
        }
        event.at = arrival();
        event.number = ++number_;
        events_.push(std::move(event));
    }
    void perform() {
        for (const ClientTx& tx : out_.datagrams) {
            push({.to_server = true,
                  .source = tx.source,
                  .destination = tx.destination,
                  .bytes = std::string{as_text(out_.payload(tx))}});
        }
        for (ClientNote& note : out_.notes) {
            notes.push_back(std::move(note));
        }
        out_.clear();
    }
    void deliver(std::vector<Sent> sent) {
        for (Sent& packet : sent) {
            push(
                {.source = {packet.from, static_cast<std::uint16_t>(transfer_port + packet.socket)},
                 .destination = packet.to,
                 .bytes = std::move(packet.bytes)});
        }
    }
    void handle(const Event& event) {
        if (!event.to_server) {
            const auto machine = fleet.machine_of(event.destination.address.v4().value());
            if (machine) {
                fleet.receive(*machine,
                              {.source = event.source,
                               .destination = event.destination,
                               .payload = as_bytes(event.bytes)},
                              now(), out_);
                perform();
            }
        } else if (event.destination.port == 69) {
            deliver(world.request(event.source, event.bytes));
        } else {
            deliver(world.reply(event.source,
                                static_cast<std::uint8_t>(event.destination.port - transfer_port),
                                event.bytes));
        }
    }

    NetworkFaults faults_;
    Prng random_;
    ClientOutbox out_;
    std::priority_queue<Event> events_;
    std::uint64_t number_ = 0;
};

} // namespace muster::test
