// SPDX-License-Identifier: Apache-2.0
// Question: does any order of messages, commits, refusals of the store, conflicts, reloads and time
// make the DHCP server give one address to two machines, or acknowledge what is not durable?
// Method: the input spells a script for four machines and a pool of three addresses; a model of the
// store and of what each machine believes checks every reply, and the server's gauges after every
// step. Sanitizers watch.
#include "core/base/check.hh"

#include "tests/support/dhcp_rig.hh"

#include <algorithm>
#include <array>
#include <map>

namespace {

using namespace muster;
using test::ClientMessage;
using enum DhcpMessageType;

constexpr std::size_t machines_max = 4;
constexpr std::size_t steps_max = 2000;

class Script {
public:
    explicit Script(Bytes input) : input_(input) { rig_.commits.reserve(16); }

    void run() {
        reload(0);
        for (std::size_t step = 0; step < steps_max && !input_.empty(); ++step) {
            perform(next());
            check_gauges();
        }
        // Control answers every commit, however late. Until it does, a lease that is to be
        // prolonged ends for nobody: the store may have its new end already.
        commit(true);
        rig_.advance(std::chrono::hours{48});
        check_gauges();
        // BOOTP knows no end of a lease.
        MUSTER_CHECK(bootp_ || rig_.server.metrics().leases_bound.read() == 0);
    }

private:
    struct Machine {
        Ipv4Address offered;
        Ipv4Address address;
        Instant until{INT64_MIN}; ///< it uses `address` until then
        std::uint32_t xid = 0;    ///< of its last message: it takes no other's answer
    };

    std::uint8_t next() { return input_.u8().value_or(0); }
    std::vector<std::byte> bytes(std::size_t size) {
        const Bytes taken = *input_.take(std::min(size, input_.remaining()));
        return {taken.begin(), taken.end()};
    }
    [[nodiscard]] bool holds(const Machine& machine) const {
        return machine.until > rig_.now.steady;
    }

    void perform(std::uint8_t step) {
        const std::size_t n = (step >> 4U) % machines_max;
        Machine& machine = machines_[n];
        switch (step & 15U) {
        case 0:
            deliver(n, discover);
            return;
        case 1:
            select(n);
            return;
        case 2: // renewing
            if (holds(machine)) {
                ClientMessage made = message(n, request);
                made.header.ciaddr = machine.address;
                send(n, made, rig_.server_address);
            }
            return;
        case 3: { // switched off and on again
            ClientMessage made = message(n, request);
            made.with(DhcpOptionCode::requested_address, machine.address);
            machine.until = {INT64_MIN};
            send(n, made, Ipv4Address::broadcast());
            return;
        }
        case 4:
            if (holds(machine)) {
                ClientMessage made = message(n, release);
                made.header.ciaddr = machine.address;
                machine.until = {INT64_MIN};
                send(n, made, rig_.server_address);
            }
            return;
        case 5:
            if (holds(machine)) {
                ClientMessage made = message(n, decline);
                made.with(DhcpOptionCode::requested_address, machine.address);
                machine.until = {INT64_MIN};
                send(n, made, Ipv4Address::broadcast());
            }
            return;
        case 6:
            deliver(n, inform);
            return;
        case 7:
            bootp(n);
            return;
        case 8:
            raw();
            return;
        case 9:
            commit(true);
            return;
        case 10:
            commit(false);
            return;
        case 11:
            extra_ = next();
            return;
        case 12:
            rig_.advance(std::chrono::milliseconds{1U << (next() % 23U)});
            return;
        case 13:
            reload(next());
            return;
        case 14:
            conflict(next());
            return;
        default:
            listens_ = !listens_;
            return;
        }
    }

    ClientMessage message(std::size_t n, DhcpMessageType type) {
        ClientMessage made{type, test::machine_mac(static_cast<std::uint32_t>(n)), ++xid_};
        machines_[n].xid = xid_;
        if ((extra_ & 1U) != 0) {
            made.pxe((extra_ >> 4U) & 7U);
        }
        if ((extra_ & 2U) != 0) { // another identity of the same machine
            made.with(DhcpOptionCode::client_identifier,
                      test::octets({255, 0, 0, 0, 1, 0, 1, static_cast<unsigned>(n)}));
        }
        if ((extra_ & 4U) != 0) {
            made.header.flags = dhcp_broadcast_flag;
        }
        if ((extra_ & 8U) != 0) {
            made.with(DhcpOptionCode::maximum_message_size, test::octets({2, 64}));
        }
        return made;
    }

    void deliver(std::size_t n, DhcpMessageType type) {
        ClientMessage made = message(n, type);
        if (type == inform) {
            made.header.ciaddr = machines_[n].address;
        }
        send(n, made, Ipv4Address::broadcast());
    }

    void select(std::size_t n) {
        ClientMessage made = message(n, request);
        made.with(DhcpOptionCode::server_identifier, rig_.server_address);
        made.with(DhcpOptionCode::requested_address, machines_[n].offered);
        machines_[n].until = {INT64_MIN};
        send(n, made, Ipv4Address::broadcast());
    }

    void bootp(std::size_t n) {
        ClientMessage made = message(n, discover);
        made.options.clear();
        bootp_ = true;
        for (const test::Reply& reply : rig_.receive(made)) {
            MUSTER_CHECK(static_cast<unsigned>(reply.type()) == 0);
            MUSTER_CHECK(!used_by_other(reply.yiaddr(), n));
        }
    }

