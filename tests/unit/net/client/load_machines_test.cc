// SPDX-License-Identifier: Apache-2.0
// The machines of a load generator, against the real servers where that says more than a script.
#include "net/client/load_machines.hh"

#include "tests/support/dhcp_rig.hh"
#include "tests/unit/net/client/tftp_network.hh"

#include <gtest/gtest.h>

#include <string>

namespace muster::test {
namespace {

using Kind = ClientNote::Kind;

constexpr std::array<std::uint8_t, 16> uuid{0x79, 1, 2, 3};

/// A fleet of one load machine, whose packets and orders the test answers.
class LoadRig {
public:
    explicit LoadRig(std::unique_ptr<ClientMachine> machine, Ipv4Address address = {}) {
        fleet.start({.index = 0, .mac = machine_mac(1), .uuid = uuid, .address = address},
                    std::move(machine), now, out);
        gather();
    }
    void pass(Duration time) {
        now.steady = now.steady + time;
        fleet.expire(now, out);
        gather();
    }
    void gather() {
        for (const ClientTx& tx : out.datagrams) {
            const Bytes payload = out.payload(tx);
            sent.emplace_back(tx, std::vector<std::byte>{payload.begin(), payload.end()});
        }
        for (const ClientConnect& connect : out.connects) {
            connects.push_back(connect);
        }
        for (const ClientStreamOrder& order : out.stream_orders) {
            if (order.kind == ClientStreamOrder::Kind::send) {
                requests.emplace_back(as_text(out.payload(order)));
            }
        }
        for (ClientNote& note : out.notes) {
            notes.push_back(std::move(note));
        }
        out.clear();
    }
    /// A DHCP reply as a frame.
    bool frame(const Reply& reply, std::uint16_t port) {
        const bool taken = fleet.receive_frame(MacAddress::broadcast(),
                                               {.source = {ip("10.79.0.1"), 67},
                                                .destination = {Ipv4Address::broadcast(), port},
                                                .payload = reply.bytes},
                                               now, out);
        gather();
        return taken;
    }
    [[nodiscard]] std::size_t count(Kind kind) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(notes, [kind](const auto& note) { return note.kind == kind; }));
    }
    void data(std::string_view bytes) {
        fleet.on_stream_data(connects.back().stream, as_bytes(bytes), now, out);
        gather();
    }
    void open() {
        fleet.on_stream_open(connects.back().stream, now, out);
        gather();
    }

    Now now;
    ClientOutbox out;
    ClientFleet fleet{{.machines = 1, .streams = 2}};
    std::vector<std::pair<ClientTx, std::vector<std::byte>>> sent;
    std::vector<ClientConnect> connects;
    std::vector<std::string> requests;
    std::vector<ClientNote> notes;
};

TEST(DhcpLoadMachine, GetsALeaseOfTheRealServer) {
    DhcpRig server;
    LoadRig rig{make_dhcp_load_machine({.pxe = true})};
    ASSERT_EQ(rig.sent.size(), 1U);
    EXPECT_EQ(rig.sent[0].first.source, (Endpoint{IpAddress{}, 68}));
    EXPECT_EQ(rig.sent[0].first.destination, (Endpoint{Ipv4Address::broadcast(), 67}));
    DhcpMessage discover;
    ASSERT_TRUE(read_dhcp_message(rig.sent[0].second, discover));
    EXPECT_EQ(discover.type, DhcpMessageType::discover);
    EXPECT_EQ(discover.header.mac(), machine_mac(1));
    EXPECT_FALSE(discover.has(DhcpOptionCode::requested_address));
    EXPECT_EQ(discover.u16(DhcpOptionCode::client_architecture), 7);
    EXPECT_EQ(discover.find(DhcpOptionCode::client_machine)->size(), 17U);

    const auto offers = server.receive(rig.sent[0].second);
    ASSERT_EQ(offers.size(), 1U);
    rig.pass(3ms);
    EXPECT_TRUE(rig.frame(offers[0], 68));
    EXPECT_TRUE(rig.frame(offers[0], 68)) << "doubled on the way";
    ASSERT_EQ(rig.sent.size(), 2U);
    DhcpMessage request;
    ASSERT_TRUE(read_dhcp_message(rig.sent[1].second, request));
    EXPECT_EQ(request.type, DhcpMessageType::request);
    EXPECT_EQ(request.address(DhcpOptionCode::requested_address), offers[0].yiaddr());
    EXPECT_EQ(request.address(DhcpOptionCode::server_identifier), ip("10.79.0.1"));
    EXPECT_EQ(request.header.xid, discover.header.xid);

    (void)server.receive(rig.sent[1].second);
    const auto acks = server.commit();
    ASSERT_EQ(acks.size(), 1U);
    rig.pass(2ms);
    EXPECT_TRUE(rig.frame(acks[0], 68));
    ASSERT_EQ(rig.notes.size(), 2U);
    EXPECT_EQ(rig.notes[0].kind, Kind::exchange);
    EXPECT_EQ(rig.notes[0].duration, 5ms);
    EXPECT_EQ(rig.notes[0].address, offers[0].yiaddr());
    EXPECT_EQ(rig.notes[1].kind, Kind::finished);
    EXPECT_TRUE(rig.notes[1].ok);
    EXPECT_FALSE(rig.fleet.running(0));
}

