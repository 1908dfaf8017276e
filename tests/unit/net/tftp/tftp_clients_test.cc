// SPDX-License-Identifier: Apache-2.0
// What real boot clients do: their captured packets replayed against the server, and scripts of
// the habits that captures with a server that knows no windows cannot show.
#include "tests/support/pcap_reader.hh"
#include "tests/unit/net/tftp/tftp_world.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace muster {
namespace {

using namespace muster::test;
using namespace std::string_literals;

constexpr std::uint16_t tftp_port = 69;

/// One request of a capture with what the server of that time answered.
struct Captured {
    Endpoint client;
    std::string packet;
    std::string name;
    TftpOptions asked;
    std::string answer; ///< empty: none
    Duration at{};
    std::vector<std::pair<Duration, std::string>> follow_up; ///< the client's ACKs and ERRORs
};

std::string text_of(const std::vector<std::byte>& bytes) {
    return std::string{as_text(bytes)};
}

std::vector<Captured> read_requests(const std::string& capture) {
    std::vector<Captured> requests;
    std::map<Endpoint, std::size_t> latest;
    for (const UdpPacket& udp : read_udp_packets(capture_path(capture))) {
        if (udp.destination.port == tftp_port) {
            const auto request = read_tftp_request(udp.payload);
            EXPECT_TRUE(request.has_value()) << "a request of a real client in " << capture;
            latest[udp.source] = requests.size();
            requests.push_back({udp.source,
                                text_of(udp.payload),
                                std::string{request->name},
                                request->options,
                                "",
                                udp.frame.offset,
                                {}});
        } else if (const auto from = latest.find(udp.source); from != latest.end()) {
            requests[from->second].follow_up.emplace_back(udp.frame.offset, text_of(udp.payload));
        } else if (const auto to = latest.find(udp.destination);
                   to != latest.end() && requests[to->second].answer.empty()) {
            requests[to->second].answer = text_of(udp.payload);
        }
    }
    return requests;
}

/// Answers as the captured server did: a file of the captured size, or none.
std::vector<Sent> ask(TftpWorld& world, const Captured& request) {
    const Bytes answer = as_bytes(request.answer);
    const bool missing = read_tftp_error(answer).has_value();
    const auto oack = read_tftp_oack(answer);
    const std::size_t size = oack && oack->tsize ? static_cast<std::size_t>(*oack->tsize) : 40'000;
    const std::string bytes = pattern(std::min<std::size_t>(size, 1'000'000));
    // The pattern is shorter than a kernel, but tsize must be the real one: no byte beyond the
    // first blocks is asked for by what the captures hold.
    static const std::vector<std::byte> zeros(64'000'000);
    const ContentRef content = size <= bytes.size()
                                   ? text_content(bytes)
                                   : std::make_shared<FakeContent>(Bytes{zeros}.first(size));
    world.answer_opens = false;
    auto sent = world.request(request.client, request.packet);
    if (!world.opens.empty()) {
        const Ticket ticket = world.opens.back().ticket;
        world.opens.clear();
        sent = missing ? world.no_content(ticket, OpenError::not_found)
                       : world.content(ticket, content);
    } else if (!world.dynamics.empty()) {
        const Ticket ticket = world.dynamics.back()->ticket;
        world.dynamics.clear();
        sent = missing ? world.dynamic_reply({.ticket = ticket, .status = 404})
                       : world.dynamic_reply({.ticket = ticket, .content = content});
    }
    return sent;
}

/// The answer must be what the client was seen to take, with windows on top where it asked.
void check_answer(const Captured& request, const std::vector<Sent>& sent) {
    SCOPED_TRACE(request.name);
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].to, request.client);
    EXPECT_EQ(sent[0].from, IpAddress{server_address});
    const Bytes answer = as_bytes(request.answer);
    if (const auto error = read_tftp_error(answer)) {
        ASSERT_EQ(sent[0].opcode(), TftpOpcode::error);
        EXPECT_EQ(sent[0].error().code, error->code);
        EXPECT_NE(sent[0].error().text.find(request.name), std::string_view::npos);
        EXPECT_EQ(sent[0].error().text.find("/srv"), std::string_view::npos);
        return;
    }
    ASSERT_EQ(sent[0].opcode(), TftpOpcode::oack) << "every captured client asked for options";
    const TftpOptions oack = sent[0].oack();
    if (const auto captured = read_tftp_oack(answer)) {
        EXPECT_EQ(oack.blksize, captured->blksize);
        EXPECT_EQ(oack.tsize, captured->tsize);
        EXPECT_EQ(oack.timeout,
                  captured->timeout.has_value() ? captured->timeout : request.asked.timeout);
    }
    EXPECT_EQ(oack.windowsize, request.asked.windowsize);
    EXPECT_EQ(oack.blksize.has_value(), request.asked.blksize.has_value());
    EXPECT_LE(oack.blksize.value_or(0), request.asked.blksize.value_or(0));
    const std::string& bytes = sent[0].bytes;
    EXPECT_TRUE(std::none_of(bytes.begin(), bytes.end(), [](char c) {
        return c >= 'A' && c <= 'Z';
    })) << "GRUB compares names byte by byte";
}

