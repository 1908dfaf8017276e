// SPDX-License-Identifier: Apache-2.0
// Property: never two machines with one address, and every acknowledgement durable, whatever is
// lost, repeated, given back or forgotten in a crash.
//
// Method: machines act in random order against the server and a model of the store; messages and
// replies are lost, commits are late, the server is restarted from the store at random, with the
// commits under way done or not. A machine counts its lease from when the ACK reached it, as many
// real clients do.
#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace muster::test {
namespace {

using enum DhcpMessageType;

class World {
public:
    World(std::uint32_t machines, std::string_view pool, unsigned seed)
        : random_(seed), machines_(machines) {
        SubnetPlan subnet;
        subnet.subnet = read_subnet("10.64.0.0/16").value();
        subnet.pools = {read_address_range(pool).value()};
        subnet.lease = 10min;
        site_.dhcp.subnets = {subnet};
        restart();
    }

    void run(int steps) {
        for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
            rig_->advance(std::chrono::milliseconds{random_() % 200});
            act(static_cast<std::uint32_t>(random_() % machines_.size()));
            if (one_in(4)) {
                commit();
            }
            if (one_in(20'000)) {
                restart();
            }
        }
    }
    void refuse_in_the_store(bool refuse) { refusing_ = refuse; }
    [[nodiscard]] int acknowledged() const { return acknowledged_; }
    [[nodiscard]] int restarts() const { return restarts_; }
    [[nodiscard]] std::size_t holders() const {
        std::size_t count = 0;
        for (const Machine& machine : machines_) {
            count += machine.until > rig_->now.steady ? 1U : 0U;
        }
        return count;
    }

private:
    struct Machine {
        Ipv4Address offered;
        Ipv4Address address;
        Instant until{INT64_MIN}; ///< it uses `address` until then
        std::uint32_t xid = 0;    ///< of its last message: it takes no other's answer
    };

    bool one_in(unsigned n) { return random_() % n == 0; }

    void act(std::uint32_t n) {
        Machine& machine = machines_[n];
        if (machine.until > rig_->now.steady) {
            const auto choice = random_() % 20;
            if (choice == 0) {
                ClientMessage made{release, machine_mac(n)};
                made.header.ciaddr = machine.address;
                machine.until = {INT64_MIN};
                deliver(made, true);
            } else if (choice == 1) {
                ClientMessage made{decline, machine_mac(n)};
                made.with(DhcpOptionCode::requested_address, machine.address);
                machine.until = {INT64_MIN};
                deliver(made, false);
            } else if (choice < 4) {
                machine.until = {INT64_MIN}; // switched off, then on again
                ClientMessage made{request, machine_mac(n)};
                made.with(DhcpOptionCode::requested_address, machine.address);
                deliver(made, false);
            } else {
                ClientMessage made{request, machine_mac(n)};
                made.header.ciaddr = machine.address;
                deliver(made, one_in(2));
            }
        } else if (!machine.offered.is_unspecified() && !one_in(5)) {
            ClientMessage made{request, machine_mac(n)};
            made.with(DhcpOptionCode::server_identifier, ip("10.64.0.1"));
            made.with(DhcpOptionCode::requested_address, machine.offered);
            deliver(made, false);
        } else {
            deliver(ClientMessage{discover, machine_mac(n)}, false);
        }
    }

    void deliver(ClientMessage message, bool unicast) {
        message.header.xid = static_cast<std::uint32_t>(asked_at_.size());
        asked_at_.push_back(rig_->now.steady);
        machines_[number_of(message.header.mac())].xid = message.header.xid;
        if (one_in(10)) {
            return;
        }
        const IpAddress local = unicast ? ip("10.64.0.1") : Ipv4Address::broadcast();
        for (const Reply& reply : rig_->receive(message, local)) {
            receive(reply);
        }
    }

    void receive(const Reply& reply) {
        const MacAddress mac = reply.message->header.mac();
        if (reply.type() == ack) {
            ++acknowledged_;
            check_durable(reply);
        }
        if (one_in(10)) {
            return; // lost on its way
        }
        Machine& machine = machines_[number_of(mac)];
        if (reply.message->header.xid != machine.xid) {
            return; // it has asked something else since
        }
        if (reply.type() == offer) {
            machine.offered = reply.yiaddr();
        } else if (reply.type() == nak) {
            machine = Machine{};
        } else {
            take(machine, number_of(mac), reply);
        }
    }

