// SPDX-License-Identifier: Apache-2.0
// Whose a datagram, a timer or a stream is, and what is left when a machine goes.
#include "net/client/client_fleet.hh"

#include "net/wire/dhcp_message.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

/// What a machine was told, by whom; it does what the test says.
struct Script {
    std::vector<std::string> told;
    std::function<void(ClientContext&)> on_start;
    std::function<void(ClientContext&)> on_timer;
    std::function<void(ClientContext&)> on_datagram;
    std::function<void(ClientStreamId, ClientContext&)> on_closed;
    bool destroyed = false;
};

class ScriptedMachine final : public ClientMachine {
public:
    explicit ScriptedMachine(Script& script) : script_(script) {}
    ~ScriptedMachine() override { script_.destroyed = true; }

    void start(ClientContext& context) noexcept override {
        script_.told.emplace_back("start");
        if (script_.on_start) {
            script_.on_start(context);
        }
    }
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept override {
        script_.told.push_back("datagram " + std::to_string(datagram.payload.size()));
        if (script_.on_datagram) {
            script_.on_datagram(context);
        }
    }
    void on_timer(ClientContext& context) noexcept override {
        script_.told.emplace_back("timer");
        if (script_.on_timer) {
            script_.on_timer(context);
        }
    }
    void on_stream_open(ClientStreamId, ClientContext&) noexcept override {
        script_.told.emplace_back("open");
    }
    void on_stream_data(ClientStreamId, Bytes bytes, ClientContext&) noexcept override {
        script_.told.push_back("data " + std::string{as_text(bytes)});
    }
    void on_stream_discarded(ClientStreamId, std::uint64_t size, ClientContext&) noexcept override {
        script_.told.push_back("discarded " + std::to_string(size));
    }
    void on_stream_closed(ClientStreamId stream, ClientContext& context) noexcept override {
        script_.told.emplace_back("closed");
        if (script_.on_closed) {
            script_.on_closed(stream, context);
        }
    }

private:
    Script& script_;
};

constexpr MacAddress mac_of(std::uint8_t n) {
    return {{0x52, 0x54, 0, 0, 0, n}};
}
constexpr Ipv4Address address_of(std::uint8_t n) {
    return {{10, 0, 0, n}};
}
const Endpoint server{Ipv4Address{{10, 0, 0, 1}}, 80};