// The captured server granted no windows, so the client's ACKs are those of lock-step.
void replay(const std::string& capture) {
    SCOPED_TRACE(capture);
    TftpLimits limits;
    limits.windowsize_max = 64;
    TftpWorld world{limits};
    for (const Captured& request : read_requests(capture)) {
        SCOPED_TRACE(request.name);
        world.at(request.at);
        (void)world.expire();
        const auto sent = ask(world, request);
        check_answer(request, sent);
        if (::testing::Test::HasFatalFailure()) {
            return;
        }
        const bool windows = request.asked.windowsize.value_or(1) > 1;
        for (const auto& [when, packet] : request.follow_up) {
            world.at(when);
            const auto answer = world.reply(request.client, sent[0].socket, packet);
            const auto block = read_tftp_ack(as_bytes(packet));
            if (!block) {
                EXPECT_TRUE(read_tftp_error(as_bytes(packet)).has_value());
                EXPECT_TRUE(answer.empty()) << "an ERROR is never answered";
            } else if (!windows && !answer.empty()) {
                ASSERT_EQ(answer.size(), 1U);
                EXPECT_EQ(answer[0].block(), static_cast<std::uint16_t>(*block + 1));
            }
        }
    }
}

TEST(TftpClients, EveryCapturedRequestGetsTheAnswerThatItsClientTakes) {
    std::size_t requests = 0;
    for (const std::string& capture : capture_names()) {
        replay(capture);
        requests += read_requests(capture).size();
    }
    EXPECT_GT(requests, 100U) << "the captures hold more than that";
}

TEST(TftpClients, OvmfProbesAbortsAndAsksAgain) {
    const auto requests = read_requests("uefi-shim-grub.pcap");
    ASSERT_GE(requests.size(), 2U);
    EXPECT_EQ(requests[0].asked, (TftpOptions{.blksize = 1468, .tsize = 0, .windowsize = 4}));
    EXPECT_EQ(requests[1].asked, (TftpOptions{.blksize = 1468, .windowsize = 4}));
    TftpWorld world;
    const auto probe = ask(world, requests[0]);
    ASSERT_EQ(requests[0].follow_up.size(), 1U) << "ERROR 8, User aborted the transfer";
    EXPECT_TRUE(
        world.reply(requests[0].client, probe[0].socket, requests[0].follow_up[0].second).empty());
    EXPECT_EQ(world.ended(TftpEnd::probed), 1U);
    const auto oack = ask(world, requests[1]);
    EXPECT_EQ(oack[0].oack(), (TftpOptions{.blksize = 1468, .windowsize = 4}));
    EXPECT_EQ(world.reply(requests[1].client, oack[0].socket, ack(0)).size(), 4U);
}

