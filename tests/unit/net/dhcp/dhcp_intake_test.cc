// SPDX-License-Identifier: Apache-2.0
// Who is answered next: order, turns, budgets and what happens when the queue is full.
#include "net/dhcp/dhcp_intake.hh"

#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

#include <map>

namespace muster::test {
namespace {

using enum DhcpMessageType;
using Verdict = DhcpIntake::Verdict;

ClientMessage relayed(DhcpMessageType type, std::uint32_t machine, std::string_view giaddr,
                      std::string_view circuit = {}) {
    ClientMessage made{type, machine_mac(machine), machine};
    if (!giaddr.empty()) {
        made.header.giaddr = ip(giaddr);
    }
    if (!circuit.empty()) {
        std::vector<std::byte> agent =
            octets({1, static_cast<unsigned>(circuit.size())}); // RFC 3046: circuit-id
        const auto text = text_octets(circuit);
        agent.insert(agent.end(), text.begin(), text.end());
        made.with(DhcpOptionCode::relay_agent_information, agent);
    }
    return made;
}

class DhcpIntakeTest : public testing::Test {
protected:
    DhcpIntake::Taken take(const std::vector<std::byte>& bytes) {
        RxDatagram datagram{.service = UdpService::dhcp, .interface = 7};
        datagram.payload = bytes;
        return intake->take(datagram, now);
    }
    DhcpIntake::Taken take(const ClientMessage& made) { return take(made.bytes()); }
    DhcpIntake::Taken take(DhcpMessageType type, std::uint32_t machine,
                           std::string_view giaddr = {}) {
        return take(relayed(type, machine, giaddr));
    }
    /// One turn, as letters and the machines' numbers (their xid).
    std::string turn() {
        std::string order;
        intake->serve([&](const RxDatagram& datagram) {
            DhcpMessage message;
            ASSERT_TRUE(read_dhcp_message(datagram.payload, message));
            order += order.empty() ? "" : " ";
            order += message.type == discover ? 'D' : message.type == request ? 'R' : '?';
            order += std::to_string(message.header.xid);
        });
        return order;
    }
    void make(const DhcpIntakeLimits& limits) { intake = std::make_unique<DhcpIntake>(limits); }

    Instant now = Instant{} + 1h;
    std::unique_ptr<DhcpIntake> intake = std::make_unique<DhcpIntake>(DhcpIntakeLimits{});
};

TEST_F(DhcpIntakeTest, WhatIsUnderWayGoesBeforeWhatBegins) {
    for (const std::uint32_t machine : {1U, 2U, 3U}) {
        EXPECT_EQ(take(discover, machine).verdict, Verdict::waits);
    }
    (void)take(request, 4);
    (void)take(ClientMessage{release, machine_mac(5), 5});
    (void)take(ClientMessage{decline, machine_mac(6), 6});
    (void)take(ClientMessage{inform, machine_mac(7), 7});
    EXPECT_EQ(intake->waiting(), 7U);
    EXPECT_EQ(turn(), "R4 ?5 ?6 D1 D2 D3 ?7");
    EXPECT_EQ(intake->waiting(), 0U);
    EXPECT_EQ(turn(), "");
}

// Neither class starves the other, however much of one there is.
TEST_F(DhcpIntakeTest, EachClassHasItsShareOfATurn) {
    make({.first_per_turn = 3, .later_per_turn = 2});
    for (std::uint32_t machine = 1; machine <= 5; ++machine) {
        (void)take(discover, 10 + machine);
        (void)take(request, machine);
    }
    EXPECT_EQ(turn(), "R1 R2 R3 D11 D12");
    EXPECT_EQ(turn(), "R4 R5 D13 D14");
    EXPECT_EQ(turn(), "D15");
}

// A flood of few machines and a rack that boots share a link: the rack does not wait behind it.
TEST_F(DhcpIntakeTest, WhoAsksAgainAndAgainGoesBehindWhoAsksFirst) {
    make({.last_per_turn = 2, .patience = {.per_second = 1, .burst = 3}});
    for (int i = 0; i < 6; ++i) {
        EXPECT_EQ(take(discover, 1).verdict, Verdict::waits) << i;
    }
    (void)take(discover, 2);
    (void)take(request, 1);
    (void)take(discover, 3);
    EXPECT_EQ(turn(), "R1 D1 D1 D1 D2 D3 D1 D1") << "its REQUESTs are as good as anybody's";
    EXPECT_EQ(turn(), "D1");
    now = now + 2s;
    EXPECT_EQ(take(discover, 1).verdict, Verdict::waits);
    (void)take(discover, 4);
    EXPECT_EQ(turn(), "D1 D4") << "who has been quiet for a while is as good as others";
}

TEST_F(DhcpIntakeTest, AFullQueueLetsThoseGoThatAskAgainAndAgain) {
    make({.waiting_max = 4, .patience = {.per_second = 1, .burst = 1}});
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(take(discover, 1).verdict, Verdict::waits);
    }
    EXPECT_EQ(take(discover, 1).reason, DhcpDrop::queue_full) << "none is worse than it is";
    for (const std::uint32_t machine : {2U, 3U, 4U}) {
        const auto other = take(discover, machine);
        EXPECT_EQ(other.verdict, Verdict::waits);
        EXPECT_TRUE(other.made_room);
    }
    EXPECT_EQ(take(discover, 5).reason, DhcpDrop::queue_full);
    EXPECT_EQ(turn(), "D1 D2 D3 D4");
}

TEST_F(DhcpIntakeTest, RelaysTakeTurns) {
    make({.first_per_turn = 8, .later_per_turn = 6});
    for (std::uint32_t machine = 1; machine <= 9; ++machine) {
        (void)take(discover, machine, "10.1.0.1");
    }
    (void)take(discover, 21, "10.2.0.1");
    (void)take(discover, 22, "10.2.0.1");
    (void)take(discover, 31);
    EXPECT_EQ(turn(), "D1 D21 D31 D2 D22 D3") << "the loud one waits behind itself";
    EXPECT_EQ(turn(), "D4 D5 D6 D7 D8 D9");
}

TEST_F(DhcpIntakeTest, TheCopyOutlivesTheDatagram) {
    auto bytes = relayed(discover, 1, "10.1.0.1").bytes();
    (void)take(bytes);
    std::fill(bytes.begin(), bytes.end(), std::byte{0xAA});
    EXPECT_EQ(turn(), "D1");
}

TEST_F(DhcpIntakeTest, AMachineThatAsksTooOftenIsDropped) {
    make({.machine = {.per_second = 4, .burst = 8}});
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(take(discover, 1).verdict, Verdict::waits) << i;
    }
    const auto ninth = take(request, 1);
    EXPECT_EQ(ninth.verdict, Verdict::dropped);
    EXPECT_EQ(ninth.reason, DhcpDrop::over_machine_budget);
    EXPECT_EQ(ninth.type, request);
    EXPECT_EQ(take(discover, 2).verdict, Verdict::waits) << "others have their own";
    EXPECT_EQ(take(discover, 1, "10.1.0.1").verdict, Verdict::waits)
        << "whoever borrows its link address elsewhere spends nothing of it";
    now = now + 250ms;
    EXPECT_EQ(take(discover, 1).verdict, Verdict::waits) << "one has come back";
    EXPECT_EQ(take(discover, 1).verdict, Verdict::dropped);
    now = now + 1h;
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(take(discover, 1).verdict, Verdict::waits) << "never more than the burst";
    }
    EXPECT_EQ(take(discover, 1).verdict, Verdict::dropped);
}

