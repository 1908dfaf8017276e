// SPDX-License-Identifier: Apache-2.0
// The engine as scripts of packets: transfers, requests, options, ERRORs, timers. What real
// clients do is in tftp_clients_test.cc, loss and numbers in tftp_transfers_test.cc.
#include "tests/unit/net/tftp/tftp_world.hh"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace muster {
namespace {

using namespace muster::test;
using namespace std::string_literals;
using Phase = TransferSample::Phase;

const Endpoint pc = client(2070);

TEST(TftpServer, ServesAFileWithoutOptionsFromItsFirstBlock) {
    TftpWorld world;
    const std::string bytes = pattern(1300);
    world.files["files/debian12/linux"] = text_content(bytes);
    auto sent = world.request(pc, rrq("debian12/linux"));
    std::string got;
    for (std::uint16_t block = 1; block <= 3; ++block) {
        ASSERT_EQ(sent.size(), 1U);
        EXPECT_EQ(sent[0].to, pc);
        EXPECT_EQ(sent[0].from, IpAddress{server_address}) << "the address that was asked";
        EXPECT_EQ(sent[0].service, UdpService::tftp_transfer);
        EXPECT_EQ(sent[0].interface, 0U);
        EXPECT_EQ(sent[0].block(), block);
        got += sent[0].bytes.substr(4);
        sent = world.reply(pc, sent[0].socket, ack(block));
    }
    EXPECT_TRUE(sent.empty());
    EXPECT_EQ(got, bytes);
    EXPECT_EQ(world.ended(TftpEnd::completed), 1U);
    EXPECT_EQ(world.server.next_deadline(), Instant::never());
}

TEST(TftpServer, GrantsOptionsInAnOackThenSendsWindows) {
    TftpWorld world;
    world.files["files/kernel"] = text_content(pattern(10'000));
    const auto oack = world.request(
        pc, rrq("kernel", {.blksize = 1000, .tsize = 0, .timeout = 5, .windowsize = 4}));
    ASSERT_EQ(oack.size(), 1U);
    EXPECT_EQ(oack[0].oack(),
              (TftpOptions{.blksize = 1000, .tsize = 10'000, .timeout = 5, .windowsize = 4}));
    const auto window = world.reply(pc, oack[0].socket, ack(0));
    ASSERT_EQ(window.size(), 4U);
    for (std::uint16_t i = 0; i < 4; ++i) {
        EXPECT_EQ(window[i].block(), i + 1);
        EXPECT_EQ(window[i].bytes.size(), 1004U);
        EXPECT_EQ(window[i].socket, oack[0].socket);
    }
    EXPECT_EQ(world.reply(pc, oack[0].socket, ack(4)).size(), 4U);
    const auto last = world.reply(pc, oack[0].socket, ack(8));
    ASSERT_EQ(last.size(), 3U) << "a multiple of blksize ends with an empty block";
    EXPECT_EQ(last[2].bytes.size(), 4U);
    EXPECT_TRUE(world.reply(pc, oack[0].socket, ack(11)).empty());
    EXPECT_EQ(world.ended(TftpEnd::completed), 1U);
}

TEST(TftpServer, AnEmptyOrNullContentIsOneEmptyBlock) {
    for (const ContentRef& content : {text_content(""), ContentRef{}}) {
        TftpWorld world;
        world.files["files/empty"] = content;
        const auto sent = world.request(pc, rrq("empty"));
        ASSERT_EQ(sent.size(), 1U);
        EXPECT_EQ(sent[0].bytes, "\0\3\0\1"s);
        (void)world.reply(pc, sent[0].socket, ack(1));
        EXPECT_EQ(world.ended(TftpEnd::completed), 1U);
        const auto oack = world.request(pc, rrq("empty", {.tsize = 0}));
        EXPECT_EQ(oack.at(0).oack(), (TftpOptions{.tsize = 0}));
        EXPECT_EQ(world.reply(pc, oack[0].socket, ack(0)).at(0).bytes, "\0\3\0\1"s);
    }
}

// RFC 2347: when no option is acknowledged there is no OACK.
TEST(TftpServer, OptionsThatCannotBeGrantedAreIgnored) {
    TftpWorld world;
    world.files["files/f"] = text_content(pattern(600));
    const auto sent = world.request(pc, rrq("f") + "blksize\0"s + "4\0multicast\0\0"s);
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].opcode(), TftpOpcode::data);
    EXPECT_EQ(sent[0].bytes.size(), 516U);
}

TEST(TftpServer, PathsLeadWhereTheCatalogSays) {
    TftpWorld world;
    world.answer_opens = false;
    const auto opened = [&](std::string_view name) {
        static std::uint16_t port = 3000;
        (void)world.request(client(port++), rrq(name));
        return world.opens.back().path +
               (world.opens.back().root == ContentRoot::files ? " F" : " L");
    };
    EXPECT_EQ(opened("debian12/linux"), "debian12/linux F");
    EXPECT_EQ(opened("\\debian12\\\\linux\xFF"), "debian12/linux F");
    EXPECT_EQ(opened("/files/a"), "a F");
    EXPECT_EQ(opened("loaders/shimx64.efi"), "shimx64.efi L");
    EXPECT_EQ(opened("/grub/x86_64-efi/command.lst"), "grub/x86_64-efi/command.lst L");
}

TEST(TftpServer, BootScriptsAreAskedOfControlAndServed) {
    TftpWorld world;
    EXPECT_TRUE(world.request(pc, rrq("/grub/grub.cfg", {.blksize = 1024, .tsize = 0})).empty());
    ASSERT_EQ(world.dynamics.size(), 1U);
    const DynamicRequest& ask = *world.dynamics[0];
    EXPECT_EQ(ask.transport, DynamicRequest::Transport::tftp);
    EXPECT_EQ(ask.method, DynamicRequest::Method::get);
    EXPECT_EQ(ask.path, "/boot/grub.cfg");
    EXPECT_EQ(ask.client, pc);
    EXPECT_EQ(ask.server, IpAddress{server_address});
    const auto oack =
        world.dynamic_reply({.ticket = ask.ticket, .content = text_content("set timeout=0\n")});
    ASSERT_EQ(oack.size(), 1U);
    EXPECT_EQ(oack[0].oack(), (TftpOptions{.blksize = 1024, .tsize = 14}));
    const auto data = world.reply(pc, oack[0].socket, ack(0));
    EXPECT_EQ(data.at(0).bytes.substr(4), "set timeout=0\n");
}

TEST(TftpServer, RepliesWithAStatusBecomeErrors) {
    const auto answer = [](std::uint16_t status) {
        TftpWorld world;
        (void)world.request(pc, rrq("boot/ipxe"));
        const auto sent =
            world.dynamic_reply({.ticket = world.dynamics.at(0)->ticket, .status = status});
        EXPECT_EQ(world.server.metrics().sessions.read(), 0U);
        EXPECT_EQ(world.ended(TftpEnd::refused), 1U);
        EXPECT_EQ(sent.at(0).error().text.substr(sent[0].error().text.find(':')), ": boot/ipxe");
        return sent.at(0).error().code;
    };
    EXPECT_EQ(answer(404), TftpErrorCode::file_not_found);
    EXPECT_EQ(answer(403), TftpErrorCode::access_violation);
    for (const std::uint16_t status :
         std::to_array<std::uint16_t>({100, 199, 301, 400, 500, 503})) {
        EXPECT_EQ(answer(status), TftpErrorCode::not_defined) << status;
    }
}

TEST(TftpServer, AnswersForRequestsThatAreGoneAreDropped) {
    TftpWorld world;
    world.answer_opens = false;
    (void)world.request(pc, rrq("a"));
    const Ticket old = world.opens.at(0).ticket;
    (void)world.request(pc, rrq("b")); // the client thought better of it
    EXPECT_TRUE(world.content(old, text_content("A")).empty());
    EXPECT_TRUE(world.dynamic_reply({.ticket = old}).empty());
    const Ticket current = world.opens.at(1).ticket;
    EXPECT_TRUE(world.content({Ticket::Owner::http, current.handle}, text_content("B")).empty());
    EXPECT_TRUE(world.content({Ticket::Owner::tftp, {}}, text_content("B")).empty());
    EXPECT_TRUE(world.content({Ticket::Owner::tftp, {1u << 30U, 1}}, text_content("B")).empty());
    EXPECT_EQ(world.server.metrics().stale_answers.read(), 5U);
    EXPECT_EQ(world.content(current, text_content("B")).at(0).bytes, "\0\3\0\1B"s);
    EXPECT_TRUE(world.content(current, text_content("C")).empty()) << "answered twice";
    EXPECT_EQ(world.server.metrics().stale_answers.read(), 6U);
}

TEST(TftpServer, ErrorTextsNameReasonAndPathAsGivenAndNeverMore) {
    TftpWorld world;
    const auto text = [&](std::string_view name) {
        const auto sent = world.request(pc, rrq(name));
        EXPECT_LE(sent.at(0).bytes.size(), 512U);
        EXPECT_EQ(sent[0].bytes.back(), '\0');
        return std::string{sent[0].error().text};
    };
    EXPECT_EQ(text("\\a//b\\"), "no such file: \\a//b\\");
    EXPECT_EQ(text("../etc/shadow"), "path leaves the served tree: ../etc/shadow");
    EXPECT_EQ(text("esc\x1B[2J\x7F\n\xC3\xA9"), "no such file: esc?[2J??\xC3\xA9");
    const std::string longest(1000, 'n');
    EXPECT_EQ(text(longest), "no such file: " + std::string(507 - 14, 'n'));
}

TEST(TftpServer, ARepeatedRequestGetsTheSameTransfer) {
    TftpWorld world;
    world.answer_opens = false;
    const std::string request = rrq("f", {.tsize = 0, .windowsize = 4});
    (void)world.request(pc, request);
    EXPECT_TRUE(world.request(pc, request).empty()) << "its content is on the way";
    ASSERT_EQ(world.opens.size(), 1U);
    const auto oack = world.content(world.opens[0].ticket, text_content(pattern(5000)));
    const auto again = world.request(pc, request);
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].bytes, oack.at(0).bytes);
    EXPECT_EQ(again[0].socket, oack.at(0).socket);
    EXPECT_EQ(world.reply(pc, oack[0].socket, ack(0)).size(), 4U);
    EXPECT_TRUE(world.request(pc, request).empty()) << "a late duplicate";
    EXPECT_EQ(world.opens.size(), 1U);
    EXPECT_EQ(world.server.metrics().requests.read(), 1U);
    EXPECT_EQ(world.server.metrics().repeated_requests.read(), 3U);
}

TEST(TftpServer, ARepeatedRequestWithoutOptionsGetsBlockOneAgain) {
    TftpWorld world;
    world.files["files/f"] = text_content(pattern(5000));
    const auto first = world.request(pc, rrq("f"));
    const auto again = world.request(pc, rrq("f"));
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].bytes, first.at(0).bytes);
    EXPECT_EQ(again[0].socket, first[0].socket);
}

