// SPDX-License-Identifier: Apache-2.0
// Multicast groups (RFC 2090) from the first request to the last member.
#include "tests/unit/net/tftp/multicast_world.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

using namespace muster::test;

TftpLimits with_groups(std::uint16_t groups = 4) {
    TftpLimits limits;
    limits.multicast.groups = groups;
    limits.multicast.first_address = {{239, 255, 69, 0}};
    limits.multicast.address_count = 256;
    return limits;
}

std::string ask(std::string_view name, std::uint16_t blksize = 1024,
                std::optional<std::uint16_t> windowsize = {}) {
    return rrq(name, {.blksize = blksize, .windowsize = windowsize, .multicast = TftpMulticast{}});
}

/// A server with one file of `blocks` blocks of 1024 bytes, the last one short.
struct Rack {
    explicit Rack(std::size_t blocks = 300, TftpLimits limits = with_groups(), double loss = 0,
                  std::uint64_t seed = 1)
        : world(limits), network(world, loss, seed) {
        bytes = pattern(blocks * 1024 - 7);
        auto content = std::make_shared<FakeContent>(as_bytes(bytes));
        content->etag = "\"1\"";
        world.files["files/linux"] = content;
    }
    void expect_exact(const Member& member, std::string_view who) const {
        EXPECT_TRUE(member.done) << who;
        EXPECT_TRUE(member.file() == bytes) << who;
    }
    void expect_all_exact() const {
        for (std::size_t i = 0; i < network.members.size(); ++i) {
            if (!network.members[i]->dead) {
                expect_exact(*network.members[i], "member " + std::to_string(i));
            }
        }
    }

    std::string bytes;
    TftpWorld world;
    GroupNetwork network;
};

TEST(TftpMulticast, TheOackNamesTheGroupAndItsMaster) {
    Rack rack;
    const auto first = rack.world.request(client(2000, 10), ask("linux", 1024, 16));
    ASSERT_EQ(first.size(), 1U);
    const TftpOptions oack = first[0].oack();
    EXPECT_EQ(oack.multicast, (TftpMulticast{Ipv4Address{{239, 255, 69, 0}}, 1758, true}));
    EXPECT_EQ(oack.blksize, 1024);
    EXPECT_FALSE(oack.windowsize) << "not defined together";
    const auto second = rack.world.request(client(2000, 11), ask("linux"));
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(second[0].oack().multicast,
              (TftpMulticast{Ipv4Address{{239, 255, 69, 0}}, 1758, false}));
    EXPECT_EQ(second[0].socket, first[0].socket) << "iPXE and EDK2 want one server port";
    EXPECT_EQ(rack.world.server.metrics().groups.read(), 1U);
}

TEST(TftpMulticast, AnotherFileOrBlockSizeIsAnotherGroupWithItsOwnPort) {
    Rack rack;
    const auto a = rack.world.request(client(2000, 10), ask("linux", 1024));
    const auto b = rack.world.request(client(2000, 11), ask("linux", 512));
    ASSERT_EQ(b.size(), 1U);
    EXPECT_NE(a[0].oack().multicast->port, b[0].oack().multicast->port);
    EXPECT_NE(a[0].oack().multicast->address, b[0].oack().multicast->address);
    EXPECT_EQ(b[0].oack().multicast->master, true);
}

TEST(TftpMulticast, WhereThereIsNoGroupTheClientIsServedAlone) {
    Rack off{300, TftpLimits{}};
    const auto plain = off.world.request(client(2000), ask("linux", 1024, 8));
    EXPECT_FALSE(plain.at(0).oack().multicast);
    EXPECT_EQ(plain.at(0).oack().windowsize, 8) << "then windows are to be had";

    Rack full{300, with_groups(1)};
    EXPECT_TRUE(full.world.request(client(2000, 10), ask("linux")).at(0).oack().multicast);
    EXPECT_FALSE(full.world.request(client(2000, 11), ask("linux", 600)).at(0).oack().multicast);
    full.world.files["files/text"] = text_content("of one node alone");
    EXPECT_FALSE(full.world.request(client(2000, 12), ask("text")).at(0).oack().multicast);
}

TEST(TftpMulticast, BlockNumbersOfAGroupDoNotWrap) {
    Rack rack{10};
    const std::string long_file = pattern(65535 * 16); // its last block would be 65536
    auto content = std::make_shared<FakeContent>(as_bytes(long_file));
    content->etag = "\"2\"";
    rack.world.files["files/long"] = content;
    EXPECT_FALSE(rack.world.request(client(2000, 10), ask("long", 16)).at(0).oack().multicast);
    EXPECT_TRUE(rack.world.request(client(2000, 11), ask("long", 17)).at(0).oack().multicast);
}

