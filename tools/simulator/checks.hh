// SPDX-License-Identifier: Apache-2.0
// What must hold in every world, watched from outside of server and machines. Each checker is
// proved by a planted bug (Canary) that it finds.
#pragma once

#include "core/port/client.hh"
#include "core/port/datagram.hh"
#include "core/port/stream.hh"

#include "tools/simulator/store.hh"
#include "tools/simulator/universe.hh"

#include <deque>
#include <map>

namespace muster::sim {

class Machines;
class ServerHost;
class Streams;

/// Two machines never have one address at the same moment, as they themselves see it; and an ACK
/// that a machine saw is in the store.
class AddressCheck {
public:
    AddressCheck(Universe& universe, const SimStore& store) : universe_(universe), store_(store) {}

    void on_datagram(MachineIndex machine, const ClientRx& datagram);
    void on_broadcast(const ClientRx& datagram, const Machines& machines);
    /// The machine took an ACK for `address`: the one that it was just handed.
    void on_exchange(MachineIndex machine, const Ipv4Address& address, const Machines& machines);
    /// A machine that looks for an address has none (RFC 2131 section 4.4.1).
    void on_sent(MachineIndex machine, std::uint16_t to, Bytes payload);
    void on_power_off(MachineIndex machine) { let_go(machine); }

private:
    void let_go(MachineIndex machine);
    struct Holding {
        MachineIndex machine = 0;
        Instant until;
    };
    struct Ack {
        Ipv4Address address;
        Duration lease{};
    };

    Universe& universe_;
    const SimStore& store_;
    std::map<Ipv4Address, Holding> holders_;
    std::map<MachineIndex, Ipv4Address> held_;
    std::map<MachineIndex, Ack> last_ack_;
};

/// Every DATA block that reaches a machine is what the file has there.
class TftpCheck {
public:
    explicit TftpCheck(Universe& universe) : universe_(universe) {}

    void on_sent(MachineIndex machine, const Endpoint& from, std::uint16_t to, Bytes payload);
    void on_received(MachineIndex machine, const ClientRx& datagram);
    [[nodiscard]] std::uint64_t compared() const noexcept { return compared_; }

private:
    struct Transfer {
        std::optional<FileNumber> file; ///< none: a text that the server makes
        std::uint16_t server_port = 0;  ///< 0: not yet known
        std::uint16_t blksize = 512;
        std::uint64_t last = 0; ///< the highest block that came
    };
    void compare(MachineIndex machine, Transfer& transfer, Bytes packet);

    Universe& universe_;
    // By address too, not by port alone: what the server still repeats to a machine that had the
    // address before is no part of an own transfer from the same port at another address.
    std::map<std::pair<MachineIndex, Endpoint>, Transfer> transfers_;
    std::vector<std::byte> expected_;
    std::uint64_t compared_ = 0;
};

/// Every HTTP answer that names a file brings that file, the range that was asked for, all of it
/// and in order. Also where the truth about installs comes from: who read an order, who reported.
class HttpCheck {
public:
    HttpCheck(Universe& universe, Machines& machines) : universe_(universe), machines_(machines) {}

    void on_open(SlabHandle connection, MachineIndex machine);
    void on_request_bytes(SlabHandle connection, std::string_view bytes);
    void on_answer(SlabHandle connection, std::string_view head, const StreamSend& send);
    void on_body(SlabHandle connection, const Content& content, std::uint64_t offset,
                 std::uint64_t size);
    /// The engine was told that all of an answer is out: so many bytes of its content.
    void on_all_sent(SlabHandle connection, std::uint64_t size);
    /// The server's end reached the machine.
    void on_end(SlabHandle connection);
    /// The engine's side is over: what was not delivered need not come any more.
    void on_closed(SlabHandle connection);
    [[nodiscard]] std::uint64_t answers() const noexcept { return answers_; }

private:
    struct Request {
        std::string method;
        std::string path;
        std::optional<std::uint64_t> range_begin;
        std::optional<std::uint64_t> range_end; ///< one behind the last byte
    };
    struct Connection {
        std::uint32_t generation = 0;
        MachineIndex machine = 0;
        std::string pending;  ///< of a request whose end has not come
        std::size_t body = 0; ///< bytes of a request's body still to come
        std::deque<Request> requests;
        const Content* content = nullptr; ///< of the answer under way
        std::uint64_t offset = 0;
        std::uint64_t left = 0;
        std::uint64_t announced = 0;
        bool broken = false;
    };

    [[nodiscard]] Connection* find(SlabHandle connection);
    void read_requests(Connection& c);
    void check_file(const Connection& c, const Request& request, int status,
                    const StreamSend& send);

    Universe& universe_;
    Machines& machines_;
    std::map<std::uint32_t, Connection> connections_;
    std::uint64_t answers_ = 0;
};

/// What is durable of nodes makes sense: attempts count up, a token is one attempt's alone, and
/// nothing but an order makes an installed machine be installed again.
class InstallCheck {
public:
    explicit InstallCheck(Universe& universe) : universe_(universe) {}

    void on_durable(const Batch& batch);
    void on_order(const std::string& node) { orders_.insert_or_assign(node, true); }

private:
    struct Seen {
        std::uint32_t attempt = 0;
        InstallState state{};
    };
    Universe& universe_;
    std::map<std::string, Seen> nodes_;
    std::map<std::string, bool> orders_; ///< given and not yet seen to have an effect
    std::map<Token, std::pair<std::string, std::uint32_t>> tokens_;
};

/// Every datagram and connection that the engines were handed is in their counters, once.
class Accounting {
public:
    void on_start(unsigned workers);
    void on_datagram(unsigned worker, UdpService service);
    void on_stream(unsigned worker) { ++handed_[worker].streams; }
    void check(const ServerHost& server, const Streams& streams, Universe& universe) const;

private:
    struct Handed {
        std::uint64_t dhcp = 0;
        std::uint64_t tftp = 0;
        std::uint64_t streams = 0;
    };
    std::vector<Handed> handed_;
};

} // namespace muster::sim
