// SPDX-License-Identifier: Apache-2.0
// Members of multicast transfers: RFC 2090.
#include "core/base/prng.hh"
#include "net/client/tftp_client.hh"

#include "tests/unit/net/client/client_world.hh"

#include <gtest/gtest.h>

#include <map>
#include <queue>
#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::string_literals;
using Kind = ClientNote::Kind;
using Replies = std::vector<std::string>;

constexpr Endpoint server{tftp_server_address, 69};
constexpr Endpoint transfer{tftp_server_address, 40'001};
constexpr Endpoint group{Ipv4Address{{239, 1, 2, 3}}, 1758};
constexpr std::array<Duration, 3> waits{1s, 2s, 4s};
constexpr TftpClientModel model{.blksize = 8,
                                .windowsize = 4,
                                .tsize = false,
                                .multicast = true,
                                .option_order = "bwm",
                                .request_waits = waits,
                                .data_waits = waits};

std::string number(unsigned value) {
    return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xFFU)};
}
std::string ack(std::size_t block) {
    return number(4) + number(static_cast<unsigned>(block));
}
std::string data(std::size_t block, std::string_view file) {
    return number(3) + number(static_cast<unsigned>(block)) +
           std::string{file.substr((block - 1) * 8, 8)};
}
std::string oack(std::string_view multicast) {
    return number(6) +
           "blksize\0"
           "8\0multicast\0"s +
           std::string{multicast} + '\0';
}
const std::string master = oack("239.1.2.3,1758,1");
const std::string listener = oack("239.1.2.3,1758,0");

class TftpClientMulticast : public testing::Test {
protected:
    TftpClientMulticast() {
        world.with([&](TftpClient& client, ClientContext& context) {
            client.begin({.local = client_address,
                          .port = 2000,
                          .server = server,
                          .name = "f",
                          .expected = &expected,
                          .keep_max = 100},
                         model, context);
        });
        request = world.take().at(0).bytes;
    }
    Replies answers(const std::string& bytes, const Endpoint& to, const Endpoint& from = transfer) {
        world.receive(from, bytes, to);
        Replies all;
        for (const ClientSent& sent : world.take()) {
            EXPECT_TRUE(sent.destination == from) << "answers go to the server, not to the group";
            all.push_back(sent.bytes);
        }
        return all;
    }
    Replies unicast(const std::string& bytes) { return answers(bytes, {client_address, 2000}); }
    Replies block(std::size_t n) { return answers(data(n, file), group); }
    [[nodiscard]] ClientOutcome outcome() { return world.engine().outcome(); }

    std::string file = file_of(8 * 5 + 3); ///< six blocks
    Bytes expected = as_bytes(file);
    ClientWorld<TftpClient> world;
    std::string request;
};

TEST_F(TftpClientMulticast, TheMasterAcknowledgesEveryBlock) {
    EXPECT_TRUE(request.ends_with("multicast\0\0"s));
    EXPECT_EQ(unicast(master), Replies{ack(0)});
    ASSERT_EQ(world.groups.size(), 1U);
    EXPECT_EQ(world.groups[0].group, group);
    EXPECT_TRUE(world.groups[0].join);
    for (std::size_t n = 1; n <= 6; ++n) {
        EXPECT_EQ(block(n), Replies{ack(n)});
    }
    EXPECT_EQ(outcome(), ClientOutcome::done);
    EXPECT_EQ(world.engine().body(), file);
    EXPECT_EQ(world.engine().bytes(), file.size());
    ASSERT_EQ(world.groups.size(), 2U);
    EXPECT_FALSE(world.groups[1].join);
    EXPECT_EQ(world.count(Kind::transfer), 1U);
}

TEST_F(TftpClientMulticast, ListenersCollectInAnyOrderAndSayWhenTheyAreDone) {
    EXPECT_EQ(unicast(listener), Replies{});
    for (const std::size_t n : {6U, 2U, 4U, 2U, 1U, 5U}) {
        EXPECT_EQ(block(n), Replies{}) << n;
    }
    EXPECT_EQ(block(3), Replies{ack(6)});
    EXPECT_EQ(outcome(), ClientOutcome::done);
    EXPECT_EQ(world.engine().body(), file);
}