TEST(TftpMulticast, ManyMembersAreSentTheFileOnce) {
    Rack rack;
    for (int i = 0; i < 64; ++i) {
        rack.network.add(ask("linux"), {}, std::chrono::milliseconds{i});
    }
    rack.network.run(60s);
    rack.expect_all_exact();
    EXPECT_EQ(rack.network.group_blocks, 300U);
    EXPECT_EQ(rack.world.ended(TftpEnd::completed), 64U);
    EXPECT_EQ(rack.world.server.metrics().blocks_resent.read(), 0U);
    EXPECT_EQ(rack.world.server.metrics().groups.read(), 0U);
    EXPECT_LT(rack.world.now() - Instant{}, 1s);
}

TEST(TftpMulticast, MembersMaySayThemselvesThatTheyAreDone) {
    Rack rack;
    for (int i = 0; i < 5; ++i) {
        rack.network.add(ask("linux"), {.acks_when_done = true});
    }
    rack.network.run(60s);
    rack.expect_all_exact();
    EXPECT_EQ(rack.world.ended(TftpEnd::completed), 5U);
}

TEST(TftpMulticast, ALateJoinerIsSentWhatItMissed) {
    Rack rack{2000};
    rack.network.add(ask("linux"));
    rack.network.add(ask("linux"), {}, TftpTimers{}.gather_quiet + 15ms);
    rack.network.run(60s);
    rack.expect_all_exact();
    EXPECT_GT(rack.network.group_blocks, 2000U);
    EXPECT_LT(rack.network.group_blocks, 4000U);
}

// Machines that are switched on together do not ask at the same moment; the file is sent once.
TEST(TftpMulticast, WhoComesWhileOthersComeIsNotLate) {
    Rack rack{2000};
    for (int i = 0; i < 20; ++i) {
        rack.network.add(ask("linux"), {}, i * 90ms);
    }
    rack.network.run(60s);
    rack.expect_all_exact();
    EXPECT_EQ(rack.network.group_blocks, 2000U);
}

TEST(TftpMulticast, ADeadMasterIsFollowedByTheNextAndForgotten) {
    Rack rack{2000};
    Member& first = rack.network.add(ask("linux"));
    for (int i = 0; i < 3; ++i) {
        rack.network.add(ask("linux"));
    }
    rack.network.at(Instant{} + 60ms, [&first] { first.dead = true; });
    rack.network.run(120s);
    rack.expect_all_exact();
    EXPECT_EQ(rack.world.ended(TftpEnd::timed_out), 1U);
    EXPECT_LT(rack.network.group_blocks, 2100U);
}

TEST(TftpMulticast, ManyDeadMembersDoNotHoldUpTheLiving) {
    Rack rack{500};
    std::vector<Member*> dying;
    for (int i = 0; i < 20; ++i) {
        Member& member = rack.network.add(ask("linux"));
        if (i % 2 == 0) {
            dying.push_back(&member);
        }
    }
    rack.network.at(Instant{} + 45ms, [&] {
        for (Member* member : dying) {
            member->dead = true;
        }
    });
    rack.network.run(200s);
    rack.expect_all_exact();
    EXPECT_EQ(rack.world.ended(TftpEnd::timed_out), 10U);
    EXPECT_EQ(rack.world.ended(TftpEnd::completed), 10U);
}

TEST(TftpMulticast, PassiveMembersAreKeptAliveWhileTheMasterIsSilent) {
    Rack rack{500};
    Member& dead = rack.network.add(ask("linux"));
    Member& passive = rack.network.add(ask("linux"), {.repeat = 1000s});
    rack.network.at(Instant{} + 1ms, [&dead] { dead.dead = true; });
    rack.network.run(3s);
    EXPECT_TRUE(passive.done || passive.received > 1);
}

TEST(TftpMulticast, WhoDoesNotHearTheGroupIsServedAlone) {
    Rack rack;
    rack.network.add(ask("linux"), {.deaf = true});
    rack.network.add(ask("linux"));
    rack.network.run(60s);
    rack.expect_all_exact();
    EXPECT_EQ(rack.world.server.metrics().members_detached.read(), 1U);
}

