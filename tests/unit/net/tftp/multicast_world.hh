// SPDX-License-Identifier: Apache-2.0
// Multicast clients (RFC 2090) around a TftpServer, on a network that loses and delays.
#pragma once

#include "tests/unit/net/tftp/tftp_world.hh"

#include <functional>
#include <memory>
#include <queue>
#include <random>

namespace muster::test {

/// What real clients do differently.
struct MemberHabits {
    enum class Acks : std::uint8_t {
        every_block, ///< atftp, iPXE: each DATA is answered, with the count of contiguous blocks
        in_order,    ///< EDK2 as master: takes the next block only, answers others as above
    };
    Acks acks = Acks::every_block;
    bool acks_when_done = false; ///< a passive member says so by itself (RFC 2090)
    bool deaf = false;           ///< hears nothing that goes to a group
    Duration repeat = 5s;        ///< of its request or, as master, its ACK
};

class Member {
public:
    Member(Endpoint self, std::string ask, MemberHabits how)
        : endpoint(self), habits(how), request(std::move(ask)) {}

    Endpoint endpoint;
    MemberHabits habits;
    std::string request;
    std::optional<Endpoint> group;
    std::optional<std::uint8_t> socket;
    std::map<std::uint16_t, std::string> blocks;
    bool master = false;
    bool alone = false; ///< the OACK had no multicast
    bool done = false;
    bool failed = false;
    bool dead = false;
    std::uint64_t received = 0;
    std::uint32_t timer = 0; ///< makes older timer events stale
    std::uint16_t blksize = 512;
    std::uint16_t last = 0;

    [[nodiscard]] std::uint16_t contiguous() {
        while (blocks.contains(static_cast<std::uint16_t>(have_ + 1))) {
            ++have_;
        }
        return have_;
    }
    void begin_anew() {
        blocks.clear();
        have_ = 0;
    }
    [[nodiscard]] std::string file() const {
        std::string all;
        for (const auto& [number, bytes] : blocks) {
            all += bytes;
        }
        return all;
    }
    /// What to send for it, if anything.
    std::optional<std::string> on_packet(const Sent& packet) {
        socket = packet.socket;
        ++received;
        switch (packet.opcode()) {
        case TftpOpcode::oack:
            return on_oack(packet.oack());
        case TftpOpcode::data:
            return on_data(packet);
        default:
            failed = true;
            return std::nullopt;
        }
    }
    std::optional<std::string> on_timeout() {
        if (!socket || (group && !master)) {
            return blocks.empty() ? std::optional{request} : std::nullopt;
        }
        return answer();
    }

private:
    std::optional<std::string> on_oack(const TftpOptions& oack) {
        blksize = oack.blksize.value_or(512);
        if (!oack.multicast) {
            alone = true;
            return ack(0);
        }
        const Endpoint named{oack.multicast->address.value(), oack.multicast->port.value()};
        EXPECT_TRUE(!group || *group == named) << "a group never moves";
        EXPECT_FALSE(oack.windowsize);
        group = named;
        master = oack.multicast->master.value();
        return master ? std::optional{answer()} : std::nullopt;
    }
    std::optional<std::string> on_data(const Sent& data) {
        const std::uint16_t next = static_cast<std::uint16_t>(contiguous() + 1);
        if (!master || habits.acks == MemberHabits::Acks::every_block || data.block() == next) {
            const std::string payload = data.bytes.substr(4);
            if (payload.size() < blksize) {
                last = data.block();
            }
            blocks.emplace(data.block(), payload);
        }
        const bool whole = last != 0 && contiguous() == last;
        if (master || alone || (whole && habits.acks_when_done)) {
            return answer();
        }
        return std::nullopt;
    }
    std::string answer() {
        const std::uint16_t have = contiguous();
        done = done || (last != 0 && have == last);
        return ack(have);
    }

