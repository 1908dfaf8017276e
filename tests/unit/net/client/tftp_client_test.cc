// SPDX-License-Identifier: Apache-2.0
// One TFTP fetch as a script of packets with explicit times.
#include "net/client/tftp_client.hh"

#include "tests/unit/net/client/client_world.hh"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::string_literals;
using World = ClientWorld<TftpClient>;
using Kind = ClientNote::Kind;

constexpr Endpoint server{tftp_server_address, 69};
constexpr Endpoint transfer{tftp_server_address, 40'001};
constexpr std::array<Duration, 3> waits{250ms, 500ms, 1s};
constexpr TftpClientModel ipxe{.blksize = 1432, .request_waits = waits, .data_waits = waits};
constexpr TftpClientModel edk2{
    .blksize = 1468, .windowsize = 4, .probe = true, .option_order = "tbw", .data_waits = waits};
constexpr TftpClientModel windowed{.blksize = 8,
                                   .windowsize = 4,
                                   .tsize = false,
                                   .option_order = "bw",
                                   .request_waits = waits,
                                   .data_waits = waits};
constexpr TftpClientModel plain{
    .blksize = 0, .tsize = false, .request_waits = waits, .data_waits = waits};

std::string number(unsigned value) {
    return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xFFU)};
}
std::string ack(unsigned block) {
    return number(4) + number(block);
}
std::string data(unsigned block, std::string_view payload) {
    return number(3) + number(block) + std::string{payload};
}
std::string oack(std::initializer_list<std::string> words) {
    std::string packet = number(6);
    for (const std::string& word : words) {
        packet += word + '\0';
    }
    return packet;
}
std::string error(unsigned code, std::string_view text) {
    return number(5) + number(code) + std::string{text} + '\0';
}

class TftpClientTest : public testing::Test {
protected:
    void begin(const TftpClientModel& model, const Bytes* expected = nullptr,
               std::size_t keep_max = 0) {
        world.with([&](TftpClient& client, ClientContext& context) {
            client.begin({.local = client_address,
                          .port = 2000,
                          .server = server,
                          .name = "boot/f",
                          .expected = expected,
                          .keep_max = keep_max},
                         model, context);
        });
    }
    void receive(const Endpoint& from, const std::string& bytes) {
        world.receive(from, bytes, {client_address, client().port()});
    }
    /// What the client sends in answer to `bytes`.
    std::vector<std::string> answers(const std::string& bytes, const Endpoint& from = transfer) {
        world.take();
        receive(from, bytes);
        std::vector<std::string> all;
        for (const ClientSent& sent : world.take()) {
            all.push_back(sent.bytes);
        }
        return all;
    }
    std::string request() {
        const auto sent = world.take();
        EXPECT_EQ(sent.size(), 1U);
        return sent.empty() ? "" : sent.back().bytes;
    }
    [[nodiscard]] const TftpClient& client() { return world.engine(); }

    World world;
};
using Sent = std::vector<std::string>;

TEST_F(TftpClientTest, AsksWithTheOptionsOfItsModelInTheirOrder) {
    begin(ipxe);
    EXPECT_EQ(request(), "\0\1boot/f\0octet\0blksize\0"
                         "1432\0tsize\0"
                         "0\0"s);
    World other;
    other.with([&](TftpClient& it, ClientContext& context) {
        const TftpClientModel u_boot{.blksize = 1468, .timeout_s = 5, .option_order = "Ttb"};
        it.begin({.local = client_address, .port = 1, .server = server, .name = "f"}, u_boot,
                 context);
    });
    EXPECT_EQ(other.take().at(0).bytes, "\0\1f\0octet\0timeout\0"
                                        "5\0tsize\0"
                                        "0\0blksize\0"
                                        "1468\0"s);
}

