// SPDX-License-Identifier: Apache-2.0
// One machine in a fleet on a clock that only moves when it is told to: for tests of client
// engines without a server.
#pragma once

#include "net/client/client_fleet.hh"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace muster::test {

inline constexpr MacAddress rig_mac{{0x52, 0x54, 0x00, 0x79, 0x00, 0x00}};

inline Ipv4Address rig_ip(std::string_view text) {
    return read_ipv4_address(text).value();
}

/// What a machine has sent, with its time.
struct SentDatagram {
    Instant at;
    ClientTx datagram;
    std::vector<std::byte> payload;
};

class ClientRig {
public:
    explicit ClientRig(MacAddress mac = rig_mac) {
        identity.mac = mac;
        // UUID 79000000-0000-4000-8000-000000000000 as SMBIOS stores it.
        identity.uuid = {0, 0, 0, 0x79, 0, 0, 0, 0x40, 0x80, 0, 0, 0, 0, 0, 0, 0};
    }

    void start(std::unique_ptr<ClientMachine> machine) {
        fleet.start(identity, std::move(machine), now, out);
        collect();
    }
    /// Lets time pass: every timer on the way fires when it is due.
    void run_until(Instant until) {
        for (;;) {
            const Instant next = fleet.next_deadline();
            if (next > until) {
                break;
            }
            at(std::max(next, now.steady));
            fleet.expire(now, out);
            collect();
        }
        at(std::max(until, now.steady));
        collect();
    }
    void run_for(Duration duration) { run_until(now.steady + duration); }
    void deliver(const Endpoint& from, const Endpoint& to, Bytes payload,
                 ClientProtocol protocol = ClientProtocol::udp) {
        (void)fleet.receive_frame(
            identity.mac,
            {.protocol = protocol, .source = from, .destination = to, .payload = payload}, now,
            out);
        collect();
    }

    [[nodiscard]] std::vector<ClientNote> noted(ClientNote::Kind kind) const {
        std::vector<ClientNote> found;
        for (const ClientNote& note : notes) {
            if (note.kind == kind) {
                found.push_back(note);
            }
        }
        return found;
    }
    [[nodiscard]] Duration waited(ClientWait wait) const {
        Duration sum{};
        for (const ClientNote& note : notes) {
            if (note.kind == ClientNote::Kind::waited && note.wait == wait) {
                sum += note.duration;
            }
        }
        return sum;
    }

    Now now{Instant{}, UnixTime{1'700'000'000'000}};
    ClientIdentity identity;
    ClientFleet fleet{ClientFleetLimits{.machines = 4, .streams = 16}};
    ClientOutbox out;
    std::vector<SentDatagram> sent;
    std::vector<ClientNote> notes;
    std::vector<ClientUdpClose> closed_ports;
    std::vector<ClientConnect> connects;
    std::vector<std::string> stream_bytes; ///< what was sent on streams, one entry an order

private:
    void at(Instant instant) {
        now.wall = now.wall + (instant - now.steady);
        now.steady = instant;
    }
    void collect() {
        for (const ClientTx& datagram : out.datagrams) {
            const Bytes payload = out.payload(datagram);
            sent.push_back({now.steady, datagram, {payload.begin(), payload.end()}});
        }
        for (const ClientStreamOrder& order : out.stream_orders) {
            if (order.kind == ClientStreamOrder::Kind::send) {
                stream_bytes.emplace_back(as_text(out.payload(order)));
            }
        }
        notes.insert(notes.end(), out.notes.begin(), out.notes.end());
        closed_ports.insert(closed_ports.end(), out.udp_closes.begin(), out.udp_closes.end());
        connects.insert(connects.end(), out.connects.begin(), out.connects.end());
        out.clear();
    }
};

} // namespace muster::test