    std::uint16_t have_ = 0; ///< blocks before the first gap
};

/// Delivers in virtual time; everything that goes to a group comes to each member by itself.
class GroupNetwork {
public:
    GroupNetwork(TftpWorld& world, double loss, std::uint64_t seed)
        : world_(world), loss_(loss), random_(seed) {}

    std::vector<std::unique_ptr<Member>> members;
    std::uint64_t group_blocks = 0; ///< sent by the server to groups

    Member& add(const std::string& request, MemberHabits habits = {}, Duration when = 0ns) {
        const auto host = static_cast<std::uint8_t>(10 + members.size());
        members.push_back(std::make_unique<Member>(client(2000, host), request, habits));
        Member& member = *members.back();
        at(Instant{} + when, [this, &member] {
            // Not lost, or it comes when the others are done, and gets the file by itself.
            spread(world_.request(member.endpoint, member.request));
            arm(member);
        });
        return member;
    }
    void at(Instant when, std::function<void()> what) {
        events_.push({when, sequence_++, std::move(what)});
    }
    /// Until all living members are done and the server has no transfer.
    void run(Duration limit) {
        const auto busy = [this] {
            return world_.server.metrics().sessions.read() > 0 ||
                   std::any_of(members.begin(), members.end(),
                               [](const auto& m) { return !m->done && !m->dead && !m->failed; });
        };
        while (busy() && world_.now() < Instant{} + limit) {
            const Instant server = world_.server.next_deadline();
            const Instant next = events_.empty() ? Instant::never() : events_.top().at;
            ASSERT_NE(std::min(server, next), Instant::never()) << "nothing will ever happen";
            const Instant now = std::max(world_.now(), std::min(server, next));
            world_.at(now - Instant{});
            if (server <= next) {
                spread(world_.expire());
                continue;
            }
            const auto what = events_.top().what;
            events_.pop();
            what();
        }
    }

private:
    struct Event {
        Instant at;
        std::uint64_t sequence = 0;
        std::function<void()> what;
        bool operator<(const Event& other) const {
            return at != other.at ? other.at < at : other.sequence < sequence;
        }
    };

    [[nodiscard]] bool lost() { return std::uniform_real_distribution<>{}(random_) < loss_; }
    void arm(Member& member) {
        const std::uint32_t timer = ++member.timer;
        at(world_.now() + member.habits.repeat, [this, &member, timer] {
            if (timer == member.timer && !member.done && !member.dead) {
                if (const auto packet = member.on_timeout()) {
                    to_server(member, *packet);
                }
                arm(member);
            }
        });
    }
    void to_server(Member& member, const std::string& packet) {
        if (lost()) {
            return;
        }
        at(world_.now() + 100us, [this, &member, packet] {
            const bool asks = packet[1] == 1;
            spread(asks ? world_.request(member.endpoint, packet)
                        : world_.reply(member.endpoint, member.socket.value_or(0), packet));
        });
    }
    void spread(const std::vector<Sent>& sent) {
        for (const Sent& packet : sent) {
            const bool to_group = packet.to.address.v4()->octets[0] == 239;
            group_blocks += to_group ? 1 : 0;
            for (const auto& member : members) {
                const bool hears = to_group ? member->group == packet.to && !member->habits.deaf
                                            : member->endpoint == packet.to;
                if (hears && !member->dead && !member->done && !lost()) {
                    at(world_.now() + 100us,
                       [this, &member = *member, packet] { deliver(member, packet); });
                }
            }
        }
    }
    void deliver(Member& member, const Sent& packet) {
        if (member.dead || member.done) {
            return;
        }
        if (const auto answer = member.on_packet(packet)) {
            to_server(member, *answer);
        }
        arm(member);
    }

    TftpWorld& world_;
    double loss_;
    std::mt19937_64 random_;
    std::priority_queue<Event> events_;
    std::uint64_t sequence_ = 0;
};

} // namespace muster::test