TEST_F(DhcpIntakeTest, ASwitchPortHasABudgetWhateverMachinesItShows) {
    make({.port = {.per_second = 1, .burst = 3}});
    for (std::uint32_t machine = 1; machine <= 3; ++machine) {
        EXPECT_EQ(take(relayed(discover, machine, "10.1.0.1", "port17")).verdict, Verdict::waits);
    }
    const auto more = take(relayed(discover, 4, "10.1.0.1", "port17"));
    EXPECT_EQ(more.verdict, Verdict::dropped);
    EXPECT_EQ(more.reason, DhcpDrop::over_port_budget);
    EXPECT_EQ(take(relayed(discover, 5, "10.1.0.1", "port18")).verdict, Verdict::waits);
    EXPECT_EQ(take(relayed(discover, 6, "10.2.0.1", "port17")).verdict, Verdict::waits)
        << "another relay's port of that name";
    EXPECT_EQ(take(relayed(discover, 7, "", "port17")).verdict, Verdict::waits)
        << "a client's own option 82 names no port (RFC 3046 section 2.1)";
}

// A flood cannot get rid of its own bucket by showing many other sources in between.
TEST_F(DhcpIntakeTest, ABudgetOutlivesManyOtherSources) {
    make({.machines = 16, .machine = {.per_second = 1, .burst = 4}});
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(take(discover, 1).verdict, Verdict::waits);
    }
    for (std::uint32_t other = 1'000; other < 1'500; ++other) {
        (void)take(discover, other);
        EXPECT_EQ(take(discover, 1).verdict, Verdict::dropped);
        (void)turn();
    }
}

TEST_F(DhcpIntakeTest, AFullQueueDropsTheNewestOfTheLongestLane) {
    make({.waiting_max = 8});
    for (std::uint32_t machine = 1; machine <= 8; ++machine) {
        EXPECT_EQ(take(discover, machine, "10.1.0.1").verdict, Verdict::waits);
    }
    const auto ninth = take(discover, 9, "10.1.0.1");
    EXPECT_EQ(ninth.verdict, Verdict::dropped);
    EXPECT_EQ(ninth.reason, DhcpDrop::queue_full);
    EXPECT_FALSE(ninth.made_room);

    const auto other = take(discover, 21, "10.2.0.1");
    EXPECT_EQ(other.verdict, Verdict::waits);
    EXPECT_TRUE(other.made_room);
    EXPECT_EQ(other.made_room_type, discover);
    const auto asks = take(request, 1, "10.1.0.1");
    EXPECT_EQ(asks.verdict, Verdict::waits) << "a REQUEST makes room among its own";
    EXPECT_TRUE(asks.made_room);
    EXPECT_EQ(turn(), "R1 D1 D21 D2 D3 D4 D5 D6");
}