TEST(DhcpLoadMachine, SpeaksAsARelayAgent) {
    DhcpRig server;
    LoadRig rig{make_dhcp_load_machine({.mode = DhcpLoadOptions::Mode::relay,
                                        .server = ip("10.79.0.1"),
                                        .relay = ip("10.79.0.9")})};
    EXPECT_EQ(rig.sent.at(0).first.source, (Endpoint{ip("10.79.0.9"), 67}));
    EXPECT_EQ(rig.sent.at(0).first.destination, (Endpoint{ip("10.79.0.1"), 67}));
    DhcpMessage discover;
    ASSERT_TRUE(read_dhcp_message(rig.sent[0].second, discover));
    EXPECT_EQ(discover.header.giaddr, ip("10.79.0.9"));
    EXPECT_EQ(discover.header.hops, 1);
    const auto offers = server.receive(rig.sent[0].second, ip("10.79.0.1"));
    ASSERT_EQ(offers.size(), 1U);
    EXPECT_EQ(offers[0].datagram.destination, (Endpoint{ip("10.79.0.9"), 67}));
    EXPECT_TRUE(rig.frame(offers[0], 67)) << "found by its chaddr";
    (void)server.receive(rig.sent.at(1).second, ip("10.79.0.1"));
    EXPECT_TRUE(rig.frame(server.commit().at(0), 67));
    EXPECT_EQ(rig.count(Kind::exchange), 1U);
}

TEST(DhcpLoadMachine, RepeatsAfterOneTwoFourAndEightSeconds) {
    LoadRig rig{make_dhcp_load_machine({})};
    std::vector<int> at;
    for (int s = 1; rig.fleet.running(0); ++s) {
        const std::size_t before = rig.sent.size();
        rig.pass(1s);
        if (rig.sent.size() > before) {
            at.push_back(s);
            EXPECT_EQ(std::to_integer<int>(rig.sent.back().second[9]), s) << "secs";
        }
        ASSERT_LT(s, 100);
    }
    EXPECT_EQ(at, (std::vector{1, 3, 7, 15}));
    EXPECT_EQ(rig.now.steady, Instant{} + 23s);
    EXPECT_EQ(rig.count(Kind::retransmission), 4U);
    EXPECT_FALSE(rig.notes.back().ok);
    EXPECT_EQ(rig.notes.back().text, "no answer to DISCOVER");
}

TEST(DhcpLoadMachine, TakesOnlyWhatAnswersItsQuestion) {
    DhcpRig server;
    LoadRig rig{make_dhcp_load_machine({})};
    auto offers = server.receive(rig.sent.at(0).second);
    Reply& offer = offers.at(0);
    for (const std::size_t at :
         {std::size_t{0}, std::size_t{4}, std::size_t{28}, std::size_t{236}}) {
        Reply wrong;
        wrong.bytes = offer.bytes;
        wrong.bytes[at] ^= std::byte{0xFF};
        (void)rig.frame(wrong, 68);
        EXPECT_EQ(rig.sent.size(), 1U) << at;
    }
    Reply truncated;
    truncated.bytes.assign(offer.bytes.begin(), offer.bytes.begin() + 240);
    (void)rig.frame(truncated, 68);
    EXPECT_EQ(rig.sent.size(), 1U);
    (void)rig.frame(offer, 68);
    EXPECT_EQ(rig.sent.size(), 2U);
}