TEST_F(TftpClientTest, FetchesAFileWithOptions) {
    const std::string file = file_of(3000);
    const Bytes expected = as_bytes(file);
    begin(ipxe, &expected, 5);
    world.at(5ms);
    EXPECT_EQ(answers(oack({"blksize", "1432", "tsize", "3000"})), Sent{ack(0)});
    world.at(6ms);
    EXPECT_EQ(answers(data(1, file.substr(0, 1432))), Sent{ack(1)});
    EXPECT_EQ(answers(data(2, file.substr(1432, 1432))), Sent{ack(2)});
    EXPECT_TRUE(client().busy());
    world.at(9ms);
    EXPECT_EQ(answers(data(3, file.substr(2864))), Sent{ack(3)});
    EXPECT_EQ(client().outcome(), ClientOutcome::done);
    EXPECT_EQ(client().bytes(), 3000U);
    EXPECT_EQ(client().body(), file.substr(0, 5));
    EXPECT_EQ(client().deadline(), Instant::never());
    EXPECT_EQ(world.closed_ports, std::vector<std::uint16_t>{2000});
    ASSERT_EQ(world.notes.size(), 1U);
    EXPECT_EQ(world.notes[0].kind, Kind::transfer);
    EXPECT_EQ(world.notes[0].bytes, 3000U);
    EXPECT_EQ(world.notes[0].duration, 9ms);
    EXPECT_EQ(world.notes[0].text, "boot/f");
}

TEST_F(TftpClientTest, WithoutAnOackItIsPlainRfc1350) {
    const std::string file = file_of(1024);
    const Bytes expected = as_bytes(file);
    begin(ipxe, &expected);
    EXPECT_EQ(answers(data(1, file.substr(0, 512))), Sent{ack(1)});
    EXPECT_EQ(answers(data(2, file.substr(512))), Sent{ack(2)});
    EXPECT_TRUE(client().busy()) << "a multiple of the block size ends with an empty block";
    EXPECT_EQ(answers(data(3, "")), Sent{ack(3)});
    EXPECT_EQ(client().outcome(), ClientOutcome::done);
}

TEST_F(TftpClientTest, AcknowledgesWindows) {
    begin(windowed, nullptr, 1000);
    EXPECT_EQ(answers(oack({"blksize", "8", "windowsize", "4"})), Sent{ack(0)});
    for (unsigned block = 1; block <= 8; ++block) {
        EXPECT_EQ(answers(data(block, "12345678")), block % 4 == 0 ? Sent{ack(block)} : Sent{});
    }
    EXPECT_EQ(answers(data(9, "12345678")), Sent{});
    EXPECT_EQ(answers(data(10, "123")), Sent{ack(10)});
    EXPECT_EQ(client().outcome(), ClientOutcome::done);
    EXPECT_EQ(client().body().size(), 75U);
}

// RFC 7440 section 4: the last block in order is acknowledged, and the window begins behind it.
TEST_F(TftpClientTest, TellsOfAGapOnce) {
    begin(windowed);
    answers(oack({"blksize", "8", "windowsize", "4"}));
    EXPECT_EQ(answers(data(1, "12345678")), Sent{});
    EXPECT_EQ(answers(data(3, "12345678")), Sent{ack(1)});
    EXPECT_EQ(answers(data(4, "12345678")), Sent{});
    for (unsigned block = 2; block <= 5; ++block) {
        EXPECT_EQ(answers(data(block, "12345678")), block == 5 ? Sent{ack(5)} : Sent{});
    }
    EXPECT_EQ(client().bytes(), 40U);
}

TEST_F(TftpClientTest, TellsOfAGapAgainWhenTheServersTimerSentItsRestAgain) {
    begin(windowed);
    answers(oack({"blksize", "8", "windowsize", "4"}));
    EXPECT_EQ(answers(data(2, "12345678")), Sent{ack(0)});
    world.pass(100ms);
    EXPECT_EQ(answers(data(3, "12345678")), Sent{}) << "still the same burst";
    EXPECT_EQ(answers(data(2, "12345678")), Sent{ack(0)}) << "a new one, without its first block";
    EXPECT_EQ(answers(data(3, "12345678")), Sent{});
}

