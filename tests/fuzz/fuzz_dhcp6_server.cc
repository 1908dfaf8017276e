// SPDX-License-Identifier: Apache-2.0
// Question: does any order of messages, commits, refusals of the store, reloads and time make the
// DHCPv6 server give one address to two machines, or acknowledge what is not durable?
// Method: the input spells a script for four machines and a pool of three addresses; every message
// goes through the intake. A model of the store and of what each machine believes checks every
// reply, and the server's gauges after every step. Sanitizers watch.
#include "core/base/check.hh"

#include "tests/support/dhcp6_rig.hh"

#include <algorithm>
#include <array>
#include <map>

namespace {

using namespace muster;
using test::Client6Message;
using enum Dhcp6MessageType;

constexpr std::size_t machines_max = 4;
constexpr std::size_t steps_max = 2000;
constexpr Instant never_held{INT64_MIN};

class Script6 {
public:
    explicit Script6(Bytes input) : input_(input) { rig_.commits.reserve(16); }

    void run() {
        reload(0);
        for (std::size_t step = 0; step < steps_max && !input_.empty(); ++step) {
            perform(next());
            check_gauges();
        }
        // Every message gets its turn, and control answers every commit, however late.
        serve();
        commit(true);
        rig_.advance(std::chrono::hours{48});
        check_gauges();
        MUSTER_CHECK(rig_.server.metrics().waiting.read() == 0);
        MUSTER_CHECK(rig_.server.metrics().leases_bound.read() == 0);
    }

private:
    struct Machine {
        Ipv6Address offered;
        Ipv6Address address;
        Instant until = never_held; ///< it uses `address` until then
        std::uint32_t xid = 0;      ///< of its last message: it takes no other's answer
    };
    struct Asked {
        std::size_t machine = 0;
        Instant at;
    };

    std::uint8_t next() { return input_.u8().value_or(0); }
    [[nodiscard]] bool holds(const Machine& machine) const {
        return machine.until > rig_.now.steady;
    }
    static MacAddress mac_of(std::size_t n) {
        return test::machine_mac(static_cast<std::uint32_t>(n));
    }

    void perform(std::uint8_t step) {
        const std::size_t n = (step >> 4U) % machines_max;
        Machine& machine = machines_[n];
        switch (step & 15U) {
        case 0: {
            Client6Message made = message(n, solicit).ia(iaid());
            if ((extra_ & 4U) != 0) {
                made.with(Dhcp6OptionCode::rapid_commit, {});
                machine.until = never_held;
            }
            return send(n, made);
        }
        case 1: {
            Client6Message made = message(n, request).to(rig_.server.server_id());
            machine.until = never_held;
            return send(n, made.ia(iaid(), {machine.offered}));
        }
        case 2:
            if (holds(machine)) {
                send(n,
                     message(n, renew).to(rig_.server.server_id()).ia(iaid(), {machine.address}));
            }
            return;
        case 3:
            if (holds(machine)) {
                send(n, message(n, rebind).ia(iaid(), {machine.address}));
            }
            return;
        case 4:
        case 5:
            if (holds(machine)) {
                machine.until = never_held;
                send(n, message(n, (step & 1U) == 0 ? release : decline)
                            .to(rig_.server.server_id())
                            .ia(iaid(), {machine.address}));
            }
            return;
        case 6:
            return send(n, message(n, information_request));
        case 7:
            return send(n, message(n, confirm).ia(iaid(), {machine.address}));
        case 8:
            return raw();
        case 9:
            return commit(true);
        case 10:
            return commit(false);
        case 11:
            extra_ = next();
            return;
        case 12:
            rig_.now.steady = rig_.now.steady + std::chrono::milliseconds{1U << (next() % 23U)};
            rig_.now.wall = rig_.now.wall + (rig_.now.steady - wall_at_);
            wall_at_ = rig_.now.steady;
            return serve();
        case 13:
            return reload(next());
        case 14: // messages wait together
            queues_ = !queues_;
            return serve();
        default:
            listens_ = !listens_;
            return;
        }
    }

    [[nodiscard]] std::uint32_t iaid() const { return (extra_ & 2U) != 0 ? 9 : 1; }

    Client6Message message(std::size_t n, Dhcp6MessageType type) {
        machines_[n].xid = ++xid_;
        // The second is another program's identity: the machine is known by where it sends from.
        Client6Message made{type,
                            (extra_ & 2U) != 0 ? test::duid_uuid(static_cast<unsigned>(n))
                                               : test::duid_ll(mac_of(n)),
                            xid_};
        if ((extra_ & 1U) != 0) {
            made.boots((extra_ >> 4U) & 7U);
        }
        return made;
    }

    void send(std::size_t n, const Client6Message& made) {
        asked_[xid_] = {n, rig_.now.steady};
        const Ipv6Address link_local = test::link_local_of(mac_of(n));
        if ((extra_ & 8U) != 0) {
            const std::string port = "port" + std::to_string(extra_ >> 6U);
            rig_.take(test::relayed(
                          made.bytes(), test::ip6("fd00:79::1"), link_local,
                          test::option6(Dhcp6OptionCode::interface_id, test::text_octets(port))),
                      test::ip6("fd00:79::fe"));
        } else {
            rig_.take(made.bytes(), link_local);
        }
        if (!queues_) {
            serve();
        }
    }