TEST_F(DhcpIntakeTest, AFloodOfRequestsTakesNoRoomFromOtherRelays) {
    make({.waiting_max = 8, .first_per_turn = 4, .later_per_turn = 4});
    for (std::uint32_t machine = 1; machine <= 100; ++machine) {
        (void)take(request, machine, "10.1.0.1");
    }
    const auto other = take(request, 201, "10.2.0.1");
    EXPECT_EQ(other.verdict, Verdict::waits);
    EXPECT_EQ(other.made_room_type, request);
    EXPECT_EQ(take(discover, 202, "10.2.0.1").verdict, Verdict::waits);
    EXPECT_EQ(turn(), "R1 R201 R2 R3 D202");
}

TEST_F(DhcpIntakeTest, LanesAreMoreSourcesThanThereAreLanes) {
    // 600 relays, 256 lanes: some share, none is lost.
    std::map<std::string, int> served;
    for (std::uint32_t i = 0; i < 600; ++i) {
        const std::string relay = "10.9." + std::to_string(i / 200) + "." + std::to_string(i % 200);
        EXPECT_EQ(take(discover, i + 1, relay).verdict, Verdict::waits);
    }
    std::size_t count = 0;
    while (intake->waiting() > 0) {
        intake->serve([&](const RxDatagram&) { ++count; });
    }
    EXPECT_EQ(count, 600U);
}

TEST_F(DhcpIntakeTest, WhatIsNoRequestIsNotForTheQueue) {
    const auto whole = relayed(discover, 1, "").bytes();
    for (std::size_t size = 0; size < 240; ++size) {
        EXPECT_EQ(take({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}).verdict,
                  Verdict::foreign)
            << size;
    }
    auto reply = whole;
    reply[0] = std::byte{2};
    EXPECT_EQ(take(reply).verdict, Verdict::foreign);
    auto cookie = whole;
    cookie[236] = std::byte{0};
    EXPECT_EQ(take(cookie).verdict, Verdict::foreign);
    for (const DhcpMessageType type : {offer, ack, nak, DhcpMessageType{9}, DhcpMessageType{255}}) {
        EXPECT_EQ(take(ClientMessage{type, machine_mac(1)}).verdict, Verdict::foreign);
    }
    auto giant = whole;
    giant.resize(1'537);
    EXPECT_EQ(take(giant).verdict, Verdict::foreign);
    EXPECT_EQ(intake->waiting(), 0U);
}

// The server counts what its intake drops as the request it was.
TEST(DhcpServerIntake, CountsWhatItDropsAndAnswersInTurn) {
    DhcpLimits limits{.leases_max = 64, .commits_max = 64};
    limits.intake.waiting_max = 4;
    limits.intake.machine = {.per_second = 16, .burst = 64};
    DhcpRig rig{limits};
    const auto take = [&](const ClientMessage& made) {
        const auto bytes = made.bytes();
        RxDatagram datagram{.service = UdpService::dhcp,
                            .interface = 7,
                            .source = {Ipv4Address{}, 68},
                            .local = Ipv4Address::broadcast()};
        datagram.payload = bytes;
        rig.server.take(datagram, rig.now, rig.out);
    };
    for (std::uint32_t machine = 1; machine <= 6; ++machine) {
        take({discover, machine_mac(machine)});
    }
    EXPECT_TRUE(rig.collect().empty()) << "nothing is answered before its turn";
    EXPECT_LE(rig.server.next_deadline(), rig.now.steady);
    EXPECT_EQ(rig.server.metrics().waiting.read(), 4U);
    EXPECT_EQ(rig.drops(DhcpDrop::queue_full), 2U);
    rig.server.expire(rig.now, rig.out);
    EXPECT_EQ(rig.collect().size(), 4U);
    EXPECT_EQ(rig.server.metrics().received.read(discover), 6U);
    EXPECT_EQ(rig.server.metrics().waiting.read(), 0U);
    EXPECT_GT(rig.server.next_deadline(), rig.now.steady);
    for (int i = 0; i < 100; ++i) {
        take({discover, machine_mac(1)});
        rig.server.expire(rig.now, rig.out);
    }
    EXPECT_EQ(rig.collect().size(), 63U) << "of 64 at once it has had one";
    EXPECT_EQ(rig.drops(DhcpDrop::over_machine_budget), 37U);
}

} // namespace
} // namespace muster::test