TEST(TftpServer, AnotherRequestFromTheSamePortEndsTheOldTransfer) {
    TftpWorld world;
    world.files["files/a"] = text_content(pattern(5000));
    world.files["files/b"] = text_content(pattern(700));
    const auto a = world.request(pc, rrq("a"));
    (void)world.reply(pc, a.at(0).socket, ack(1));
    const auto b = world.request(pc, rrq("b"));
    ASSERT_EQ(b.size(), 1U);
    EXPECT_NE(b[0].socket, a[0].socket) << "late packets of the old one must not fit the new one";
    EXPECT_EQ(world.ended(TftpEnd::replaced), 1U);
    EXPECT_TRUE(world.reply(pc, a[0].socket, ack(2)).empty());
    EXPECT_EQ(world.refused(TftpRefusal::unknown_transfer), 1U);
    EXPECT_EQ(world.reply(pc, b[0].socket, ack(1)).size(), 1U);
    // The same name with other options is another request.
    EXPECT_EQ(world.request(pc, rrq("b", {.tsize = 0})).at(0).opcode(), TftpOpcode::oack);
    EXPECT_EQ(world.ended(TftpEnd::replaced), 2U);
    // So is the same request to another address of the server.
    const Endpoint other = client(1);
    (void)world.request(other, rrq("a"));
    const std::string request = rrq("a");
    const auto moved = world.receive({.service = UdpService::tftp,
                                      .source = other,
                                      .local = Ipv4Address{{10, 79, 0, 2}},
                                      .payload = as_bytes(request)});
    EXPECT_EQ(moved.at(0).from, (IpAddress{Ipv4Address{{10, 79, 0, 2}}}));
    EXPECT_EQ(world.ended(TftpEnd::replaced), 3U);
}