// No switch on the way passes the group on: the last one is not to wait for longer than it has
// patience (iPXE: 16 s).
TEST(TftpMulticast, ARackThatHearsNothingIsSoonServedOneByOne) {
    Rack rack;
    for (int i = 0; i < 64; ++i) {
        rack.network.add(ask("linux"), {.deaf = true, .repeat = 1s});
    }
    rack.network.run(15s);
    rack.expect_all_exact();
    EXPECT_EQ(rack.world.server.metrics().members_detached.read(), 64U);
}

TEST(TftpMulticast, AMasterThatBeganAnewIsAskedWhereItIs) {
    Rack rack{2000};
    Member& member = rack.network.add(ask("linux"));
    rack.network.at(Instant{} + 60ms, [&member] { member.begin_anew(); });
    rack.network.run(60s);
    rack.expect_all_exact();
}

TEST(TftpMulticast, AnErrorOfTheMasterHandsOver) {
    Rack rack{2000};
    Member& first = rack.network.add(ask("linux"));
    rack.network.add(ask("linux"));
    rack.network.at(Instant{} + 45ms, [&] {
        first.dead = true;
        rack.world.reply(first.endpoint, first.socket.value(), error(0, "closed"));
    });
    rack.network.run(2s);
    rack.expect_all_exact();
    EXPECT_EQ(rack.world.ended(TftpEnd::aborted), 1U);
}

TEST(TftpMulticast, AFormerMastersAckIsAnsweredOnceAndNoPassiveOnes) {
    Rack rack;
    const Endpoint a = client(2000, 10);
    const Endpoint b = client(2000, 11);
    const auto socket = rack.world.request(a, ask("linux")).at(0).socket;
    rack.world.request(b, ask("linux"));
    // EDK2 acknowledges an OACK that leaves it passive, too.
    EXPECT_TRUE(rack.world.reply(b, socket, ack(0)).empty());
    EXPECT_EQ(rack.world.refused(TftpRefusal::ack_out_of_turn), 1U);
    std::vector<Sent> sent;
    while (rack.world.server.metrics().handovers.read() < 2) {
        sent = rack.world.run_to_timer();
    }
    EXPECT_EQ(rack.world.reply(a, socket, ack(0)).size(), 1U) << "it is told that it is passive";
    EXPECT_TRUE(rack.world.reply(a, socket, ack(0)).empty());
}

TEST(TftpMulticast, ARequestOfAnotherWorkersGroupIsHandedOn) {
    TftpLimits limits = with_groups();
    limits.multicast.workers = 2;
    int handed = 0;
    for (std::uint8_t worker = 0; worker < 2; ++worker) {
        limits.multicast.worker = worker;
        Rack rack{10, limits};
        const auto sent = rack.world.request(client(2000), ask("linux"));
        handed += static_cast<int>(rack.world.handed.size());
        EXPECT_EQ(sent.empty(), rack.world.handed.size() == 1);
        EXPECT_FALSE(rack.world.request(client(2001), rrq("linux")).empty()) << "others stay";
    }
    EXPECT_EQ(handed, 1);
}

struct Lossy : testing::TestWithParam<std::tuple<double, MemberHabits::Acks>> {};

TEST_P(Lossy, EveryMemberGetsAnExactCopy) {
    const auto [loss, acks] = GetParam();
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Rack rack{500, with_groups(), loss, seed};
        for (int i = 0; i < 8; ++i) {
            rack.network.add(ask("linux"),
                             {.acks = acks, .acks_when_done = i % 2 == 0, .repeat = 1s});
        }
        rack.network.run(120s);
        rack.expect_all_exact();
        if (acks == MemberHabits::Acks::every_block && loss <= 0.01) {
            // (With more, a first OACK is lost at times, and that member hears nothing for a
            // while.) What no sender can do without: each block that some member missed, once more.
            EXPECT_LT(static_cast<double>(rack.network.group_blocks), 500 * (1.1 + 10 * loss))
                << "loss " << loss << " seed " << seed;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Networks, Lossy,
                         testing::Combine(testing::Values(0.001, 0.01, 0.05, 0.1),
                                          testing::Values(MemberHabits::Acks::every_block,
                                                          MemberHabits::Acks::in_order)));

TEST(TftpMulticast, OnePercentLossCostsSixtyFourMembersHalfAFile) {
    Rack rack{1000, with_groups(), 0.01, 69};
    for (int i = 0; i < 64; ++i) {
        rack.network.add(ask("linux"), {.repeat = 1s});
    }
    rack.network.run(300s);
    rack.expect_all_exact();
    // 1 - 0.99^64: 47 % of the blocks are missed by somebody, and so are some of these again.
    EXPECT_LT(static_cast<double>(rack.network.group_blocks), 1.52 * 1000);
}

} // namespace
} // namespace muster