TEST(TftpLoadMachine, FetchesAgainAndAgain) {
    const std::string file = pattern(100'000);
    const Bytes expected = as_bytes(file);
    TftpNetwork network{{.loss = 0.02}, 3, 20};
    network.world.files["files/f"] = text_content(file);
    for (MachineIndex i = 0; i < 20; ++i) {
        network.add(i, make_tftp_load_machine(
                           {.server = {server_address, 69},
                            .name = "f",
                            .windowsize = i % 2 == 0 ? std::uint16_t{16} : std::uint16_t{0},
                            .expected = &expected,
                            .limits = {.count = 5}}));
    }
    ASSERT_TRUE(network.run(600s));
    EXPECT_EQ(network.finished_well(), 20U);
    EXPECT_EQ(network.count(Kind::transfer), 100U);
}

TEST(TftpLoadMachine, StopsWhenItsTimeIsUp) {
    TftpNetwork network{{}, 3};
    network.world.files["files/f"] = text_content(pattern(1'000'000));
    network.add(0, make_tftp_load_machine({.server = {server_address, 69},
                                           .name = "f",
                                           .limits = {.count = 0, .until = Instant{} + 1s}}));
    ASSERT_TRUE(network.run(10s));
    EXPECT_EQ(network.now().steady, Instant{} + 1s);
    EXPECT_EQ(network.finished_well(), 1U);
    EXPECT_GT(network.count(Kind::transfer), 3U);
    EXPECT_EQ(network.count(Kind::failed), 0U) << "what was under way is given up";
}

TEST(TftpLoadMachine, PausesAfterAFailure) {
    TftpNetwork network{{}, 3};
    network.add(0, make_tftp_load_machine(
                       {.server = {server_address, 69}, .name = "f", .limits = {.count = 10}}));
    ASSERT_TRUE(network.run(10s));
    EXPECT_EQ(network.count(Kind::failed), 10U);
    EXPECT_EQ(network.finished_well(), 0U);
    EXPECT_EQ(network.notes.back().text, "10 of 10 failed");
    EXPECT_GE(network.now().steady, Instant{} + 900ms);
}

constexpr Endpoint web{Ipv4Address{{10, 79, 0, 1}}, 80};

TEST(HttpLoadMachine, AsksAgainOnOneConnection) {
    LoadRig rig{make_http_load_machine(
                    {.server = web, .target = "/f", .limits = {.count = 0, .until = {5'000'000}}}),
                ip("10.79.0.50")};
    ASSERT_EQ(rig.connects.size(), 1U);
    EXPECT_EQ(rig.connects[0].source, IpAddress{ip("10.79.0.50")});
    rig.open();
    for (std::size_t i = 1; i <= 100; ++i) {
        ASSERT_EQ(rig.requests.size(), i);
        EXPECT_TRUE(rig.requests.back().starts_with("GET /f HTTP/1.1\r\nHost: 10.79.0.1\r\n"));
        rig.data("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    }
    EXPECT_EQ(rig.connects.size(), 1U);
    EXPECT_EQ(rig.count(Kind::request), 100U);
    rig.pass(5ms);
    EXPECT_FALSE(rig.fleet.running(0));
    EXPECT_TRUE(rig.notes.back().ok);
}

TEST(HttpLoadMachine, OpensAConnectionARequestWhereToldTo) {
    LoadRig rig{make_http_load_machine({.server = web,
                                        .target = "/f",
                                        .new_connections = true,
                                        .range_begin = 10,
                                        .range_end = 20,
                                        .limits = {.count = 3}})};
    for (std::size_t i = 1; i <= 3; ++i) {
        ASSERT_EQ(rig.connects.size(), i);
        rig.open();
        EXPECT_NE(rig.requests.back().find("Range: bytes=10-19\r\n"), std::string::npos);
        rig.data("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 10-19/100\r\n"
                 "Content-Length: 10\r\n\r\n0123456789");
    }
    EXPECT_FALSE(rig.fleet.running(0));
    EXPECT_TRUE(rig.notes.back().ok);
}

TEST(HttpLoadMachine, CountsWhatFailsAndGoesOn) {
    const std::string file = "hello";
    const Bytes expected = as_bytes(file);
    LoadRig rig{make_http_load_machine(
        {.server = web, .target = "/f", .expected = &expected, .limits = {.count = 3}})};
    rig.open();
    rig.data("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellO");
    EXPECT_EQ(rig.count(Kind::failed), 1U);
    EXPECT_EQ(rig.connects.size(), 1U);
    rig.pass(100ms);
    ASSERT_EQ(rig.connects.size(), 2U);
    rig.fleet.on_stream_closed(rig.connects.back().stream, rig.now, rig.out);
    rig.gather();
    rig.pass(100ms);
    ASSERT_EQ(rig.connects.size(), 3U);
    rig.open();
    rig.data("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(rig.notes.back().kind, Kind::finished);
    EXPECT_FALSE(rig.notes.back().ok);
    EXPECT_EQ(rig.notes.back().text, "2 of 3 failed");
}

} // namespace
} // namespace muster::test