TEST(TftpClients, ShimReadsItsSecondStageInWindowsOfFourSmallBlocks) {
    const auto requests = read_requests("uefi-shim-grub.pcap");
    const auto grub = std::find_if(requests.begin(), requests.end(),
                                   [](const Captured& r) { return r.name == "grubx64.efi"; });
    ASSERT_NE(grub, requests.end());
    TftpWorld world;
    const auto oack = ask(world, *grub);
    EXPECT_EQ(oack.at(0).oack(), (TftpOptions{.blksize = 512, .windowsize = 4}));
    const auto window = world.reply(grub->client, oack[0].socket, ack(0));
    ASSERT_EQ(window.size(), 4U);
    EXPECT_EQ(window[3].bytes.size(), 516U);
    for (const char* name :
         {"revocations_sku.efi", "revocations_sbat.efi", "shim_certificate_0.efi"}) {
        EXPECT_TRUE(std::any_of(requests.begin(), requests.end(),
                                [&](const Captured& r) {
                                    return r.name == name &&
                                           read_tftp_error(as_bytes(r.answer)).has_value();
                                }))
            << name << ": must be refused at once, which the replay checks";
    }
}

TEST(TftpClients, GrubGetsAnOackAndItsScriptFromControl) {
    const auto requests = read_requests("uefi-shim-grub.pcap");
    const auto config = std::find_if(requests.begin(), requests.end(),
                                     [](const Captured& r) { return r.name == "/grub/grub.cfg"; });
    ASSERT_NE(config, requests.end());
    TftpWorld world;
    (void)world.request(config->client, config->packet);
    ASSERT_EQ(world.dynamics.size(), 1U);
    EXPECT_EQ(world.dynamics[0]->path, "/boot/grub.cfg");
    const auto oack = world.dynamic_reply(
        {.ticket = world.dynamics[0]->ticket, .content = text_content("linux /vmlinuz\n")});
    EXPECT_EQ(oack.at(0).oack(), (TftpOptions{.blksize = 1024, .tsize = 15}));
    // GRUB never asks for a block again: the server's timer is all there is.
    (void)world.reply(config->client, oack[0].socket, ack(0));
    const auto again = world.run_to_timer();
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].bytes.substr(4), "linux /vmlinuz\n");
}

TEST(TftpClients, PxelinuxHasItsLadderOfNamesRefusedAtOnce) {
    const auto requests = read_requests("bios-virtio-pxelinux.pcap");
    std::set<std::string> ladder;
    TftpWorld world;
    for (const Captured& request : requests) {
        if (request.name.find("pxelinux.cfg/") == std::string::npos) {
            continue;
        }
        (void)world.request(request.client, request.packet);
        ASSERT_FALSE(world.dynamics.empty()) << "control knows the node by name and by address";
        EXPECT_TRUE(world.dynamics.back()->path.starts_with("/boot/pxelinux.cfg/"));
        ladder.insert(world.dynamics.back()->path);
        const auto sent =
            world.dynamic_reply({.ticket = world.dynamics.back()->ticket, .status = 404});
        EXPECT_EQ(sent.at(0).error().code, TftpErrorCode::file_not_found);
        EXPECT_TRUE(sent[0].error().text.ends_with(request.name));
    }
    EXPECT_TRUE(ladder.contains("/boot/pxelinux.cfg/default"));
    EXPECT_TRUE(ladder.contains("/boot/pxelinux.cfg/01-52-54-00-79-00-00"));
    EXPECT_GE(ladder.size(), 10U);
    EXPECT_EQ(world.server.metrics().sessions.read(), 0U);
}

TEST(TftpClients, UBootHasItsTimeoutEchoedAndAFolderRefused) {
    const auto requests = read_requests("uboot-x86.pcap");
    bool folder = false;
    for (const Captured& request : requests) {
        EXPECT_EQ(request.asked.timeout, 5);
        TftpWorld world;
        world.files["files/boot.scr.uimg"] = text_content("x");
        world.files["files/shimx64.efi"] = text_content("x");
        const auto sent = world.request(request.client, request.packet);
        if (request.name.ends_with('/')) {
            folder = true;
            EXPECT_EQ(sent.at(0).error().code, TftpErrorCode::file_not_found);
        } else if (sent.at(0).opcode() == TftpOpcode::oack) {
            EXPECT_EQ(sent[0].oack(), (TftpOptions{.blksize = 1468, .tsize = 1, .timeout = 5}));
        }
    }
    EXPECT_TRUE(folder);
}