// "the master client ... acknowledges the block before the first it lacks".
TEST_F(TftpClientMulticast, WhoBecomesMasterAsksForWhatItLacks) {
    unicast(listener);
    block(3);
    block(4);
    EXPECT_EQ(unicast(oack(",,1")), Replies{ack(0)});
    EXPECT_EQ(unicast(oack(",,1")), Replies{}) << "doubled on the way";
    world.pass(100ms);
    EXPECT_EQ(unicast(oack(",,1")), Replies{ack(0)}) << "the ACK was lost";
    EXPECT_EQ(block(1), Replies{ack(1)});
    EXPECT_EQ(block(6), Replies{}) << "left over from the master before";
    EXPECT_EQ(block(2), Replies{ack(4)}) << "3 and 4 are there";
    EXPECT_EQ(block(2), Replies{});
    world.pass(100ms);
    EXPECT_EQ(block(2), Replies{ack(4)}) << "the server's timer sent it again";
    EXPECT_EQ(unicast(oack(",,0")), Replies{});
    EXPECT_EQ(block(5), Replies{ack(6)}) << "the end is always told";
    EXPECT_EQ(outcome(), ClientOutcome::done);
}

TEST_F(TftpClientMulticast, AListenerWithoutBlocksAsksAgainThenGivesUp) {
    unicast(listener);
    block(1);
    world.pass(1s);
    const auto again = world.take();
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].bytes, request);
    EXPECT_EQ(again[0].destination, server);
    EXPECT_EQ(unicast(listener), Replies{}) << "the server lives, but sends nothing";
    world.pass(60s);
    EXPECT_EQ(world.take().size(), 2U);
    EXPECT_EQ(outcome(), ClientOutcome::silent);
    EXPECT_FALSE(world.groups.back().join);
    EXPECT_EQ(world.count(Kind::retransmission), 3U);
}

TEST_F(TftpClientMulticast, TheMasterRepeatsItsAck) {
    unicast(master);
    block(1);
    world.pass(1s);
    EXPECT_EQ(world.take().at(0).bytes, ack(1));
}

TEST_F(TftpClientMulticast, WithoutAGroupItIsAnOrdinaryTransfer) {
    EXPECT_EQ(unicast(number(6) + "blksize\0"
                                  "8\0windowsize\0"
                                  "4\0"s),
              Replies{ack(0)});
    EXPECT_TRUE(world.groups.empty());
    for (std::size_t n = 1; n <= 6; ++n) {
        EXPECT_EQ(unicast(data(n, file)), n == 4 || n == 6 ? Replies{ack(n)} : Replies{});
    }
    EXPECT_EQ(outcome(), ClientOutcome::done);
}