    /// Whatever it is, it is nobody's: an answer to it is only looked at.
    void raw() {
        const std::vector<std::byte> datagram = bytes(next() * 3U);
        (void)rig_.receive(datagram);
    }

    void send(std::size_t n, const ClientMessage& made, const IpAddress& local) {
        asked_at_[made.header.xid] = rig_.now.steady;
        (void)n;
        for (const test::Reply& reply : rig_.receive(made, local)) {
            hear(reply);
        }
    }

    void hear(const test::Reply& reply) {
        const MacAddress mac = reply.message->header.mac();
        const std::size_t n = mac.octets[5];
        if (n >= machines_max || mac != test::machine_mac(static_cast<std::uint32_t>(n))) {
            return; // of raw()
        }
        Machine& machine = machines_[n];
        if (reply.type() == ack && !reply.yiaddr().is_unspecified()) {
            check_durable(reply, n);
        }
        if (!listens_ || reply.message->header.xid != machine.xid) {
            return; // lost, or the machine has asked something else since
        }
        if (reply.type() == offer) {
            MUSTER_CHECK(!used_by_other(reply.yiaddr(), n));
            machine.offered = reply.yiaddr();
        } else if (reply.type() == nak) {
            machine.offered = machine.address = Ipv4Address{};
            machine.until = {INT64_MIN};
        } else if (reply.type() == ack && !reply.yiaddr().is_unspecified()) {
            MUSTER_CHECK(!used_by_other(reply.yiaddr(), n));
            machine.address = reply.yiaddr();
            machine.until = rig_.now.steady +
                            std::chrono::seconds{reply.seconds(DhcpOptionCode::address_lease_time)};
        }
    }

    [[nodiscard]] bool used_by_other(const Ipv4Address& address, std::size_t n) const {
        for (std::size_t other = 0; other < machines_max; ++other) {
            if (other != n && holds(machines_[other]) && machines_[other].address == address) {
                return true;
            }
        }
        return false;
    }

    /// The store names the machine, until the end of what it is told, counted from its REQUEST.
    void check_durable(const test::Reply& reply, std::size_t n) {
        const auto record = store_.find(reply.yiaddr());
        MUSTER_CHECK(record != store_.end());
        MUSTER_CHECK(record->second.mac == test::machine_mac(static_cast<std::uint32_t>(n)));
        MUSTER_CHECK(record->second.state == LeaseRecord::State::bound);
        const auto asked = asked_at_.find(reply.message->header.xid);
        if (!refused_ever_ && asked != asked_at_.end()) {
            const Duration left = record->second.expires - rig_.now.wall;
            const Duration told =
                std::chrono::seconds{reply.seconds(DhcpOptionCode::address_lease_time)};
            MUSTER_CHECK(asked->second + told <= rig_.now.steady + left + 1ms);
        }
    }

    void commit(bool durable) {
        refused_ever_ |= !durable;
        for (const LeaseCommit& commit : std::exchange(rig_.commits, {})) {
            if (durable) {
                store_[commit.lease.address] = commit.lease;
            }
            if (commit.request.generation != 0) {
                rig_.server.on_lease_committed({commit.request, durable}, rig_.now, rig_.out);
                for (const test::Reply& reply : rig_.collect()) {
                    hear(reply);
                }
            }
        }
    }

    /// The site is read again, with other pools, lease times and reservations.
    void reload(std::uint8_t how) {
        constexpr std::array<std::string_view, 4> pools{
            "10.79.0.100-10.79.0.102", "10.79.0.101-10.79.0.103", "10.79.0.100-10.79.0.100",
            "10.79.0.99-10.79.0.103"};
        SubnetPlan& subnet = rig_.snapshot.dhcp.subnets[0];
        subnet.pools = {read_address_range(pools[how & 3U]).value()};
        subnet.pools[0].bootp = (how & 4U) != 0;
        subnet.lease = (how & 8U) != 0 ? std::chrono::minutes{2} : std::chrono::hours{1};
        rig_.publish();
    }

    void conflict(std::uint8_t how) {
        std::vector<ConflictProbe> probes;
        rig_.server.ask(rig_.now, probes, rig_.out);
        (void)rig_.collect();
        if (!probes.empty()) {
            ConflictAnswer answer;
            answer.address = probes[how % probes.size()].address;
            answer.mac = test::machine_mac(how);
            rig_.server.on_conflict_answer(answer, rig_.now);
        }
    }

    void check_gauges() {
        const DhcpMetrics& m = rig_.server.metrics();
        MUSTER_CHECK(m.waiting.read() == 0);
        MUSTER_CHECK(m.commits_pending.read() <= 4);
        MUSTER_CHECK(m.leases_offered.read() + m.leases_bound.read() + m.leases_idle.read() +
                         m.leases_declined.read() <=
                     8);
    }

    struct Rig : test::DhcpRig {
        Rig()
            : DhcpRig({.intake = {.waiting_max = 2, .machines = 4, .ports = 4},
                       .probes = true,
                       .leases_max = 8,
                       .commits_max = 4,
                       .nodes_expected = 1}) {}
        Ipv4Address server_address = test::ip("10.79.0.1");
    };

    Rig rig_;
    ByteReader input_;
    std::array<Machine, machines_max> machines_{};
    std::map<Ipv4Address, LeaseRecord> store_;
    std::map<std::uint32_t, Instant> asked_at_;
    std::uint32_t xid_ = 0;
    std::uint8_t extra_ = 0;
    bool listens_ = true;
    bool bootp_ = false;
    bool refused_ever_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Script{Bytes{reinterpret_cast<const std::byte*>(data), size}}.run();
    return 0;
}