struct FleetTest : testing::Test {
    ClientFleet fleet{ClientFleetLimits{.machines = 3, .streams = 2}};
    ClientOutbox out;
    Now now{Instant{} + 1s, UnixTime{1'000}};
    std::array<Script, 3> scripts;
    using Told = std::vector<std::string>;

    void start(MachineIndex index, Ipv4Address address = {}) {
        ClientIdentity identity;
        identity.index = index;
        identity.mac = mac_of(static_cast<std::uint8_t>(index));
        identity.address = address;
        fleet.start(identity, std::make_unique<ScriptedMachine>(scripts[index]), now, out);
    }
    void frame(const MacAddress& mac, const Endpoint& destination, Bytes payload, bool somebodys) {
        EXPECT_EQ(
            fleet.receive_frame(
                mac, {.source = server, .destination = destination, .payload = payload}, now, out),
            somebodys);
    }
    void wait(Duration duration) {
        now.steady = now.steady + duration;
        fleet.expire(now, out);
    }
};

std::vector<std::byte> dhcp_reply(const MacAddress& mac) {
    DhcpHeader header;
    header.op = dhcp_boot_reply;
    header.set_mac(mac);
    std::vector<std::byte> buffer(dhcp_message_size_min);
    DhcpWriter writer{buffer, header, buffer.size()};
    buffer.resize(writer.finish());
    return buffer;
}

TEST_F(FleetTest, DhcpIsMatchedByItsChaddr) {
    start(0);
    start(1);
    const auto reply = dhcp_reply(mac_of(1));
    // A broadcast frame, and one to another machine's MAC address even: chaddr counts.
    frame(MacAddress::broadcast(), {Ipv4Address::broadcast(), 68}, reply, true);
    frame(mac_of(0), {address_of(9), 68}, reply, true);
    EXPECT_EQ(scripts[0].told, (Told{"start"}));
    EXPECT_EQ(scripts[1].told.size(), 3U);
    frame(MacAddress::broadcast(), {Ipv4Address::broadcast(), 68}, dhcp_reply(mac_of(2)), false);
    frame(mac_of(0), {address_of(9), 68}, Bytes{reply}.first(100), false); // no chaddr to see
}

TEST_F(FleetTest, OtherFramesAreMatchedByMacThenByAddress) {
    const auto payload = std::vector<std::byte>(5);
    start(0);
    start(1, address_of(11));
    frame(mac_of(0), {address_of(99), 2000}, payload, true);
    EXPECT_EQ(scripts[0].told, (Told{"start", "datagram 5"}));
    frame(mac_of(7), {address_of(11), 2000}, payload, true);
    EXPECT_EQ(scripts[1].told, (Told{"start", "datagram 5"}));
    frame(mac_of(7), {address_of(99), 2000}, payload, false);
    frame({{1, 0, 0x5E, 0, 0, 1}}, {Ipv4Address{{239, 0, 0, 1}}, 2000}, payload, true);
    EXPECT_EQ(scripts[0].told.size(), 3U) << "a group is everybody";
    EXPECT_EQ(scripts[1].told.size(), 3U);
}

TEST_F(FleetTest, AnAddressMovesWithTheLease) {
    scripts[0].on_start = [](ClientContext& context) {
        context.set_address(address_of(10));
    };
    start(0);
    EXPECT_EQ(fleet.machine_of(address_of(10)), std::optional<MachineIndex>{0});
    scripts[1].on_start = scripts[0].on_start; // the server gave it away again
    start(1);
    EXPECT_EQ(fleet.machine_of(address_of(10)), std::optional<MachineIndex>{1});
    fleet.stop(0, now, out);
    EXPECT_EQ(fleet.machine_of(address_of(10)), std::optional<MachineIndex>{1})
        << "what machine 0 had lost it does not take along";
    scripts[1].on_timer = [](ClientContext& context) {
        context.set_address({});
    };
    fleet.stop(1, now, out);
    EXPECT_EQ(fleet.machine_of(address_of(10)), std::nullopt);
    EXPECT_EQ(fleet.machine_of(mac_of(1)), std::nullopt);
}

TEST_F(FleetTest, EachMachineHasOneTimer) {
    scripts[0].on_start = [](ClientContext& context) {
        context.set_timer(context.now.steady + 5s);
        context.set_timer(context.now.steady + 2s);
    };
    start(0);
    EXPECT_LE(fleet.next_deadline(), now.steady + 2s);
    wait(1900ms);
    EXPECT_EQ(scripts[0].told, (Told{"start"}));
    wait(200ms);
    EXPECT_EQ(scripts[0].told, (Told{"start", "timer"}));
    wait(10s);
    EXPECT_EQ(scripts[0].told.size(), 2U) << "it fires once";
    scripts[1].on_start = [](ClientContext& context) {
        context.set_timer(context.now.steady + 1s);
        context.set_timer(Instant::never());
    };
    start(1);
    wait(10s);
    EXPECT_EQ(scripts[1].told, (Told{"start"}));
    EXPECT_EQ(fleet.next_deadline(), Instant::never());
}

TEST_F(FleetTest, AStreamBelongsToItsMachineUntilItEnds) {
    ClientStreamId stream{};
    scripts[0].on_start = [&](ClientContext& context) {
        stream = context.connect(address_of(10), server, 8192);
        context.send_stream(stream, as_bytes("GET"));
        context.discard_stream(stream, 70);
    };
    start(0);
    ASSERT_EQ(out.connects.size(), 1U);
    EXPECT_EQ(out.connects[0].receive_window, 8192U);
    EXPECT_EQ(out.connects[0].destination, server);
    ASSERT_EQ(out.stream_orders.size(), 2U);
    EXPECT_EQ(as_text(out.payload(out.stream_orders[0])), "GET");
    EXPECT_EQ(out.stream_orders[1].kind, ClientStreamOrder::Kind::discard);
    EXPECT_EQ(out.stream_orders[1].size, 70U);
    fleet.on_stream_open(stream, now, out);
    fleet.on_stream_data(stream, as_bytes("abc"), now, out);
    fleet.on_stream_discarded(stream, 70, now, out);
    EXPECT_EQ(fleet.streams_in_use(), 1U);
    fleet.on_stream_closed(stream, now, out);
    EXPECT_EQ(fleet.streams_in_use(), 0U);
    fleet.on_stream_data(stream, as_bytes("late"), now, out);
    fleet.on_stream_closed(stream, now, out);
    EXPECT_EQ(scripts[0].told, (Told{"start", "open", "data abc", "discarded 70", "closed"}));
}

TEST_F(FleetTest, AStreamThatTheMachineClosedIsSilent) {
    ClientStreamId stream{};
    scripts[0].on_start = [&](ClientContext& context) {
        stream = context.connect({}, server);
        context.close_stream(stream);
        context.close_stream(stream); // once is enough
    };
    start(0);
    ASSERT_EQ(out.stream_orders.size(), 1U);
    EXPECT_EQ(out.stream_orders[0].kind, ClientStreamOrder::Kind::close);
    fleet.on_stream_data(stream, as_bytes("late"), now, out);
    fleet.on_stream_closed(stream, now, out);
    EXPECT_EQ(scripts[0].told, (Told{"start"}));
    EXPECT_EQ(fleet.streams_in_use(), 0U);
}

TEST_F(FleetTest, AFullFleetSaysSoAndGoesOn) {
    std::vector<ClientStreamId> streams;
    scripts[0].on_start = [&](ClientContext& context) {
        for (int i = 0; i < 3; ++i) {
            streams.push_back(context.connect({}, server));
        }
    };
    start(0);
    EXPECT_EQ(streams[2].generation, 0U);
    ASSERT_EQ(out.notes.size(), 1U);
    EXPECT_EQ(out.notes[0].kind, ClientNote::Kind::failed);
    fleet.on_stream_closed(streams[0], now, out);
    scripts[1].on_start = [&](ClientContext& context) {
        streams.push_back(context.connect({}, server));
    };
    start(1);
    EXPECT_NE(streams[3].generation, 0U);
    EXPECT_NE(streams[3], streams[0]) << "a new name for the slot";
}

TEST_F(FleetTest, WhoFinishesLeavesNothingBehind) {
    scripts[0].on_start = [](ClientContext& context) {
        context.send_udp({}, 68, {Ipv4Address::broadcast(), 67}, as_bytes("x"));
        context.send_udp({}, 68, {Ipv4Address::broadcast(), 67}, as_bytes("x"));
        context.send_udp({}, 2000, server, as_bytes("x"));
        context.send_udp({}, 2001, server, as_bytes("x"));
        context.close_udp(2001);
        (void)context.connect({}, server);
        context.set_timer(context.now.steady + 1s);
        context.set_address(address_of(10));
        context.finish(true, "done");
        EXPECT_EQ(context.out.notes.size(), 1U);
    };
    start(0);
    EXPECT_TRUE(scripts[0].destroyed);
    EXPECT_FALSE(fleet.running(0));
    EXPECT_EQ(fleet.running_count(), 0U);
    EXPECT_EQ(fleet.streams_in_use(), 0U);
    EXPECT_EQ(fleet.machine_of(address_of(10)), std::nullopt);
    ASSERT_EQ(out.udp_closes.size(), 3U); // each port once
    EXPECT_EQ(out.udp_closes[0].port, 2001);
    EXPECT_EQ(out.udp_closes[1].port, 68);
    EXPECT_EQ(out.udp_closes[2].port, 2000);
    ASSERT_EQ(out.notes.size(), 1U);
    EXPECT_EQ(out.notes[0].kind, ClientNote::Kind::finished);
    EXPECT_TRUE(out.notes[0].ok);
    EXPECT_EQ(out.notes[0].text, "done");
    wait(10s);
    EXPECT_EQ(scripts[0].told, (Told{"start"}));
}

TEST_F(FleetTest, AnIndexIsUsedAgain) {
    scripts[0].on_start = [](ClientContext& context) {
        context.finish(false);
    };
    start(0);
    scripts[0] = {};
    start(0);
    EXPECT_TRUE(fleet.running(0));
    EXPECT_EQ(fleet.running_count(), 1U);
    frame(mac_of(0), {address_of(99), 2000}, as_bytes("abc"), true);
    EXPECT_EQ(scripts[0].told, (Told{"start", "datagram 3"}));
}

TEST_F(FleetTest, ThePlugIsPulledWithoutAWord) {
    scripts[0].on_start = [](ClientContext& context) {
        context.send_udp({}, 68, {Ipv4Address::broadcast(), 67}, as_bytes("x"));
        (void)context.connect({}, server);
        context.set_timer(context.now.steady + 1s);
    };
    start(0);
    out.clear();
    fleet.stop(0, now, out);
    EXPECT_TRUE(scripts[0].destroyed);
    EXPECT_TRUE(out.notes.empty());
    EXPECT_TRUE(out.datagrams.empty());
    EXPECT_EQ(out.udp_closes.size(), 1U);
    ASSERT_EQ(out.stream_orders.size(), 1U);
    EXPECT_EQ(out.stream_orders[0].kind, ClientStreamOrder::Kind::close);
    fleet.stop(0, now, out); // nothing is there
    fleet.receive(0, {.payload = as_bytes("x")}, now, out);
    fleet.receive(99, {.payload = as_bytes("x")}, now, out);
    wait(10s);
    EXPECT_EQ(scripts[0].told, (Told{"start"}));
}

TEST_F(FleetTest, DatagramsSayWhoseTheyAre) {
    scripts[2].on_start = [](ClientContext& context) {
        context.send_udp(address_of(10), 2000, server, as_bytes("abc"));
        context.send_icmpv6(Ipv6Address{{0xFE, 0x80}}, Ipv6Address{{0xFF, 2}}, as_bytes("rs"));
        context.join({Ipv4Address{{239, 0, 0, 1}}, 1758});
        context.leave({Ipv4Address{{239, 0, 0, 1}}, 1758});
        context.waited(ClientWait::client, 5s);
    };
    start(2);
    ASSERT_EQ(out.datagrams.size(), 2U);
    EXPECT_EQ(out.datagrams[0].machine, 2U);
    EXPECT_EQ(out.datagrams[0].mac, mac_of(2));
    EXPECT_EQ(out.datagrams[0].source, (Endpoint{address_of(10), 2000}));
    EXPECT_EQ(as_text(out.payload(out.datagrams[0])), "abc");
    EXPECT_EQ(out.datagrams[1].protocol, ClientProtocol::icmpv6);
    EXPECT_EQ(as_text(out.payload(out.datagrams[1])), "rs");
    ASSERT_EQ(out.groups.size(), 2U);
    EXPECT_TRUE(out.groups[0].join);
    EXPECT_FALSE(out.groups[1].join);
    ASSERT_EQ(out.notes.size(), 1U);
    EXPECT_EQ(out.notes[0].machine, 2U);
    EXPECT_EQ(out.notes[0].duration, 5s);
}

} // namespace
} // namespace muster::test