    /// Whatever it is, as long as it speaks for none of the machines: it is nobody's.
    void raw() {
        const std::size_t size = next() * 3U;
        const Bytes taken = *input_.take(std::min(size, input_.remaining()));
        const Ipv6Address source = test::ip6("fe80::bad");
        Dhcp6Message read;
        if (read_dhcp6_message(taken, read)) {
            const std::uint32_t its_iaid = read.ia_count > 0 ? read.ias[0].iaid : 0;
            const MacAddress mac =
                find_machine(read, read.relayed() ? read.nearest_hop().peer : source, its_iaid).mac;
            for (std::size_t n = 0; n < machines_max; ++n) {
                if (mac == mac_of(n)) {
                    return;
                }
            }
            asked_.erase(read.xid);
        }
        rig_.take({taken.begin(), taken.end()}, source);
        serve();
    }

    void serve() {
        do {
            for (const test::Reply6& reply : rig_.turn()) {
                hear(reply);
            }
        } while (rig_.server.metrics().waiting.read() > 0);
    }

    void hear(const test::Reply6& reply) {
        const auto asked = asked_.find(reply.xid);
        if (asked == asked_.end()) {
            return; // of raw()
        }
        const std::size_t n = asked->second.machine;
        Machine& machine = machines_[n];
        const bool mine = listens_ && reply.xid == machine.xid; // else lost, or it asked anew
        for (const auto& ia : reply.associations()) {
            for (const auto& given : ia.addresses) {
                MUSTER_CHECK(given.preferred <= given.valid && ia.t1 <= ia.t2 &&
                             ia.t2 <= given.valid);
                if (given.valid == 0) { // it shall stop using it
                    if (mine && given.address == machine.address) {
                        machine.until = never_held;
                    }
                } else if (reply.type == advertise) {
                    MUSTER_CHECK(!used_by_other(given.address, n));
                    machine.offered = mine ? given.address : machine.offered;
                } else {
                    check_durable(given.address, given.valid, asked->second);
                    MUSTER_CHECK(!used_by_other(given.address, n));
                    if (mine) {
                        machine.address = given.address;
                        // Times are told to the second begun.
                        machine.until = rig_.now.steady + std::chrono::seconds{given.valid} - 1s;
                    }
                }
            }
        }
    }

    [[nodiscard]] bool used_by_other(const Ipv6Address& address, std::size_t n) const {
        for (std::size_t other = 0; other < machines_max; ++other) {
            if (other != n && holds(machines_[other]) && machines_[other].address == address) {
                return true;
            }
        }
        return false;
    }

    /// The store names the machine, until the end of what it is told, counted from its message.
    void check_durable(const Ipv6Address& address, std::uint32_t valid_s, const Asked& asked) {
        const auto record = store_.find(address);
        MUSTER_CHECK(record != store_.end());
        MUSTER_CHECK(record->second.mac == mac_of(asked.machine));
        MUSTER_CHECK(record->second.state == LeaseRecord::State::bound);
        if (!refused_ever_) {
            const Duration left = record->second.expires - rig_.now.wall;
            MUSTER_CHECK(asked.at + std::chrono::seconds{valid_s} < rig_.now.steady + left + 1s);
        }
    }

    void commit(bool durable) {
        refused_ever_ |= !durable;
        for (const Lease6Commit& commit : std::exchange(rig_.commits, {})) {
            if (durable) {
                store_[commit.lease.address] = commit.lease;
            }
            if (commit.request.generation != 0) {
                rig_.server.on_lease_committed({commit.request, durable, true}, rig_.now, rig_.out);
                for (const test::Reply6& reply : rig_.collect()) {
                    hear(reply);
                }
            }
        }
    }

    /// The site is read again, with other pools, lease times and a reservation.
    void reload(std::uint8_t how) {
        constexpr std::array<std::string_view, 4> pools{
            "fd00:79::100-fd00:79::102", "fd00:79::101-fd00:79::103", "fd00:79::100-fd00:79::100",
            "fd00:79::ff-fd00:79::103"};
        Subnet6Plan& subnet = rig_.snapshot.dhcp.subnets6[0];
        subnet.pools = {{.range = read_range6(pools[how & 3U]).value()}};
        subnet.lease = (how & 8U) != 0 ? std::chrono::minutes{2} : std::chrono::hours{1};
        rig_.publish();
        NodeBoot node;
        node.mac = mac_of(3);
        if ((how & 4U) != 0) {
            node.reserved6 = test::ip6("fd00:79::101");
        }
        rig_.server.on_node_boot(node);
    }

    void check_gauges() const {
        const Dhcp6Metrics& m = rig_.server.metrics();
        MUSTER_CHECK(m.waiting.read() <= 2);
        MUSTER_CHECK(m.links_dry.read() <= 1);
        MUSTER_CHECK(m.commits_pending.read() <= 4);
        MUSTER_CHECK(m.leases_offered.read() + m.leases_bound.read() + m.leases_idle.read() +
                         m.leases_declined.read() <=
                     8);
    }

    test::Dhcp6Rig rig_{{.intake = {.waiting_max = 2, .machines = 4, .ports = 4},
                         .leases_max = 8,
                         .commits_max = 4,
                         .nodes_expected = 1}};
    ByteReader input_;
    std::array<Machine, machines_max> machines_{};
    std::map<Ipv6Address, Lease6Record> store_;
    std::map<std::uint32_t, Asked> asked_; ///< by xid
    Instant wall_at_ = rig_.now.steady;    ///< when the wall clock was moved last
    std::uint32_t xid_ = 0;
    std::uint8_t extra_ = 0;
    bool queues_ = false;
    bool listens_ = true;
    bool refused_ever_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Script6{Bytes{reinterpret_cast<const std::byte*>(data), size}}.run();
    return 0;
}