TEST_F(TftpClientMulticast, LeavesOtherTransfersOfItsGroupAlone) {
    unicast(master);
    const Endpoint other{tftp_server_address, 40'002};
    EXPECT_EQ(answers(data(1, file), group, other), Replies{});
    EXPECT_EQ(answers(data(1, file), {client_address, 2000}, other).size(), 1U) << "ERROR 5";
    EXPECT_EQ(block(1), Replies{ack(1)});
}

TEST_F(TftpClientMulticast, RefusesWhatIsNoGroup) {
    EXPECT_EQ(unicast(oack("10.0.0.1,1758,1")).at(0).substr(0, 4), number(5) + number(8));
    EXPECT_EQ(outcome(), ClientOutcome::broken);
    EXPECT_TRUE(world.groups.empty());
}

TEST_F(TftpClientMulticast, RefusesAFirstOackWithoutItsGroup) {
    EXPECT_EQ(unicast(oack(",,1")).at(0).substr(0, 4), number(5) + number(8));
    EXPECT_EQ(outcome(), ClientOutcome::broken);
}

TEST_F(TftpClientMulticast, RefusesASecondEnd) {
    unicast(listener);
    block(6);
    EXPECT_EQ(answers(number(3) + number(7) + "x", group).size(), 1U);
    EXPECT_EQ(outcome(), ClientOutcome::broken);
}

/// A server by the letter of RFC 2090: the oldest member is master, DATA goes to the group.
class GroupServer {
public:
    explicit GroupServer(const std::string& file) : file_(file) {}

    using Send = std::function<void(std::optional<Endpoint> to, const std::string& bytes)>;

    void receive(const Endpoint& from, const std::string& bytes, Instant now, const Send& send) {
        const auto known = std::ranges::find(members_, from);
        if (bytes[1] == 1) {
            if (known == members_.end()) {
                members_.push_back(from);
            }
            send(from, members_.front() == from ? master : listener);
            heard_ = members_.front() == from ? now : heard_;
        } else if (bytes[1] == 4 && known != members_.end()) {
            const auto block = static_cast<std::size_t>(static_cast<unsigned char>(bytes[2]) << 8U |
                                                        static_cast<unsigned char>(bytes[3]));
            const bool from_master = members_.front() == from;
            if (block == file_.size() / 8 + 1) {
                leave(from, now, send);
            } else if (from_master) {
                heard_ = now;
                next_ = block + 1;
                send(std::nullopt, data(next_, file_));
            }
        } else if (known != members_.end()) {
            leave(from, now, send);
        }
    }
    void expire(Instant now, const Send& send) {
        if (!members_.empty() && now - heard_ >= 5s) {
            std::ranges::rotate(members_, members_.begin() + 1);
            send(members_.back(), oack(",,0"));
            appoint(now, send);
        }
    }

private:
    void leave(const Endpoint& who, Instant now, const Send& send) {
        const bool was_master = members_.front() == who;
        std::erase(members_, who);
        if (was_master && !members_.empty()) {
            appoint(now, send);
        }
    }
    void appoint(Instant now, const Send& send) {
        heard_ = now;
        send(members_.front(), oack(",,1"));
    }

    const std::string& file_;
    std::vector<Endpoint> members_;
    std::size_t next_ = 1;
    Instant heard_;
};

// Members come late and lose packets; with a master for each in turn, everybody has all of it.
TEST(TftpClientGroup, EveryMemberEndsWithTheWholeFile) {
    constexpr std::array<Duration, 40> patient{
        2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s,
        2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s, 2s};
    TftpClientModel patient_model = model;
    patient_model.request_waits = patient;
    patient_model.data_waits = patient;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        Prng random{seed};
        const double loss = random.uniform() * 0.2;
        const std::string file = file_of(8 * (1 + random.below(150)) + random.below(8));
        const Bytes expected = as_bytes(file);
        GroupServer group_server{file};
        std::vector<std::unique_ptr<ClientWorld<TftpClient>>> members(8);
        for (auto& member : members) {
            member = std::make_unique<ClientWorld<TftpClient>>();
        }
        const auto port_of = [](std::size_t i) {
            return static_cast<std::uint16_t>(2000 + i);
        };
        std::size_t to_group = 0;
        Instant now;
        const GroupServer::Send send = [&](std::optional<Endpoint> to, const std::string& bytes) {
            to_group += to ? 0U : 1U;
            for (std::size_t i = 0; i < members.size(); ++i) {
                const bool meant = to ? to->port == port_of(i) : !members[i]->groups.empty();
                if (meant && !random.chance(loss)) {
                    members[i]->receive(transfer, bytes,
                                        to ? Endpoint{client_address, port_of(i)} : group);
                }
            }
        };
        for (int ms = 0; ms < 600'000; ms += 5) {
            now = Instant{} + std::chrono::milliseconds{ms};
            bool busy = false;
            for (std::size_t i = 0; i < members.size(); ++i) {
                ClientWorld<TftpClient>& member = *members[i];
                if (ms == static_cast<int>(i) * 20) {
                    member.with([&](TftpClient& client, ClientContext& context) {
                        client.begin({.local = client_address,
                                      .port = port_of(i),
                                      .server = server,
                                      .name = "f",
                                      .expected = &expected,
                                      .keep_max = file.size()},
                                     patient_model, context);
                    });
                }
                member.at(now - Instant{});
                for (const ClientSent& sent : member.take()) {
                    if (!random.chance(loss)) {
                        group_server.receive(sent.source, sent.bytes, now, send);
                    }
                }
                busy = busy || member.engine().busy();
            }
            group_server.expire(now, send);
            if (!busy && ms > 1000) {
                break;
            }
        }
        for (const auto& member : members) {
            EXPECT_EQ(member->engine().outcome(), ClientOutcome::done)
                << "seed " << seed << ": " << member->engine().why();
            EXPECT_EQ(member->engine().body(), file) << "seed " << seed;
        }
        EXPECT_LT(to_group, 4 * (file.size() / 8 + 8)) << "not a transfer for each of eight";
    }
}

} // namespace
} // namespace muster::test