// RFC 1123 section 4.2.3.1.
TEST_F(TftpClientTest, DoesNotAnswerDoubledBlocks) {
    begin(ipxe);
    answers(oack({"blksize", "1432", "tsize", "99999"}));
    const std::string block = data(1, std::string(1432, 'x'));
    EXPECT_EQ(answers(block), Sent{ack(1)});
    EXPECT_EQ(answers(block), Sent{});
    world.pass(5ms);
    EXPECT_EQ(answers(block), Sent{});
}

TEST_F(TftpClientTest, AnswersABlockAgainThatTheServersTimerSentAgain) {
    begin(ipxe);
    answers(oack({"blksize", "1432", "tsize", "99999"}));
    const std::string block = data(1, std::string(1432, 'x'));
    EXPECT_EQ(answers(block), Sent{ack(1)});
    world.pass(100ms);
    EXPECT_EQ(answers(block), Sent{ack(1)}) << "our ACK was lost";
    EXPECT_EQ(answers(block), Sent{});
    EXPECT_EQ(client().bytes(), 1432U);
}

TEST_F(TftpClientTest, AnswersAnOackAgain) {
    begin(ipxe);
    const std::string packet = oack({"blksize", "1432", "tsize", "3000"});
    EXPECT_EQ(answers(packet), Sent{ack(0)});
    EXPECT_EQ(answers(packet), Sent{});
    world.pass(50ms);
    EXPECT_EQ(answers(packet), Sent{ack(0)});
    answers(data(1, std::string(1432, 'x')));
    world.pass(50ms);
    EXPECT_EQ(answers(packet), Sent{}) << "data flows";
}