// A machine that was reset asks from the same port (GRUB always begins with 25300).
TEST(TftpServer, AResetClientIsServedFromItsStart) {
    TftpWorld world;
    world.files["files/f"] = text_content(pattern(50'000));
    const std::string request = rrq("f", {.blksize = 1024, .tsize = 0});
    const auto first = world.request(pc, request);
    (void)world.reply(pc, first.at(0).socket, ack(0));
    (void)world.reply(pc, first[0].socket, ack(1));
    world.pass(2s);
    const auto second = world.request(pc, request);
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(second[0].opcode(), TftpOpcode::oack);
    EXPECT_NE(second[0].socket, first[0].socket);
    EXPECT_EQ(world.ended(TftpEnd::replaced), 1U);
    EXPECT_EQ(world.server.metrics().sessions.read(), 1U);
}

TEST(TftpServer, TransfersAreSpreadOverTheSocketsAndNeverTheFormerOne) {
    TftpLimits limits;
    limits.transfer_sockets = 4;
    TftpWorld world{limits};
    world.files["files/f"] = text_content("x");
    std::map<std::uint8_t, int> used;
    std::map<std::uint16_t, std::uint8_t> former;
    for (int round = 0; round < 100; ++round) {
        for (std::uint16_t port = 1; port <= 3; ++port) {
            const auto sent = world.request(client(port), rrq("f"));
            ASSERT_LT(sent.at(0).socket, 4);
            ++used[sent[0].socket];
            if (round > 0) {
                EXPECT_NE(sent[0].socket, former[port]);
            }
            former[port] = sent[0].socket;
            (void)world.reply(client(port), sent[0].socket, ack(1));
        }
    }
    for (const auto& [socket, count] : used) {
        EXPECT_GT(count, 50) << static_cast<int>(socket);
    }
    EXPECT_EQ(used.size(), 4U);
}

TEST(TftpServer, ATransferIsFoundByItsSocketAndAddressToo) {
    TftpWorld world;
    world.files["files/f"] = text_content(pattern(5000));
    const auto sent = world.request(pc, rrq("f"));
    for (std::uint8_t socket = 0; socket < 4; ++socket) {
        if (socket != sent.at(0).socket) {
            EXPECT_TRUE(world.reply(pc, socket, ack(1)).empty());
        }
    }
    EXPECT_TRUE(world.reply(client(2071), sent[0].socket, ack(1)).empty());
    const std::string packet = ack(1);
    EXPECT_TRUE(world
                    .receive({.service = UdpService::tftp_transfer,
                              .socket = sent[0].socket,
                              .source = pc,
                              .local = Ipv4Address{{10, 79, 0, 2}},
                              .payload = as_bytes(packet)})
                    .empty());
    EXPECT_EQ(world.refused(TftpRefusal::unknown_transfer), 5U);
    EXPECT_EQ(world.reply(pc, sent[0].socket, ack(1)).size(), 1U);
}

TEST(TftpServer, InSinglePortModeEverythingUsesPort69) {
    TftpLimits limits;
    limits.single_port = true;
    TftpWorld world{limits};
    world.files["files/f"] = text_content(pattern(1500));
    const auto oack = world.request(pc, rrq("f", {.windowsize = 2}));
    EXPECT_EQ(oack.at(0).service, UdpService::tftp);
    EXPECT_EQ(oack[0].socket, 0);
    const auto window = world.reply(pc, 0, ack(0));
    ASSERT_EQ(window.size(), 2U);
    EXPECT_EQ(window[0].service, UdpService::tftp);
    (void)world.reply(pc, 0, ack(2));
    (void)world.reply(pc, 0, ack(3));
    EXPECT_EQ(world.ended(TftpEnd::completed), 1U);
    EXPECT_EQ(world.request(pc, rrq("none")).at(0).service, UdpService::tftp);
}

TEST(TftpServer, IPv6HasTwentyBytesLessAndLinkLocalNeedsItsInterface) {
    TftpWorld world;
    world.files["files/f"] = text_content(pattern(5000));
    Endpoint v6;
    v6.address.octets = {0xFD, 0x79};
    v6.port = 1;
    EXPECT_EQ(world.request(v6, rrq("f", {.blksize = 9000})).at(0).oack().blksize, 1448);
    EXPECT_EQ(world.request(pc, rrq("f", {.blksize = 9000})).at(0).oack().blksize, 1468);
    v6.address.octets = {0xFE, 0x80};
    EXPECT_EQ(world.request(v6, rrq("f")).at(0).interface, 3U);
    EXPECT_EQ(world.request(v6, rrq("none")).at(0).interface, 3U);
}

TEST(TftpServer, SilentClientsAreAskedAgainEverSlowerAndGivenUp) {
    TftpWorld world;
    world.files["files/f"] = text_content(pattern(5000));
    const auto first = world.request(pc, rrq("f", {.tsize = 0}));
    std::vector<Duration> times;
    while (world.server.metrics().sessions.read() == 1) {
        const auto sent = world.run_to_timer();
        if (!sent.empty()) {
            EXPECT_EQ(sent.at(0).bytes, first.at(0).bytes);
            times.push_back(world.now() - Instant{});
        }
    }
    const std::vector<Duration> expected{250ms,    750ms,    1750ms,   3750ms,   7750ms,  15'750ms,
                                         23'750ms, 31'750ms, 39'750ms, 47'750ms, 55'750ms};
    EXPECT_EQ(times, expected);
    EXPECT_GE(world.now(), Instant{} + 60s);
    EXPECT_EQ(world.ended(TftpEnd::timed_out), 1U);
    EXPECT_TRUE(world.samples.empty()) << "nothing was transferred";
}

TEST(TftpServer, ARequestWhoseContentDoesNotComeIsForgotten) {
    TftpWorld world;
    world.answer_opens = false;
    (void)world.request(pc, rrq("f"));
    EXPECT_TRUE(world.run_to_timer().empty());
    EXPECT_EQ(world.refused(TftpRefusal::content_late), 1U);
    EXPECT_EQ(world.ended(TftpEnd::timed_out), 1U);
    EXPECT_TRUE(world.content(world.opens.at(0).ticket, text_content("x")).empty());
}

TEST(TftpServer, OneAddressDoesNotTakeTheSlotsThatAreLeft) {
    TftpLimits limits;
    limits.sessions = 200;
    TftpWorld world{limits};
    world.files["files/f"] = text_content("x");
    for (std::uint16_t port = 1; port <= 151; ++port) {
        EXPECT_EQ(world.request(client(port, 5), rrq("f")).size(), 1U) << "there is room";
    }
    EXPECT_TRUE(world.request(client(152, 5), rrq("f")).empty());
    EXPECT_EQ(world.refused(TftpRefusal::client_budget), 1U);
    EXPECT_EQ(world.request(client(152, 6), rrq("f")).size(), 1U) << "others boot";
    EXPECT_EQ(world.request(client(7, 5), rrq("f", {.tsize = 0})).size(), 1U)
        << "and who replaces its own transfer takes nobody's";
}

TEST(TftpServer, OneSubnetDoesNotTakeTheSlotsThatAreLeft) {
    TftpLimits limits;
    limits.sessions = 400;
    TftpWorld world{limits};
    world.files["files/f"] = text_content("x");
    for (std::uint16_t i = 0; i < 301; ++i) {
        const auto host = static_cast<std::uint8_t>(1 + i % 200);
        EXPECT_EQ(
            world.request(client(static_cast<std::uint16_t>(1 + i / 200), host), rrq("f")).size(),
            1U)
            << "there is room";
    }
    EXPECT_TRUE(world.request(client(9, 250), rrq("f")).empty()) << "an address without a transfer";
    EXPECT_EQ(world.refused(TftpRefusal::subnet_budget), 1U);
    const Endpoint elsewhere{Ipv4Address{{10, 79, 1, 1}}, 1};
    EXPECT_EQ(world.request(elsewhere, rrq("f")).size(), 1U) << "other subnets boot";
}

TEST(TftpServer, FileNamesKeepTheirCaseUnlessTheSiteAsksOtherwise) {
    for (const bool ignore_case : {false, true}) {
        TftpLimits limits;
        limits.ignore_case = ignore_case;
        TftpWorld world{limits};
        world.answer_opens = false;
        (void)world.request(client(1), rrq("Boot\\BCD"));
        ASSERT_EQ(world.opens.size(), 1U);
        EXPECT_EQ(world.opens[0].path, "Boot/BCD");
        EXPECT_EQ(world.opens[0].choice.any_case, ignore_case);
    }
}

TEST(TftpServer, BlocksFitTheInterfaceThatTheRequestCameInOn) {
    TftpWorld world;
    InterfaceInfo tunnel;
    tunnel.index = 7;
    tunnel.mtu = 1400;
    world.server.on_interfaces(std::array{tunnel});
    world.files["files/f"] = text_content("x");
    const std::string bytes = rrq("f", {.blksize = 1468});
    const auto granted = [&](std::uint32_t interface, std::uint16_t port) {
        return world
            .receive({.service = UdpService::tftp,
                      .interface = interface,
                      .source = client(port),
                      .local = server_address,
                      .payload = as_bytes(bytes)})
            .at(0)
            .oack()
            .blksize;
    };
    EXPECT_EQ(granted(7, 1), 1368);
    EXPECT_EQ(granted(8, 2), 1468) << "one that is not known is Ethernet";
}

TEST(TftpServer, NetasciiIsAskedOfTheDriverAndMadeOfTexts) {
    TftpWorld world;
    world.answer_opens = false;
    (void)world.request(client(1), rrq("f", {}, TftpMode::netascii));
    (void)world.request(client(2), rrq("f"));
    ASSERT_EQ(world.opens.size(), 2U);
    EXPECT_TRUE(world.opens[0].netascii);
    EXPECT_FALSE(world.opens[1].netascii);

    (void)world.request(client(3), rrq("boot/ipxe", {.tsize = 0}, TftpMode::netascii));
    ASSERT_EQ(world.dynamics.size(), 1U);
    const auto sent = world.dynamic_reply(
        {.ticket = world.dynamics[0]->ticket, .status = 200, .content = text_content("a\nb\n")});
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].oack().tsize, 6U) << "what is sent is counted";
    const auto data = world.reply(client(3), sent[0].socket, ack(0));
    EXPECT_EQ(data.at(0).bytes.substr(4), "a\r\nb\r\n");
}

TEST(TftpServer, AFullTableIsSilentAndRecovers) {
    TftpLimits limits;
    limits.sessions = 2;
    TftpWorld world{limits};
    world.files["files/f"] = text_content("x");
    const auto a = world.request(client(1), rrq("f"));
    (void)world.request(client(2), rrq("f"));
    EXPECT_TRUE(world.request(client(3), rrq("f")).empty());
    EXPECT_EQ(world.refused(TftpRefusal::sessions_full), 1U);
    EXPECT_EQ(world.request(client(2), rrq("f", {.tsize = 0})).size(), 1U)
        << "who replaces its own transfer needs no free slot";
    (void)world.reply(client(1), a.at(0).socket, ack(1));
    EXPECT_EQ(world.request(client(3), rrq("f")).size(), 1U);
}

TEST(TftpServer, ProgressIsSampledByBytesAcknowledged) {
    TftpWorld world;
    world.files["files/debian12/linux"] = text_content(pattern(100'500));
    const auto oack = world.request(pc, rrq("debian12/linux", {.blksize = 1000, .windowsize = 1}));
    const std::uint8_t socket = oack.at(0).socket;
    EXPECT_TRUE(world.samples.empty());
    for (std::uint64_t block = 0; block <= 101; ++block) {
        world.at(10ms * static_cast<std::int64_t>(block));
        (void)world.reply(pc, socket, ack(block));
    }
    ASSERT_GE(world.samples.size(), 3U);
    EXPECT_LE(world.samples.size(), 2U + 4U) << "at most one in 250 ms";
    EXPECT_EQ(world.samples.front().phase, Phase::started);
    EXPECT_EQ(world.samples.front().sent, 0U);
    EXPECT_EQ(world.samples.back().phase, Phase::completed);
    std::uint64_t total = 0;
    for (const TransferSample& sample : world.samples) {
        EXPECT_EQ(sample.path, "/files/debian12/linux");
        EXPECT_EQ(sample.size, 100'500U);
        EXPECT_EQ(sample.offset, 0U);
        EXPECT_EQ(sample.client, pc.address);
        total += sample.sent;
    }
    EXPECT_EQ(total, 100'500U);
    EXPECT_EQ(world.server.metrics().bytes_acknowledged.read(), 100'500U);
}

TEST(TftpServer, SilenceThatEndedWithARepairIsSampled) {
    TftpWorld world;
    world.files["loaders/l"] = text_content(pattern(1500));
    const auto sent = world.request(pc, rrq("loaders/l"));
    const std::uint8_t socket = sent.at(0).socket;
    (void)world.reply(pc, socket, ack(1));
    const Instant asked = world.now();
    ASSERT_EQ(world.run_to_timer().size(), 1U) << "block 2 again";
    const Duration silence = world.now() - asked;
    EXPECT_GT(silence, Duration{});
    (void)world.reply(pc, socket, ack(2));
    (void)world.reply(pc, socket, ack(3));
    Duration told{};
    for (const TransferSample& sample : world.samples) {
        told += sample.silence;
    }
    EXPECT_EQ(told, silence) << "once, with the end at the latest";
    EXPECT_EQ(world.samples.back().phase, Phase::completed);
}

TEST(TftpServer, AClientThatWentAwayWaitedForNothing) {
    TftpWorld world;
    world.files["loaders/l"] = text_content(pattern(1500));
    const auto sent = world.request(pc, rrq("loaders/l"));
    (void)world.reply(pc, sent.at(0).socket, ack(1));
    while (world.ended(TftpEnd::timed_out) == 0) {
        (void)world.run_to_timer();
    }
    ASSERT_EQ(world.samples.back().phase, Phase::aborted);
    for (const TransferSample& sample : world.samples) {
        EXPECT_EQ(sample.silence, Duration{});
    }
}

TEST(TftpServer, WhatControlHadNoRoomForIsInTheNextSample) {
    TftpWorld world;
    world.files["loaders/l"] = text_content(pattern(1500));
    const auto sent = world.request(pc, rrq("loaders/l"));
    world.control_room = 0;
    (void)world.reply(pc, sent.at(0).socket, ack(1));
    (void)world.reply(pc, sent[0].socket, ack(2));
    EXPECT_EQ(world.server.metrics().samples_dropped.read(), 1U);
    world.control_room = SIZE_MAX;
    (void)world.reply(pc, sent[0].socket, ack(3));
    ASSERT_EQ(world.samples.size(), 1U);
    EXPECT_EQ(world.samples[0].phase, Phase::completed);
    EXPECT_EQ(world.samples[0].path, "/loaders/l");
    EXPECT_EQ(world.samples[0].sent, 1500U);
}

TEST(TftpServer, ATransferThatBreaksOffIsSampledAsAborted) {
    const auto last_phase = [](const std::function<void(TftpWorld&, std::uint8_t)>& end) {
        TftpWorld world;
        world.files["files/f"] = text_content(pattern(5000));
        const auto sent = world.request(pc, rrq("f"));
        (void)world.reply(pc, sent.at(0).socket, ack(1));
        end(world, sent[0].socket);
        EXPECT_EQ(world.samples.size(), 2U);
        return world.samples.back().phase;
    };
    EXPECT_EQ(last_phase([](TftpWorld& world, std::uint8_t socket) {
                  (void)world.reply(pc, socket, error(3, "disk full"));
                  EXPECT_EQ(world.ended(TftpEnd::aborted), 1U);
              }),
              Phase::aborted);
    EXPECT_EQ(last_phase([](TftpWorld& world, std::uint8_t) { (void)world.request(pc, rrq("g")); }),
              Phase::aborted);
    EXPECT_EQ(last_phase([](TftpWorld& world, std::uint8_t) {
                  while (world.server.metrics().sessions.read() > 0) {
                      (void)world.run_to_timer();
                  }
              }),
              Phase::aborted);
}

TEST(TftpServer, ASizeProbeIsNoTransfer) {
    for (const unsigned code : {0U, 8U}) {
        TftpWorld world;
        world.files["files/f"] = text_content(pattern(5000));
        const auto oack = world.request(pc, rrq("f", {.blksize = 1468, .tsize = 0}));
        EXPECT_TRUE(world.reply(pc, oack.at(0).socket, error(code, "bye")).empty());
        EXPECT_EQ(world.ended(TftpEnd::probed), 1U);
        EXPECT_EQ(world.server.metrics().sessions.read(), 0U) << "freed at once";
        EXPECT_EQ(world.server.next_deadline(), Instant::never());
        EXPECT_TRUE(world.samples.empty());
        EXPECT_EQ(world.request(pc, rrq("f", {.blksize = 1468})).size(), 1U)
            << "the real request may come from the same port";
    }
    // EDK2 says "Malformatted OACK packet" with 4: that is a failure.
    TftpWorld world;
    world.files["files/f"] = text_content(pattern(5000));
    const auto oack = world.request(pc, rrq("f", {.tsize = 0}));
    (void)world.reply(pc, oack.at(0).socket, error(4, "Malformatted OACK packet"));
    EXPECT_EQ(world.ended(TftpEnd::aborted), 1U);
    // Without tsize there was no size to want.
    const auto no_size = world.request(pc, rrq("f", {.blksize = 512}));
    (void)world.reply(pc, no_size.at(0).socket, error(8, "no"));
    EXPECT_EQ(world.ended(TftpEnd::aborted), 2U);
}

TEST(TftpServer, AnErrorIsNeverAnswered) {
    TftpWorld world;
    for (unsigned code = 0; code < 300; ++code) {
        EXPECT_TRUE(world.reply(pc, 0, error(code, "x")).empty());
        EXPECT_TRUE(world.request(pc, error(code, "x")).empty());
    }
}

// One packet for each reason, and no reason without a packet.
TEST(TftpServer, EveryRefusalHasThePacketThatCausesIt) {
    struct Row {
        TftpRefusal reason;
        int error_code; ///< of the ERROR that answers; -1: silence
        std::function<std::vector<Sent>(TftpWorld&)> cause;
    };
    using enum TftpRefusal;
    const auto port69 = [](std::string packet) {
        return [packet](TftpWorld& world) {
            return world.request(pc, packet);
        };
    };
    const auto transfer = [](std::string packet) {
        return [packet](TftpWorld& world) {
            const auto data = world.request(pc, rrq("f"));
            (void)world.reply(pc, data.at(0).socket, ack(1));
            return world.reply(pc, data[0].socket, packet);
        };
    };
    const auto open_fails = [](OpenError why) {
        return [why](TftpWorld& world) {
            world.answer_opens = false;
            (void)world.request(pc, rrq("f"));
            return world.no_content(world.opens.at(0).ticket, why);
        };
    };
    std::string too_many = rrq("f");
    for (char c = 'a'; c <= 'q'; ++c) {
        too_many += c + "\0v\0"s;
    }
    const std::vector<Row> table{
        {truncated, -1, port69("\0"s)},
        {truncated, -1, port69("\0\1name\0octet"s)},
        {truncated, -1, transfer("\0\4\0"s)},
        {truncated, -1, transfer("\0\5\0"s)},
        {unknown_opcode, -1, port69("\0\7hello"s)},
        {request_too_long, -1, port69(rrq(std::string(1100, 'n')))},
        {empty_name, -1, port69("\0\1\0octet\0"s)},
        {repeated_option, -1, port69(rrq("f", {.tsize = 0}) + "tsize\0000\0"s)},
        {too_many_options, -1, port69(too_many)},
        {write_request, 2, port69(rrq("f", {}, TftpMode::octet, TftpOpcode::wrq))},
        {mode_mail, 4, port69(rrq("f", {}, TftpMode::mail))},
        {mode_unknown, 4, port69("\0\1f\0binary\0"s)},
        {no_such_path, 1, port69(rrq("answers/token/preseed.cfg"))},
        {no_such_path, 1, port69(rrq("/"))},
        {outside_tree, 2, port69(rrq("..\\..\\etc/shadow"))},
        {not_a_request, -1, port69(ack(0))},
        {not_a_request, -1, port69(error(0, "x"))},
        {not_for_a_server, -1, port69("\0\3\0\1data"s)},
        {not_for_a_server, -1, transfer("\0\6blksize\000512\0"s)},
        {request_to_transfer, -1, transfer(rrq("f"))},
        {unknown_transfer, -1,
         [](TftpWorld& world) {
             return world.reply(pc, 0, ack(1));
         }},
        {unknown_transfer, -1,
         [](TftpWorld& world) {
             return world.reply(pc, 0, error(0, "closed"));
         }},
        {duplicate_ack, -1, transfer(ack(1))},
        {stray_ack, -1, transfer(ack(3))},
        {stray_ack, -1, transfer(ack(0))},
        {sessions_full, -1,
         [](TftpWorld& world) {
             world.answer_opens = false;
             for (std::uint16_t port = 1; port <= 4; ++port) {
                 (void)world.request(client(port), rrq("f"));
             }
             return world.request(pc, rrq("f"));
         }},
        {control_busy, -1,
         [](TftpWorld& world) {
             world.control_room = 0;
             return world.request(pc, rrq("boot/ipxe"));
         }},
        {content_not_found, 1, open_fails(OpenError::not_found)},
        {content_forbidden, 2, open_fails(OpenError::forbidden)},
        {content_unavailable, -1, open_fails(OpenError::unavailable)},
        {content_failed, 0,
         [](TftpWorld& world) {
             (void)world.request(pc, rrq("boot/ipxe"));
             return world.dynamic_reply({.ticket = world.dynamics.at(0)->ticket, .status = 500});
         }},
        {content_late, -1,
         [](TftpWorld& world) {
             world.answer_opens = false;
             (void)world.request(pc, rrq("f"));
             return world.run_to_timer();
         }},
    };
    std::set<TftpRefusal> caused{
        unexpected_opcode, // read functions are chosen by the opcode
        bad_option_value,  // of OACKs, which only a client reads
        ack_out_of_turn,   // needs a group: AFormerMastersAckIsAnsweredOnceAndNoPassiveOnes
        client_budget,     // needs many: OneAddressDoesNotTakeTheSlotsThatAreLeft
        subnet_budget,     // the same: OneSubnetDoesNotTakeTheSlotsThatAreLeft
    };
    for (const Row& row : table) {
        SCOPED_TRACE(name_of(row.reason));
        TftpLimits limits;
        limits.sessions = 4;
        TftpWorld world{limits};
        world.files["files/f"] = text_content(pattern(5000));
        const auto sent = row.cause(world);
        for (std::size_t i = 0; i < tftp_refusal_count; ++i) {
            const auto reason = static_cast<TftpRefusal>(i);
            EXPECT_EQ(world.refused(reason), reason == row.reason ? 1U : 0U) << name_of(reason);
        }
        if (row.error_code < 0) {
            EXPECT_TRUE(sent.empty());
        } else {
            ASSERT_EQ(sent.size(), 1U);
            EXPECT_EQ(static_cast<int>(sent[0].error().code), row.error_code);
            EXPECT_TRUE(sent[0].error().text.starts_with(describe(row.reason)));
        }
        caused.insert(row.reason);
    }
    for (std::size_t i = 0; i < tftp_refusal_count; ++i) {
        EXPECT_TRUE(caused.contains(static_cast<TftpRefusal>(i)))
            << name_of(static_cast<TftpRefusal>(i)) << " has no packet";
    }
}

TEST(TftpServer, ReportsEveryReasonAndOutcome) {
    TftpWorld world;
    (void)world.request(pc, ack(0));
    Exposition out;
    world.server.report(out);
    const std::string text = out.text();
    EXPECT_NE(text.find("muster_tftp_datagrams_total 1\n"), std::string::npos) << text;
    EXPECT_NE(text.find("muster_tftp_refusals_total{reason=\"not_a_request\"} 1\n"),
              std::string::npos);
    EXPECT_NE(text.find("muster_tftp_transfers_total{outcome=\"completed\"} 0\n"),
              std::string::npos);
    EXPECT_NE(text.find("# TYPE muster_tftp_sessions gauge\n"), std::string::npos);
    for (std::size_t i = 0; i < tftp_refusal_count; ++i) {
        EXPECT_NE(text.find(name_of(static_cast<TftpRefusal>(i))), std::string::npos);
    }
}

} // namespace
} // namespace muster