TEST(TftpClients, IpxeAsksOncePerFileWithItsOwnBlksize) {
    for (const Captured& request : read_requests("bios-undionly.pcap")) {
        EXPECT_EQ(request.asked, (TftpOptions{.blksize = 1432, .tsize = 0})) << request.name;
    }
    // Its ways to leave: "TFTP Aborted" after the OACK is a probe.
    TftpWorld world;
    world.files["files/f"] = text_content("x");
    const auto oack = world.request(client(1024), rrq("f", {.blksize = 1432, .tsize = 0}));
    (void)world.reply(client(1024), oack.at(0).socket, error(0, "TFTP Aborted"));
    EXPECT_EQ(world.ended(TftpEnd::probed), 1U);
}

// iPXE repeats itself after 0.26, 0.55, 1.04 … s, OVMF every 4 s, both from one port: one transfer.
TEST(TftpClients, AClientWithALossyWayGetsOneTransferForAllItsRequests) {
    for (const char* capture : {"bios-silent-tftp.pcap", "uefi-silent-tftp.pcap"}) {
        TftpWorld world;
        std::map<Endpoint, std::string> first;
        std::size_t repeats = 0;
        for (const Captured& request : read_requests(capture)) {
            world.at(request.at);
            (void)world.expire();
            world.files["files/" + request.name] = text_content("loader");
            const auto sent = world.request(request.client, request.packet);
            ASSERT_EQ(sent.size(), 1U);
            const auto [it, fresh] = first.emplace(request.client, sent[0].bytes);
            repeats += fresh ? 0 : 1;
            EXPECT_EQ(sent[0].bytes, it->second);
        }
        EXPECT_GE(repeats, 5U) << capture;
        EXPECT_EQ(world.server.metrics().requests.read(), first.size()) << capture;
        EXPECT_EQ(world.server.metrics().repeated_requests.read(), repeats) << capture;
    }
}

/// EDK2's reader (Mtftp4Rrq.c): strict order; a full window or the end is acknowledged, and every
/// block that is not the expected one with ACK expected - 1. A window counts from the last ACK.
struct Edk2Reader {
    std::uint16_t windowsize = 4;
    std::uint64_t expected = 1;
    unsigned in_window = 0;
    std::string got;

    std::optional<std::string> on_data(const Sent& data, std::size_t blksize) {
        if (data.block() != static_cast<std::uint16_t>(expected)) {
            in_window = 0;
            return ack(expected - 1);
        }
        got += data.bytes.substr(4);
        ++expected;
        ++in_window;
        if (in_window == windowsize || data.bytes.size() < blksize + 4) {
            in_window = 0;
            return ack(expected - 1);
        }
        return std::nullopt;
    }
};

// Each single block of a transfer is lost once, the first of a window like the last.
TEST(TftpClients, Edk2RecoversFromTheLossOfAnyOneBlock) {
    const std::string bytes = pattern(9'500); // 10 blocks
    for (std::uint16_t lost = 1; lost <= 10; ++lost) {
        SCOPED_TRACE(lost);
        TftpWorld world;
        world.files["files/f"] = text_content(bytes);
        const Endpoint pc = client(1809);
        const auto oack = world.request(pc, rrq("f", {.blksize = 1000, .windowsize = 4}));
        const std::uint8_t socket = oack.at(0).socket;
        Edk2Reader reader;
        bool dropped = false;
        std::vector<Sent> arriving = world.reply(pc, socket, ack(0));
        for (int turn = 0; turn < 100 && world.server.metrics().sessions.read() > 0; ++turn) {
            std::vector<Sent> next;
            for (const Sent& data : arriving) {
                if (data.block() == lost && !dropped) {
                    dropped = true;
                    continue;
                }
                world.pass(100us);
                if (const auto answer = reader.on_data(data, 1000)) {
                    const auto sent = world.reply(pc, socket, *answer);
                    next.insert(next.end(), sent.begin(), sent.end());
                }
            }
            arriving = next.empty() ? world.run_to_timer() : next;
        }
        EXPECT_EQ(reader.got, bytes);
        EXPECT_EQ(world.ended(TftpEnd::completed), 1U);
        EXPECT_LE(world.server.metrics().blocks_resent.read(), 8U) << "two windows at the most";
        EXPECT_LT(world.now() - Instant{}, 500ms) << "long before EDK2's own 4 s";
    }
}

} // namespace
} // namespace muster