TEST_F(TftpClientTest, BlockNumbersWrap) {
    const std::string file = file_of(std::size_t{8} * 70'000 + 3);
    const Bytes expected = as_bytes(file);
    begin(windowed, &expected);
    answers(oack({"blksize", "8", "windowsize", "4"}));
    for (std::size_t block = 1; block <= 70'001; ++block) {
        const auto reply = answers(data(block & 0xFFFFU, file.substr((block - 1) * 8, 8)));
        if (block % 4 == 0) {
            ASSERT_EQ(reply, Sent{ack(block & 0xFFFFU)}) << block;
        }
    }
    EXPECT_EQ(client().outcome(), ClientOutcome::done);
}

TEST_F(TftpClientTest, ProbesAsEdk2Does) {
    begin(edk2);
    EXPECT_EQ(request(), "\0\1boot/f\0octet\0tsize\0"
                         "0\0blksize\0"
                         "1468\0windowsize\0"
                         "4\0"s);
    receive(transfer, oack({"tsize", "5", "blksize", "1468", "windowsize", "4"}));
    const auto sent = world.take();
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent[0].bytes, error(8, "User aborted the transfer"));
    EXPECT_EQ(sent[0].destination, transfer);
    EXPECT_EQ(sent[1].bytes, "\0\1boot/f\0octet\0blksize\0"
                             "1468\0windowsize\0"
                             "4\0"s);
    EXPECT_EQ(sent[1].destination, server);
    EXPECT_EQ(sent[1].source.port, 2001);
    EXPECT_EQ(client().port(), 2001);
    EXPECT_EQ(world.closed_ports, std::vector<std::uint16_t>{2000});
    const Endpoint second{tftp_server_address, 40'002};
    world.receive(transfer, oack({"tsize", "5"}), {client_address, 2000});
    EXPECT_TRUE(client().busy()) << "doubled on the way, to the port of the probe";
    EXPECT_EQ(answers(oack({"blksize", "1468", "windowsize", "4"}), second), Sent{ack(0)});
    EXPECT_EQ(answers(data(1, "12345"), second), Sent{ack(1)});
    EXPECT_EQ(client().outcome(), ClientOutcome::done);
}

TEST_F(TftpClientTest, AProbeOfAServerWithoutOptionsGoesOn) {
    begin(edk2);
    EXPECT_EQ(answers(data(1, "12345")).size(), 2U);
    EXPECT_EQ(answers(data(1, "12345")), Sent{ack(1)});
    EXPECT_EQ(client().outcome(), ClientOutcome::done);
}

TEST_F(TftpClientTest, TheFirstAnswerFixesTheServersPort) {
    begin(ipxe);
    const Endpoint elsewhere{Ipv4Address{{10, 79, 0, 9}}, 40'001};
    EXPECT_EQ(answers(oack({"blksize", "1432"}), elsewhere), Sent{}) << "not who was asked";
    EXPECT_EQ(answers(oack({"blksize", "1432"})), Sent{ack(0)});
    receive({tftp_server_address, 40'002}, oack({"blksize", "1432"}));
    const auto sent = world.take();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].bytes, error(5, "Unknown transfer ID"));
    EXPECT_EQ(sent[0].destination.port, 40'002);
    EXPECT_EQ(answers(error(1, "no"), {tftp_server_address, 40'002}), Sent{})
        << "an ERROR is never answered";
    EXPECT_TRUE(client().busy());
}

TEST_F(TftpClientTest, AnErrorRefuses) {
    begin(ipxe);
    EXPECT_EQ(answers(error(1, "no such file")), Sent{});
    EXPECT_EQ(client().outcome(), ClientOutcome::refused);
    EXPECT_EQ(client().error_code(), TftpErrorCode::file_not_found);
    EXPECT_EQ(client().why(), "ERROR 1: no such file");
    EXPECT_TRUE(world.notes.empty()) << "whether that matters is for the machine to say";
}

TEST_F(TftpClientTest, RefusesAnOackThatGivesMoreThanAsked) {
    const std::vector<std::string> bad{
        oack({"blksize", "1433"}),
        oack({"windowsize", "4"}),
        oack({"timeout", "5"}),
        oack({"blksize", "7"}),
        oack({"multicast", "224.0.0.9,1758,1"}),
        oack({"blksize", "1432", "blksize", "1432"}),
    };
    for (const std::string& packet : bad) {
        begin(ipxe);
        const auto reply = answers(packet);
        ASSERT_EQ(reply.size(), 1U);
        EXPECT_EQ(reply[0].substr(0, 4), number(5) + number(8));
        EXPECT_EQ(client().outcome(), ClientOutcome::broken);
    }
    begin(ipxe);
    EXPECT_EQ(answers(oack({"blksize", "512", "surprise", "1"})), Sent{ack(0)})
        << "less is fine, and what is unknown is skipped";
}

TEST_F(TftpClientTest, RepeatsItsRequestThenGivesUp) {
    begin(ipxe);
    const std::string rrq = request();
    std::vector<std::int64_t> at_ms;
    for (int ms = 1; client().busy() && ms < 60'000; ++ms) {
        world.at(std::chrono::milliseconds{ms});
        for (const ClientSent& sent : world.take()) {
            EXPECT_EQ(sent.bytes, rrq);
            EXPECT_EQ(sent.source.port, 2000);
            at_ms.push_back(ms);
        }
    }
    EXPECT_EQ(at_ms, (std::vector<std::int64_t>{250, 750, 1750}));
    EXPECT_EQ(world.now.steady, Instant{} + 9750ms) << "8 s after the last";
    EXPECT_EQ(client().outcome(), ClientOutcome::silent);
    EXPECT_EQ(world.count(Kind::retransmission), 3U);
    EXPECT_EQ(world.waited(ClientWait::tftp_no_answer), 9750ms);
}

TEST_F(TftpClientTest, RepeatsItsLastAckAndNotesTheWait) {
    begin(ipxe);
    answers(oack({"blksize", "1432", "tsize", "1500"}));
    answers(data(1, std::string(1432, 'x')));
    world.take();
    world.pass(249ms);
    EXPECT_TRUE(world.take().empty());
    world.pass(1ms);
    EXPECT_EQ(request(), ack(1));
    world.pass(100ms);
    EXPECT_EQ(answers(data(2, std::string(68, 'x'))), Sent{ack(2)});
    EXPECT_EQ(client().outcome(), ClientOutcome::done);
    EXPECT_EQ(world.waited(ClientWait::tftp_no_answer), 350ms);
    EXPECT_EQ(world.count(Kind::retransmission), 1U);
}

TEST_F(TftpClientTest, EndsWhenDataStops) {
    begin(plain);
    answers(data(1, std::string(512, 'x')));
    world.pass(60s);
    EXPECT_EQ(client().outcome(), ClientOutcome::silent);
    EXPECT_EQ(world.take().size(), 3U);
    EXPECT_EQ(client().why(), "no more blocks");
}

TEST_F(TftpClientTest, SomeClientsListenLongerThanTheyAsk) {
    const TftpClientModel grub{
        .blksize = 1024, .request_waits = waits, .last_wait = 1s, .data_last_wait = 30s};
    begin(grub);
    answers(oack({"blksize", "1024"}));
    world.pass(29s);
    EXPECT_TRUE(client().busy());
    world.pass(1s);
    EXPECT_EQ(client().outcome(), ClientOutcome::silent);
    EXPECT_EQ(world.count(Kind::retransmission), 0U);
}

TEST_F(TftpClientTest, SaysWhereABodyDiffers) {
    std::string file = file_of(1000);
    const Bytes expected = as_bytes(file);
    std::string wrong = file;
    wrong[700] = static_cast<char>(wrong[700] ^ 1);
    begin(plain, &expected);
    answers(data(1, wrong.substr(0, 512)));
    const auto reply = answers(data(2, wrong.substr(512)));
    EXPECT_EQ(reply.at(0).substr(0, 2), number(5)) << "the server is told";
    EXPECT_EQ(client().outcome(), ClientOutcome::broken);
    EXPECT_EQ(client().why(), "differs at byte 700");

    begin(plain, &expected);
    answers(data(1, file.substr(0, 500)));
    EXPECT_EQ(client().why(), "ends at byte 500");
    begin(plain, &expected);
    answers(data(1, file.substr(0, 512)));
    answers(data(2, file.substr(512) + "more"));
    EXPECT_EQ(client().why(), "differs at byte 1000");
}

TEST_F(TftpClientTest, ChecksTheSizeThatWasTold) {
    begin(ipxe);
    answers(oack({"blksize", "1432", "tsize", "10"}));
    answers(data(1, "12345678901"));
    EXPECT_EQ(client().outcome(), ClientOutcome::broken);
    begin(ipxe);
    answers(oack({"blksize", "1432", "tsize", "10"}));
    answers(data(1, "123456789"));
    EXPECT_EQ(client().outcome(), ClientOutcome::broken);
    begin(edk2);
    answers(oack({"tsize", "4", "blksize", "1468"}));
    answers(data(1, "12345"));
    EXPECT_EQ(client().outcome(), ClientOutcome::broken);
    begin(plain);
    EXPECT_EQ(answers(data(1, std::string(513, 'x'))).at(0).substr(0, 4), number(5) + number(4));
    EXPECT_EQ(client().outcome(), ClientOutcome::broken);
}

TEST_F(TftpClientTest, AbortTellsTheServer) {
    begin(ipxe);
    answers(oack({"blksize", "1432"}));
    world.with([](TftpClient& it, ClientContext& context) { it.abort(context); });
    EXPECT_EQ(request().substr(0, 4), number(5) + number(0));
    EXPECT_FALSE(client().busy());
    EXPECT_EQ(answers(data(1, "x")), Sent{});
}

} // namespace
} // namespace muster::test