    void take(Machine& machine, std::uint32_t n, const Reply& reply) {
        const auto holder = holder_of_.find(reply.yiaddr());
        if (holder != holder_of_.end() && holder->second != n) {
            const Machine& other = machines_[holder->second];
            ASSERT_FALSE(other.address == reply.yiaddr() && other.until > rig_->now.steady)
                << "machines " << n << " and " << holder->second << " with one address";
        }
        machine.address = reply.yiaddr();
        machine.until = rig_->now.steady +
                        std::chrono::seconds{reply.seconds(DhcpOptionCode::address_lease_time)};
        holder_of_[reply.yiaddr()] = n;
    }

    /// The store names the machine, until the end of what it is told, counted from its REQUEST.
    void check_durable(const Reply& reply) {
        const auto record = store_.find(reply.yiaddr());
        ASSERT_NE(record, store_.end());
        ASSERT_EQ(record->second.mac, reply.message->header.mac());
        ASSERT_EQ(record->second.state, LeaseRecord::State::bound);
        if (!refused_ever_) {
            const Instant asked = asked_at_[reply.message->header.xid];
            const Duration left = record->second.expires - rig_->now.wall;
            const Duration told =
                std::chrono::seconds{reply.seconds(DhcpOptionCode::address_lease_time)};
            ASSERT_LE(asked + told, rig_->now.steady + left + 1ms);
        }
    }

    void commit() {
        auto due = std::exchange(rig_->commits, {});
        for (const LeaseCommit& commit : due) {
            const bool durable = !refusing_ || one_in(3);
            refused_ever_ |= !durable;
            if (durable) {
                store_[commit.lease.address] = commit.lease;
            }
            if (commit.request.generation != 0) {
                rig_->server.on_lease_committed({commit.request, durable}, rig_->now, rig_->out);
                for (const Reply& reply : rig_->collect()) {
                    receive(reply);
                }
            }
        }
    }

    void restart() {
        Now now{Instant{} + 1h, UnixTime{1'700'000'000'000}};
        std::vector<LeaseRecord> records;
        if (rig_) {
            ++restarts_;
            now = rig_->now;
            for (const LeaseCommit& commit : rig_->commits) {
                if (one_in(2)) {
                    break; // the rest died with the process
                }
                store_[commit.lease.address] = commit.lease; // durable, but nobody was told
            }
            for (const auto& [address, record] : store_) {
                records.push_back(record);
            }
        }
        rig_ = std::make_unique<DhcpRig>(DhcpLimits{.leases_max = 20'000, .commits_max = 256});
        rig_->now = now;
        InterfaceInfo interface;
        interface.index = 7;
        interface.address = ip("10.64.0.1");
        const std::vector interfaces{interface};
        rig_->server.on_interfaces(interfaces);
        rig_->server.restore(records, now);
        rig_->snapshot = site_;
        rig_->publish();
    }

    static std::uint32_t number_of(const MacAddress& mac) {
        return static_cast<std::uint32_t>(mac.octets[2]) << 24U |
               static_cast<std::uint32_t>(mac.octets[3]) << 16U |
               static_cast<std::uint32_t>(mac.octets[4]) << 8U | mac.octets[5];
    }

    std::mt19937_64 random_;
    Snapshot site_;
    std::vector<Machine> machines_;
    std::vector<Instant> asked_at_; ///< by xid
    std::map<Ipv4Address, std::uint32_t> holder_of_;
    std::map<Ipv4Address, LeaseRecord> store_;
    std::unique_ptr<DhcpRig> rig_;
    bool refusing_ = false;
    bool refused_ever_ = false;
    int acknowledged_ = 0;
    int restarts_ = 0;
};

TEST(DhcpProperty, TenThousandMachinesNeverShareAnAddress) {
    for (const unsigned seed : {1U, 2U}) {
        SCOPED_TRACE(seed);
        World world{10'000, "10.64.1.0-10.64.255.250", seed};
        world.run(200'000);
        EXPECT_GT(world.acknowledged(), 10'000);
        EXPECT_GT(world.restarts(), 0);
    }
}

TEST(DhcpProperty, NorWhenThePoolIsFarTooSmall) {
    for (const unsigned seed : {3U, 4U}) {
        SCOPED_TRACE(seed);
        World world{2'000, "10.64.1.0-10.64.1.199", seed};
        world.run(100'000);
        EXPECT_GT(world.acknowledged(), 5'000);
        EXPECT_LE(world.holders(), 200U);
    }
}

TEST(DhcpProperty, NorWhileTheStoreRefuses) {
    for (const unsigned seed : {5U, 6U}) {
        SCOPED_TRACE(seed);
        World world{1'000, "10.64.1.0-10.64.2.99", seed};
        world.run(30'000);
        world.refuse_in_the_store(true);
        world.run(60'000);
        world.refuse_in_the_store(false);
        world.run(30'000);
        EXPECT_GT(world.acknowledged(), 5'000);
    }
}

} // namespace
} // namespace muster::test
